"""How much of a layer's checkerboard reaches the output: run the network with it balanced."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from dcgan.checkerboard.cure import parametrizations_of
from dcgan.checkerboard.images import grid_peak, usable_periods
from dcgan.checkerboard.layers import second_moment
from dcgan.checkerboard.rearrangement import on_cpu
from dcgan.checkerboard.recording import Node, Recording, tensors_of
from dcgan.checkerboard.rerunning import rerun
from dcgan.checkerboard.traversal import Upsampling


@dataclass(frozen=True)
class Effect:
    """The output's pattern of one period, as it is and with one layer balanced."""

    period: int
    ratio: tuple[float, float]  # R before and after
    amplitude: tuple[float, float]  # RMS of the pattern in gray levels (1/255 of the range)


def input_moments_of(
    recording: Recording, found: list[Upsampling], run: Callable[[], Any], given: Any
) -> list[Tensor | None]:
    """Second moments, with a constant, of what each layer's source reads; averaged over its calls.

    Raises:
        NotRepeatedError: the network does not run the same operations again.
    """
    moments: dict[int, Tensor] = {}  # by the node's place in the recording

    def read(node: Node, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        result = x = function(*args, **kwargs)
        if node.index in convolving:
            x = args[1] if node.op == "addmm" else args[0]
        x = x[0] if isinstance(x, tuple) else x
        x = x.dequantize() if x.is_quantized else x
        if x.is_floating_point() and not x.is_meta:
            moments[node.index] = second_moment(x, constant=True)
        return result

    # Otherwise what the source computes is enlarged, by zeros between its pixels.
    own = [up for up in found if up.steps and up.steps[0] is up.source]
    convolving = {node.index for up in own for node in up.calls}
    nodes = [node for up in found for node in up.calls if node.name]
    if nodes:
        rerun(recording, nodes, read, run)
    answer: list[Tensor | None] = []
    for up in found:
        calls = [moments[x.index] for x in up.calls if x.index in moments]
        if up.source is not None and up.source.op == "input":
            # Zeros between the pixels of the example itself.
            calls = [
                second_moment(x, constant=True)
                for x in tree_leaves(given)
                if isinstance(x, Tensor) and tuple(x.shape) == up.source.shape and not x.is_meta
            ]
        answer.append(torch.stack(calls).mean(0) if calls else None)
    return answer


def picture_of(output: Any) -> Tensor | None:
    """The first image of a network's output, if it is one whose pattern can be scored."""
    for x in tensors_of(output):
        if x.ndim == 4 and 1 <= x.shape[1] <= 4:
            usable = usable_periods(*x.shape[2:])
            x = x.dequantize() if x.is_quantized else x
            if 2 in usable and not x.is_meta and bool(x.isfinite().all()):
                return x.detach().cpu().double()
    return None


def effect_of(
    recording: Recording, up: Upsampling, before: Tensor, run: Callable[[], Any]
) -> list[Effect]:
    """Both periods' patterns with the layer as it is and balanced; none if it cannot be.

    A pattern has the periods 2 and 4 where the layer's scale is a power of 2; else there are none.

    Raises:
        NotRepeatedError: the network does not run the same operations again.
    """
    node = up.source
    balanced = None if node is None else _balanced(up, node)
    if node is None or balanced is None or any(not math.log2(s).is_integer() for s in up.scale):
        return []
    weight, bias = balanced

    def change(_: Node, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        return function(args[0], weight, args[2] if bias is None else bias, *args[3:], **kwargs)

    after = picture_of(rerun(recording, up.calls, change, run))
    return [] if after is None or after.shape != before.shape else _compare(before, after)


@on_cpu
def _compare(before: Tensor, after: Tensor) -> list[Effect]:
    low, high = float(before.min()), float(before.max())
    low, high = (
        (0, 1) if low >= 0 and high <= 1 else (-1, 1) if min(low, -high) >= -1 else (low, high)
    )
    half = (high - low) / 2
    effects = []
    for period in usable_periods(*before.shape[2:]):
        a, b = (grid_peak((x - low) / half - 1, period) for x in (before, after))
        levels = max(0.0, a.amplitude) * 127.5, max(0.0, b.amplitude) * 127.5
        effects.append(Effect(period, (a.ratio, b.ratio), levels))
    return effects


@on_cpu
def _balanced(up: Upsampling, node: Node) -> tuple[Tensor, Tensor | None] | None:
    """The layer's weight and, before a shuffle, its bias, balanced."""
    if node.name != "convolution" or up.norm is not None:  # not of another kind
        return None
    weight, bias = node.args[1:3]
    try:
        if up.shuffled and up.num_shuffled() != len(weight):
            return None
        part, equal = parametrizations_of(up)
        balanced: Tensor = part.to(weight.device)(weight)
        return balanced, None if bias is None or equal is None else equal(bias)
    except (ValueError, RuntimeError):
        return None
