"""Find the upsampling layers of any network, from its modules or by watching it run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from dcgan.checkerboard.layers import PLAIN, TRANSPOSED

SHUFFLE = "pixel shuffle"
CONVOLUTIONS = PLAIN + TRANSPOSED
POOLING = tuple(getattr(nn, name) for name in nn.modules.pooling.__all__)
PADS = tuple(getattr(nn, name) for name in nn.modules.padding.__all__)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
OTHER_NORMS = (nn.GroupNorm, nn.LayerNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
# Layers that end the search for the convolution of an Upsample or a PixelShuffle.
BREAKS = (nn.Linear, nn.Flatten, nn.Unflatten, *POOLING, *CONVOLUTIONS)


@dataclass(frozen=True)
class Upsampling:
    """An upsampling layer, and the convolution whose weights decide whether it is clean."""

    name: str
    kind: str
    convolution: Any = None  # None: it has none
    scale: tuple[float, ...] | None = None  # None: the convolution's own stride, or unknown
    mode: str | None = None  # of the interpolation before it; SHUFFLE: a pixel shuffle after it
    norm: Any = None  # batch norm between the convolution and the shuffle
    obstacle: str | None = None  # why ρ would be wrong for this layer
    padding: Any = None  # a padding layer between Upsample and the convolution


@dataclass
class _Event:
    """A layer or a function call, in definition or execution order."""

    name: str
    layer: Any = None  # None: a function
    mode: str | None = None  # of an interpolation, or SHUFFLE
    scale: Any = None  # a tuple, or one number for every axis

    def ends_search(self) -> bool:
        return self.mode is not None or isinstance(self.layer, BREAKS)


def inputs_of(example: Any) -> tuple[Any, ...] | None:
    """The example as a tuple of positional inputs; None stays None."""
    return example if isinstance(example, tuple) or example is None else (example,)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode; afterwards every submodule gets its own mode back."""
    was_training = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in was_training:
            part.training = training


def find_upsampling(module: nn.Module, inputs: tuple[Any, ...] | None) -> list[Upsampling]:
    """Every upsampling layer, in execution order if there are `inputs`, else in definition order.

    Raises:
        ValueError: the module is a TorchScript module, whose layers cannot be read.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError("TorchScript hides layers: use the module that was compiled")  # noqa: TRY004
    leaves = [
        (name or type(layer).__name__, layer)
        for name, layer in module.named_modules()
        # A parametrized convolution has children of its own.
        if isinstance(layer, CONVOLUTIONS) or not any(True for _ in layer.children())
        if "parametrizations" not in name
    ]
    if inputs is None:
        events = [_event(*leaf) for leaf in leaves]
    else:
        events = _watch(module, leaves, inputs)
    found: dict[str, Upsampling] = {}
    for i, event in enumerate(events):
        upsampling = None
        if isinstance(event.layer, TRANSPOSED) and max(event.layer.stride) > 1:
            upsampling = Upsampling(event.name, type(event.layer).__name__, event.layer)
        elif event.mode == SHUFFLE:
            upsampling = _shuffled(event, events[:i])
        elif event.mode:
            upsampling = _resized(event, events[i + 1 :])
        if upsampling is not None:
            found.setdefault(upsampling.name, upsampling)  # a layer may run several times
    return list(found.values())


def _shuffled(event: _Event, before: Sequence[_Event]) -> Upsampling:
    norm, obstacle = None, None
    for i, earlier in reversed(list(enumerate(before))):
        layer = earlier.layer
        if isinstance(layer, nn.Conv2d):
            if i and isinstance(before[i - 1].layer, POOLING):
                obstacle = "it gates the channels that are shuffled"  # squeeze and excitation
            kind = f"{type(layer).__name__} + PixelShuffle"
            return Upsampling(earlier.name, kind, layer, event.scale, SHUFFLE, norm, obstacle)
        if earlier.ends_search():
            break
        # Before the shuffle a channel is a phase, so scaling channels makes phases unequal.
        if isinstance(layer, NORMS) and layer.running_mean is not None:
            norm = layer
        elif isinstance(layer, OTHER_NORMS) or (
            layer is not None and any(True for _ in layer.parameters())
        ):
            obstacle = f"{type(layer).__name__} before the shuffle scales its phases"
    obstacle = "found no convolution before it"
    return Upsampling(event.name, "PixelShuffle", scale=event.scale, obstacle=obstacle)


def _resized(event: _Event, after: Sequence[_Event]) -> Upsampling | None:
    name, kind, convolution, padding = event.name, f"Upsample({event.mode})", None, None
    for later in after:
        # A strided convolution undoes the resizing before it.
        if isinstance(later.layer, PLAIN) and max(later.layer.stride) == 1:
            name, convolution = later.name, later.layer
            kind += f" + {type(convolution).__name__}"
            break
        if isinstance(later.layer, PADS):
            padding = later.layer
        elif later.ends_search():
            break
    scale = event.scale
    if isinstance(scale, int | float):
        scale = (float(scale),) * (2 if convolution is None else len(convolution.kernel_size))
    if scale is not None and max(scale) <= 1:
        return None  # it shrinks, or keeps the size
    return Upsampling(name, kind, convolution, scale, event.mode, padding=padding)


def _event(name: str, layer: nn.Module) -> _Event:
    if isinstance(layer, nn.Upsample):
        return _Event(name, layer, layer.mode, layer.scale_factor)
    if isinstance(layer, nn.PixelShuffle):
        return _Event(name, layer, SHUFFLE, (float(layer.upscale_factor),) * 2)
    return _Event(name, layer)


def _watch(
    module: nn.Module, leaves: Sequence[tuple[str, nn.Module]], inputs: tuple[Any, ...]
) -> list[_Event]:
    events: list[_Event] = []
    names = {layer: name for name, layer in leaves}

    def note(layer: nn.Module, _: Any) -> None:
        if layer in names:
            events.append(_event(names[layer], layer))

    with register_module_forward_pre_hook(note), _Functions(events), torch.no_grad():
        module(*inputs)
    return events


class _Functions(TorchFunctionMode):
    """Records functional calls of interpolation and pixel shuffling."""

    def __init__(self, events: list[_Event]) -> None:
        super().__init__()
        self.events = events

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        last = self.events[-1] if self.events else _Event("input")
        result = function(*args, **kwargs)
        if function in (F.interpolate, torch.pixel_shuffle):
            before = args[0] if args else kwargs["input"]
            num_axes = 2 if function is torch.pixel_shuffle else before.ndim - 2
            sizes = zip(result.shape[-num_axes:], before.shape[-num_axes:], strict=True)
            scale = tuple(out / size for out, size in sizes)
            if isinstance(last.layer, nn.Upsample | nn.PixelShuffle):  # the call is its own
                last.scale = scale
            else:
                mode = kwargs.get("mode", args[3] if len(args) > 3 else "nearest")
                mode = mode if function is F.interpolate else SHUFFLE
                name = f"{function.__name__} after {last.name}"
                self.events.append(_Event(name, None, mode, scale))
        return result
