"""The cure for any network: upsampling layers whose kernels cannot make a checkerboard.

    from dcgan.checkerboard import bake, balance
    for layer in balance(network):
        print(layer)
    ...  # train, or fine-tune
    bake(network)  # ordinary weights again, for any program

It uses torch's own parametrizations: the optimizer, checkpoints and copies work as before.
"""

from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from dcgan.checkerboard.definition import evaluating, find_upsampling, original
from dcgan.checkerboard.parametrization import (
    Balanced,
    BalancedSubpixel,
    EqualBiases,
    keep_balanced,
    make_plain,
)
from dcgan.checkerboard.replay import geometry_of
from dcgan.checkerboard.traversal import Upsampling
from dcgan.errors import first_line


@dataclass(frozen=True)
class BalancedLayer:
    """An upsampling layer, and whether it could be balanced."""

    name: str
    kind: str  # such as ConvTranspose2d
    problem: str | None = None  # why it was left unchanged; None: it is balanced now

    def __str__(self) -> str:
        """One line."""
        return f"{self.name} ({self.kind}): {self.problem or 'balanced'}"


def balance(
    network: nn.Module, example: Any = None, *, order: int = 1, keep_norm: bool = False
) -> list[BalancedLayer]:
    """Balance the kernels of a network's upsampling layers, in place, and keep them balanced.

    Each ConvTranspose1d/2d/3d with a stride above 1, and each convolution before a PixelShuffle,
    gets the nearest kernel (least squares) that turns a constant into a constant, i.e. whose
    polyphase gains are equal. With order 2 it also turns a ramp into a ramp.

    Args:
        network: changed in place.
        example: an input, a tuple of inputs, or a dict of keyword inputs, as for `diagnose`. Needed
            if a pixel shuffle is called as a function, used more than once, or not defined right
            after its convolution.
        order: 1 or 2.
        keep_norm: for an untrained network; see `keep_balanced`.

    Returns:
        Every upsampling layer, with what was done to it.

    Raises:
        ValueError: `order` is neither 1 nor 2, or the network is a TorchScript module.
    """
    if order not in (1, 2):
        raise ValueError(f"order {order}: must be 1 or 2")
    network = original(network)
    with evaluating(network):
        layers = find_upsampling(network, example)
    return [_balance_layer(found, network, order, keep_norm) for found in layers]


def bake(network: nn.Module) -> list[str]:
    """Turn a network's balanced weights back into ordinary parameters, with their current values.

    Weight or spectral normalization of such a layer is baked in too.

    Returns:
        The names of the changed layers.
    """
    changed = []
    for name, layer in list(network.named_modules()):
        if not parametrize.is_parametrized(layer):
            continue
        for tensor, steps in list(layer.parametrizations.items()):
            if any(isinstance(step, Balanced | EqualBiases) for step in steps):
                make_plain(layer, tensor)
                changed.append(name)
    return list(dict.fromkeys(changed))


def _balance_layer(
    found: Upsampling, network: nn.Module, order: int, keep_norm: bool
) -> BalancedLayer:
    problem = problem_of(found, network, order)
    try:
        if problem is None:
            assert found.layer is not None
            keep_balanced(found.layer, *parametrizations_of(found, order), keep_norm=keep_norm)
    except ValueError as error:
        problem = first_line(error)
    return BalancedLayer(found.name, found.kind, problem)


def problem_of(found: Upsampling, network: nn.Module, order: int = 1) -> str | None:
    """Why a layer cannot or need not be balanced; its geometry is checked later."""
    layer: Any = found.layer
    if found.obstacle is not None:
        return found.obstacle
    if found.clean:
        return "needs no cure: interpolation preserves constants"
    if layer is None:
        return "it is not one of torch.nn's convolutions"
    if found.shuffled and (problem := _shuffle_problem(found, order)) is not None:
        return problem
    if "weight" not in dict(layer.named_parameters()) and not parametrize.is_parametrized(layer):
        return "its weight is computed by an old-style hook: use torch.nn.utils.parametrizations"
    if any(isinstance(part, Balanced) for part in layer.modules()):
        return "already balanced: bake it first to change that"
    owned = [p for part in network.modules() for p in part.parameters(recurse=False)]
    if any(sum(p is parameter for p in owned) > 1 for parameter in layer.parameters()):
        return "it shares its weight with another layer, which would change, too"
    if any(parameter.is_meta for parameter in layer.parameters()):
        return "its weights are on the meta device: balance it when they have values"
    return None


def _shuffle_problem(found: Upsampling, order: int) -> str | None:
    layer: Any = found.layer
    phases = int(found.scale[0]) ** 2
    if found.norm is not None:
        return f"{found.norm} before the shuffle scales its phases"
    if not found.num_shuffled():
        return "its pixels are not moved as by nn.PixelShuffle"
    if found.num_shuffled() != layer.out_channels:
        return "only some of its channels are shuffled"
    if layer.out_channels // layer.groups % phases:
        wanted = f"each group needs a multiple of {phases} channels"
        return f"{wanted}; out_channels={layer.out_channels}, groups={layer.groups}"
    if order == 2 and max(*layer.dilation, *layer.stride) > 1:
        return "order 2 before a shuffle needs dilation 1 and stride 1"
    return None


def parametrizations_of(found: Upsampling, order: int = 1) -> tuple[Balanced, EqualBiases | None]:
    """The parametrizations of the source's weight and, before a shuffle, of its bias."""
    assert found.source is not None
    shape = geometry_of(found.source, len(found.scale))
    if not found.shuffled:
        return Balanced(shape.kernel_size, shape.stride, shape.dilation, order), None
    scale = int(found.scale[0])
    return BalancedSubpixel(shape.kernel_size, scale, order), EqualBiases(scale)
