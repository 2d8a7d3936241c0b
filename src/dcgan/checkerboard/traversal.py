"""Finding the upsampling layers of any network: by its modules, or by watching it run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from dcgan.checkerboard.layers import CONVOLUTIONS, TRANSPOSED

# What ends the search for the convolution that belongs to an Upsample or a PixelShuffle.
POOLING = tuple(getattr(nn, name) for name in nn.modules.pooling.__all__)
BREAKS = (nn.Linear, nn.Flatten, nn.Unflatten, *POOLING)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
PADS = tuple(
    getattr(nn, f"{kind}Pad{d}d")
    for kind in ("Zero", "Constant", "Reflection", "Replication")
    for d in (1, 2, 3)
)


@dataclass(frozen=True)
class Upsampling:
    """An upsampling layer, and the convolution whose weights decide what it leaves."""

    name: str
    kind: str
    convolution: Any = None  # None: interpolation with no convolution after it
    scale: tuple[float, ...] | None = None  # None: the convolution's own stride, or not known
    mode: str = "nearest"  # of interpolation
    shuffles: bool = False  # a pixel shuffle after the convolution
    norm: Any = None  # batch norm between convolution and shuffle
    padding: Any = None  # a padding layer between Upsample and convolution
    obstacle: str | None = None  # why ρ would not be that of what stands here

    def leading(self, num_axes: int) -> tuple[float, ...]:
        """Pixels that the padding layer puts before the first, per axis."""
        if self.padding is None:
            return (0,) * num_axes
        pads = self.padding.padding  # last axis first, before and after
        return tuple(pads[2 * (num_axes - 1 - axis)] for axis in range(num_axes))


@dataclass
class _Event:
    """A layer, or a call of a function, in the order of definition or of running."""

    name: str
    layer: nn.Module | None = None
    mode: str | None = None  # of an interpolation
    scale: tuple[float, ...] | float | None = None
    shuffle: int | None = None


def find_upsampling(module: nn.Module, example: Any = None) -> list[Upsampling]:
    """Every upsampling layer, in the order of running if there is an `example`, else as defined.

    Raises:
        ValueError: the module is compiled by TorchScript, whose layers cannot be read.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError("TorchScript hides its layers: diagnose the module that was compiled")  # noqa: TRY004
    events = _defined(module) if example is None else _watched(module, example)
    found: dict[str, Upsampling] = {}
    for i, event in enumerate(events):
        upsampling = _upsampling(event, events[:i], events[i + 1 :])
        if upsampling is not None:
            found.setdefault(upsampling.name, upsampling)  # a layer may run more than once
    return list(found.values())


def _upsampling(
    event: _Event, before: Sequence[_Event], after: Sequence[_Event]
) -> Upsampling | None:
    layer: Any = event.layer
    if isinstance(layer, TRANSPOSED):
        grows = any(stride > 1 for stride in layer.stride)
        return Upsampling(event.name, type(layer).__name__, layer) if grows else None
    if event.shuffle is not None:
        return _shuffled(event, before)
    if event.mode is not None:
        return _resized(event, after)
    return None


def _shuffled(event: _Event, before: Sequence[_Event]) -> Upsampling:
    scale = (float(event.shuffle or 1),) * 2
    norm, obstacle = None, None
    for i, earlier in reversed(list(enumerate(before))):
        if isinstance(earlier.layer, nn.Conv2d):
            if i and isinstance(before[i - 1].layer, POOLING):
                obstacle = "it gates the channels that are shuffled"  # squeeze and excitation
            kind = f"{type(earlier.layer).__name__} + PixelShuffle"
            found = Upsampling(earlier.name, kind, earlier.layer, scale, shuffles=True)
            return replace(found, norm=norm, obstacle=obstacle)
        if _separates(earlier):
            break
        # Before the shuffle a channel is a phase: what scales channels makes phases unequal.
        if isinstance(earlier.layer, NORMS) and earlier.layer.running_mean is not None:
            norm = earlier.layer
        elif earlier.layer is not None and any(True for _ in earlier.layer.parameters()):
            obstacle = f"{type(earlier.layer).__name__} before the shuffle scales its phases"
    return Upsampling(event.name, "PixelShuffle", None, scale)


def _resized(event: _Event, after: Sequence[_Event]) -> Upsampling | None:
    mode, padding = event.mode or "nearest", None
    for later in after:
        if _keeps_size(later.layer):
            convolution: Any = later.layer
            scale = _per_axis(event.scale, len(convolution.kernel_size))
            if scale is not None and max(scale) <= 1:
                return None  # it shrinks, or keeps the size
            kind = f"Upsample({mode}) + {type(later.layer).__name__}"
            return Upsampling(later.name, kind, convolution, scale, mode, padding=padding)
        if isinstance(later.layer, PADS):
            padding = later.layer
        elif _separates(later):
            break
    alone = _per_axis(event.scale, 2)
    if alone is not None and max(alone) <= 1:
        return None
    return Upsampling(event.name, f"Upsample({mode})", None, alone, mode)


def _per_axis(scale: tuple[float, ...] | float | None, num_axes: int) -> tuple[float, ...] | None:
    return (float(scale),) * num_axes if isinstance(scale, int | float) else scale


def _keeps_size(layer: Any) -> bool:
    """An ordinary convolution at stride 1; one that strides undoes the resizing before it."""
    ordinary = isinstance(layer, CONVOLUTIONS) and not isinstance(layer, TRANSPOSED)
    return ordinary and all(stride == 1 for stride in layer.stride)


def _separates(event: _Event) -> bool:
    changes_size = event.mode is not None or event.shuffle is not None
    return changes_size or isinstance(event.layer, (*CONVOLUTIONS, *BREAKS))


def _event(name: str, layer: nn.Module) -> _Event:
    if isinstance(layer, nn.Upsample):
        return _Event(name, layer, mode=layer.mode, scale=layer.scale_factor)
    if isinstance(layer, nn.PixelShuffle):
        return _Event(name, layer, shuffle=layer.upscale_factor)
    return _Event(name, layer)


def _leaves(module: nn.Module) -> list[tuple[str, nn.Module]]:
    known = (*CONVOLUTIONS, nn.Upsample, nn.PixelShuffle)
    return [
        (name or type(layer).__name__, layer)
        for name, layer in module.named_modules()
        # A parametrized convolution has children of its own.
        if isinstance(layer, known) or not any(True for _ in layer.children())
        if "parametrizations" not in name
    ]


def _defined(module: nn.Module) -> list[_Event]:
    return [_event(name, layer) for name, layer in _leaves(module)]


def _watched(module: nn.Module, example: Any) -> list[_Event]:
    events: list[_Event] = []

    def take(name: str) -> Any:
        return lambda layer, _: events.append(_event(name, layer))

    handles = [layer.register_forward_pre_hook(take(name)) for name, layer in _leaves(module)]
    inputs = example if isinstance(example, tuple) else (example,)
    try:
        with _Functions(events), torch.no_grad():
            module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return events


class _Functions(TorchFunctionMode):
    """Notes interpolation and pixel shuffling that is called as a function."""

    def __init__(self, events: list[_Event]) -> None:
        super().__init__()
        self.events = events

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        last = self.events[-1] if self.events else _Event("input")
        result = function(*args, **kwargs)
        if function is F.interpolate:
            source: Tensor = args[0] if args else kwargs["input"]
            sizes = zip(result.shape[2:], source.shape[2:], strict=True)
            scale = tuple(out / size for out, size in sizes)
            if isinstance(last.layer, nn.Upsample):  # whose own call this is
                last.scale = scale
            else:
                mode = kwargs.get("mode", args[3] if len(args) > 3 else "nearest")
                self.events.append(_Event(f"interpolate after {last.name}", None, mode, scale))
        shuffles = function in (F.pixel_shuffle, torch.pixel_shuffle)
        if shuffles and not isinstance(last.layer, nn.PixelShuffle):
            factor = args[1] if len(args) > 1 else kwargs["upscale_factor"]
            self.events.append(_Event(f"pixel_shuffle after {last.name}", None, shuffle=factor))
        return result
