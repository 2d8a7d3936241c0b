"""Scores of one upsampling block: step-response imbalance ρ and tap contrast κ.

A block is a module with one convolution that upsamples by an integer factor: a transposed
convolution, resizing followed by a convolution, or a convolution followed by a pixel shuffle; in 1,
2 or 3 dimensions. All scores are measured from the block's actual response, in float64 on the CPU.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.checkerboard.rearrangement import Operand
from dcgan.checkerboard.recording import OUTPUT, Node, record
from dcgan.checkerboard.replay import (
    REACH,
    TooCostlyError,
    geometry_of,
    impulse,
    rearrange,
    replay_node,
    resized_scale,
)

PLAIN = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def convolution_of(block: nn.Module) -> Any:
    """The only convolution in `block`.

    Raises:
        ValueError: there is none, or more than one.
    """
    found = [layer for layer in block.modules() if isinstance(layer, PLAIN + TRANSPOSED)]
    if len(found) != 1:
        raise ValueError(f"{type(block).__name__} has {len(found)} convolutions, not one")
    return found[0]


@dataclass(frozen=True)
class Stamp:
    """The response to one input pixel: all that the block does away from borders."""

    gains: Tensor  # (*scale, out_channels, in_channels): sum of the response by output phase
    energy: Tensor | None  # (*size): mean square of the response over channel pairs
    scale: tuple[int, ...]  # output size ÷ input size, per axis
    offset: Tensor  # (*scale, out_channels): the response to zeros, from biases


def measure_stamp(block: nn.Module) -> Stamp:
    """The response to a 1 in one pixel of one input channel, for each channel in turn.

    The sums by phase are also the block's step response, i.e. its response to a constant input.
    Phase (a, b) is output row a and column b modulo the scale.

    Raises:
        ValueError: `block` does not have exactly one convolution, or its scale is not an integer.
    """
    convolution = convolution_of(block)
    for layer in block.modules():
        if isinstance(layer, nn.Upsample) and layer.scale_factor is None:
            raise ValueError("its scale factor depends on its input: give an example input")
    weight = convolution.weight
    size = [2 * d * k + 2 for d, k in zip(convolution.dilation, weight.shape[2:], strict=True)]
    x = weight.new_zeros(1, convolution.in_channels, *size)
    block = copy.deepcopy(block).eval()
    nodes = record(block, lambda: block(x), (x,)).nodes
    steps: list[Node | Operand] = []
    for node in nodes[1:]:
        (operand,) = node.operands
        steps += [operand] if operand.table is not None else []
        steps += [node] if node.op != OUTPUT else []
    return stamp_of(steps, len(size))


@torch.no_grad()
def stamp_of(steps: Sequence[Node | Operand], axes: int) -> Stamp:
    """The response of recorded operations on images with this number of axes.

    Its energy is None if that would take too long.

    Raises:
        ValueError: one of them is not linear, or they have too many channels.
    """
    constant = _replayed(steps, [1] * axes)
    try:
        energy = _replayed(steps, _size(steps, axes))[:-1].square().mean((0, 1))
    except TooCostlyError:
        energy = None
    gains, offset = constant[:-1].movedim((1, 0), (-2, -1)), constant[-1].movedim(0, -1)
    return Stamp(gains, energy, tuple(constant.shape[2:]), offset)


def _replayed(steps: Sequence[Node | Operand], size: Sequence[int]) -> Tensor:
    values = impulse(size)
    for step in steps:
        values = replay_node(values, step) if isinstance(step, Node) else rearrange(values, step)
    # Of each channel alone: zeros between pixels, or resizing.
    return torch.cat([values, torch.zeros_like(values)]) if len(values) == 1 else values


def _size(steps: Sequence[Node | Operand], axes: int) -> list[int]:
    """Pixels of a torus on which the response to one pixel does not meet itself."""
    size, pitch, downs = [1] * axes, [1.0] * axes, [1] * axes
    for step in steps:
        for a, (reach, up, down) in enumerate(zip(*_extent(step, axes), strict=True)):
            size[a] += math.ceil(reach / pitch[a])
            pitch[a] *= up / down
            downs[a] *= down
    # The image is repeated for strides that do not divide it; each copy is at another phase.
    return [n + (1 - n) % down for n, down in zip(size, downs, strict=True)]


def _extent(step: Node | Operand, axes: int) -> tuple[Sequence[float], ...]:
    """Pixels over which a step spreads one, and by what it multiplies and divides their number."""
    none, one = (0,) * axes, (1,) * axes
    if isinstance(step, Operand):
        assert step.table is not None
        return none, step.table.shape[1:], one
    if step.op.startswith("upsample_"):
        return (2 * REACH,) * axes, resized_scale(step), one
    shape = geometry_of(step, axes)
    reach = [d * (k - 1) for k, d in zip(shape.kernel_size, shape.dilation, strict=True)]
    if shape.transposed:
        return [-(-r // s) for r, s in zip(reach, shape.stride, strict=True)], shape.stride, one
    return reach, one, shape.stride


def second_moment(inputs: Tensor, *, constant: bool = False) -> Tensor:
    """E[x xᵀ] over the images and pixels of (N, C, …) layer inputs: (C, C) float64 on the CPU.

    With `constant`, x has a 1 after its channels, which stands for the biases: (C + 1, C + 1).
    """
    vectors = inputs.detach().cpu().double().transpose(0, 1).flatten(1)
    if constant:
        vectors = torch.cat([vectors, vectors.new_ones(1, vectors.shape[1])])
    return vectors @ vectors.T / vectors.shape[1]


@contextmanager
def input_moments(blocks: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Record what named blocks read in one pass: yields name → `second_moment`.

    Blocks that did not run have no entry.
    """
    moments: dict[str, Tensor] = {}

    def note(name: str, _: nn.Module, inputs: tuple[Tensor]) -> None:
        moments[name] = second_moment(*inputs)

    with ExitStack() as watching:
        for name, block in blocks.items():
            watching.enter_context(block.register_forward_pre_hook(partial(note, name)))
        yield moments


def step_imbalance(stamp: Stamp, moment: Tensor | None = None) -> float:
    """ρ(M): the share of the step response's energy that is not constant, in [0, 1].

    ρ(M) = 1 − Σ_o ḡ_o M ḡ_oᵀ / mean over phases of Σ_o g_o M g_oᵀ, where g is the step response and
    ḡ its mean over phases. 0 if and only if all polyphase gains are equal (Sugawara et al., 2019).

    Args:
        moment: M, the second moment of the layer's real inputs (`second_moment`); by default the
            identity. With the constant included, what differs between the phases' biases counts,
            too; what they have in common is no pattern, and would only dilute one.
    """
    gains = stamp.gains.flatten(end_dim=-3)  # (phases, out, in)
    if moment is not None and len(moment) == gains.shape[-1] + 1:
        offset = stamp.offset.flatten(end_dim=-2)
        gains = torch.cat([gains, (offset - offset.mean(0))[..., None]], -1)
    weighted = gains if moment is None else gains @ moment
    constant = (weighted.mean(0) * gains.mean(0)).sum()
    whole = (weighted * gains).sum() / len(gains)
    # A block whose response is 0 has nothing uneven. Clamp, as rounding may leave [0, 1].
    return 0.0 if whole == 0 else float((1 - constant / whole).clamp(0, 1))


def tap_contrast(stamp: Stamp) -> float:
    """κ: the sum of squared taps by output phase, largest over smallest; ∞ with dead zones."""
    if stamp.energy is None:
        raise ValueError("the energy was not measured")
    energy: Tensor = stamp.energy  # (*size), multiples of the scale
    for axis, s in enumerate(stamp.scale):  # sum over the pixels of each phase
        energy = energy.unflatten(axis, (-1, s)).sum(axis)
    return (energy.max() / energy.min()).item()
