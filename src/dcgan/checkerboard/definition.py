"""Find the upsampling layers of a network: by running it, or from its modules alone.

Without an example, modules run alone or with their neighbors in an nn.Sequential, on zeros.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.utils._pytree import tree_map

from dcgan.checkerboard.layers import PLAIN, TRANSPOSED
from dcgan.checkerboard.recording import Recording, record
from dcgan.checkerboard.traversal import Upsampling, find_recorded
from dcgan.errors import first_line

# Modules that run on the output of the one before in an nn.Sequential.
LOCAL: tuple[type[nn.Module], ...] = (
    *PLAIN,
    *TRANSPOSED,
    *(nn.Upsample, nn.PixelShuffle, nn.Dropout, nn.Dropout2d, nn.Identity),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(getattr(nn, name) for name in nn.modules.padding.__all__),
    *(getattr(nn, name) for name in nn.modules.activation.__all__ if "Attention" not in name),
)
SIZES = (6, 24, 48)  # of the made inputs, in pixels; the first that is large enough
NEEDS_EXAMPLE = "which convolution comes before it shows only with an example input"


def original(network: nn.Module) -> nn.Module:
    """The network that torch.compile has wrapped; others stay as they are."""
    found: nn.Module = getattr(network, "_orig_mod", network)
    return found


def inputs_of(example: Any) -> tuple[tuple[Any, ...] | None, dict[str, Any]]:
    """The example as positional inputs (None if there is none) and as keyword inputs."""
    if isinstance(example, Mapping):
        return (), dict(example)
    return (example if isinstance(example, tuple) or example is None else (example,)), {}


def copied(given: Any) -> Any:
    """The example anew: a network may write into its input."""
    return tree_map(lambda x: x.detach().clone() if isinstance(x, Tensor) else x, given)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode; afterwards every submodule gets its own mode back."""
    was_training = [(part, part.training) for part in module.modules()]
    with suppress(NotImplementedError):  # a module of torch.export has no modes
        module.eval()
    try:
        yield
    finally:
        for part, training in was_training:
            part.training = training


def find_upsampling(module: nn.Module, example: Any) -> list[Upsampling]:
    """Every enlarging operation, in execution order if there is an example, else as defined."""
    inputs, keywords = given = copied(inputs_of(example))
    if inputs is None:
        return find_defined(module)
    recording = record(module, lambda: module(*inputs, **keywords), given)
    return [*find_recorded(recording), *unused(module, recording)]


def unused(network: nn.Module, recording: Recording) -> list[Upsampling]:
    """The upsampling modules that took no part in a run."""
    why = "defined, but it did not run on this example"
    return [
        Upsampling(name, type(module).__name__, obstacle=why)
        for name, module in network.named_modules()
        if is_upsampling(module) and not _took_part(module, recording)
    ]


def _took_part(module: nn.Module, recording: Recording) -> bool:
    weight = getattr(module, "weight", None)
    used = any(arg is weight for node in recording.nodes for arg in node.args if arg is not None)
    return module in recording.ran or used or isinstance(module, torch.jit.ScriptModule)


def is_upsampling(module: nn.Module) -> bool:
    """Whether a module is one of torch's own that enlarge."""
    if isinstance(module, TRANSPOSED):
        return max(module.stride) > 1
    return isinstance(module, nn.Upsample | nn.PixelShuffle)


def find_defined(network: nn.Module) -> list[Upsampling]:
    """Every upsampling module, alone or with its neighbors in an nn.Sequential, on made inputs."""
    if isinstance(network, torch.jit.ScriptModule):
        raise ValueError("TorchScript hides layers: give an example input, or the original module")  # noqa: TRY004
    names = {module: name for name, module in network.named_modules()}
    found: dict[str, Upsampling] = {}
    for module, name in names.items():
        if isinstance(module, torch.jit.ScriptModule):
            problem = "TorchScript hides its layers: give an example input"
            found[name] = Upsampling(name, "TorchScript", obstacle=problem)
        elif "ConvTranspose" in (kind := type(module).__name__) and not any(
            isinstance(part, TRANSPOSED) for part in module.modules()
        ):
            problem = "it is not one of torch.nn: give an example input"
            found[name] = Upsampling(name or kind, kind, obstacle=problem)
    for chain in _chains(network):
        for up in _run(network, chain, names):
            found.setdefault(up.name, up)
    return list(found.values())


def _chains(module: nn.Module) -> Iterator[list[nn.Module]]:
    """Modules that run one after the other, with an upsampling module among them."""
    for _, group in groupby(_leaves(module), lambda leaf: isinstance(leaf, LOCAL)):
        run = list(group)
        if any(map(is_upsampling, run)):  # all of these are LOCAL
            yield run
        for leaf in run:
            for child in leaf.children():
                yield from _chains(child)


def _leaves(module: nn.Module) -> Iterator[nn.Module]:
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        for child in module:
            yield from _leaves(child)
    else:
        yield module


def _run(
    network: nn.Module, chain: list[nn.Module], names: dict[nn.Module, str]
) -> list[Upsampling]:
    """What enlarges in a chain of modules, seen by running it on zeros."""
    first = next(module for module in chain if is_upsampling(module))
    convolutions = [m for m in chain[: chain.index(first)] if isinstance(m, PLAIN)]
    chain = chain[chain.index(convolutions[-1] if convolutions else first) :]
    lazy = any(isinstance(p, UninitializedParameter) for m in chain for p in m.parameters())
    problem = "its weight has no shape yet: run the network once" if lazy else ""
    for size in () if lazy else SIZES:
        try:
            x = _made_input(chain, size)
            found = find_recorded(record(network, partial(nn.Sequential(*chain), x), (x,)))
        except Exception as error:  # noqa: BLE001 - third-party modules may raise anything
            problem = first_line(error)
            continue
        for up in found:
            if isinstance(up.layer, nn.Upsample) and up.layer.scale_factor is None:
                up.scale = ()  # it depends on the input
            if up.obstacle == "found no convolution before it" and chain[0] is first:
                up.obstacle = f"found no convolution before it: {NEEDS_EXAMPLE}"
        return found
    if len(chain) > 1:
        alone = [up for m in chain if is_upsampling(m) for up in _run(network, [m], names)]
        for up in alone if lazy else ():
            if NEEDS_EXAMPLE in (up.obstacle or ""):
                up.obstacle = problem  # no example helps before that
        return alone
    name = names[first] or type(first).__name__
    return [Upsampling(name, type(first).__name__, obstacle=problem)]


def _made_input(chain: list[nn.Module], size: int) -> Tensor:
    first: Any = chain[0]
    convolutions: list[Any] = [m for m in chain if isinstance(m, (*PLAIN, *TRANSPOSED))]
    axes, channels = 2, 1
    if convolutions:
        axes = len(convolutions[0].kernel_size)
        channels = convolutions[0].in_channels
    elif isinstance(first, nn.Upsample):
        axes = {"linear": 1, "trilinear": 3}.get(first.mode, 2)
    if isinstance(first, nn.PixelShuffle):
        channels *= first.upscale_factor**2
    like = next((p for m in chain for p in m.parameters()), torch.zeros(()))
    return torch.zeros(1, channels, *[size] * axes, dtype=like.dtype, device=like.device)
