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
from torch.nn import functional as F

from dcgan.checkerboard.rearrangement import Operand
from dcgan.checkerboard.recording import OUTPUT, Node, record
from dcgan.checkerboard.replay import (
    downsampling_stride,
    impulse,
    reach_of,
    rearrange,
    replay_node,
    resized_scale,
    upsampling_stride,
)
from dcgan.checkerboard.torus import per_axis

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
    offset: Tensor | None = None  # (*scale, out_channels): the response to zeros, from biases


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
def stamp_of(steps: Sequence[Node | Operand], axes: int, *, with_energy: bool = True) -> Stamp:
    """The response of recorded operations on images with this number of axes.

    Raises:
        ValueError: one of them is not linear, or they have too many channels.
    """
    size, pitch = [1] * axes, [1.0] * axes
    for step in steps if with_energy else ():
        if isinstance(step, Node):
            reach = (*reach_of(step), *[0] * axes)[:axes]
            size = [n + math.ceil(r / p) for n, r, p in zip(size, reach, pitch, strict=True)]
        ups, downs = _factors(step, axes)
        pitch = [p * up / down for p, up, down in zip(pitch, ups, downs, strict=True)]
    signal = impulse(size)
    for step in steps:
        signal = rearrange(signal, step) if isinstance(step, Operand) else replay_node(signal, step)
    values = signal.values
    if len(values) == 1:  # of each channel alone: zeros between pixels, or resizing
        values = torch.cat([values, torch.zeros_like(values)])
    phases = _period(steps, axes)
    stamps, constant = values[:-1], values[-1]
    gains = _sum_by_phase(stamps, phases).movedim((1, 0), (-2, -1))
    blocks = math.prod(constant.shape[1:]) / math.prod(phases)
    offset = _sum_by_phase(constant, phases).movedim(0, -1) / blocks
    energy = stamps.square().mean((0, 1)) if with_energy else None
    return Stamp(gains, energy, phases, offset)


def _factors(step: Node | Operand, axes: int) -> tuple[Sequence[float], Sequence[int]]:
    """By what a step multiplies, and divides, the number of pixels along each axis."""
    one = (1,) * axes
    if isinstance(step, Operand):
        assert step.table is not None
        return tuple(step.table.shape[1:]), one
    if step.op.startswith("upsample_"):
        return resized_scale(step), one
    if step.op == "col2im":
        return per_axis(step.args[5], axes), one
    return upsampling_stride(step) or one, downsampling_stride(step, axes)


def _period(steps: Sequence[Node | Operand], axes: int) -> tuple[int, ...]:
    """Pixels after which the response to a constant must repeat."""
    period = [1] * axes
    for step in steps:
        for a, (up, down) in enumerate(zip(*_factors(step, axes), strict=True)):
            period[a] = round(period[a] * up)
            period[a] //= math.gcd(period[a], down)
    return tuple(period)


def _sum_by_phase(values: Tensor, scale: tuple[int, ...]) -> Tensor:
    """Sums over the pixels of each phase: (…, *size) to (…, *scale)."""
    first = values.ndim - len(scale)
    for s in scale:  # sum over the first pixel axis; its phases become the last axis
        phases = F.one_hot(torch.arange(values.shape[first]) % s, s).to(values)
        values = torch.tensordot(values, phases, dims=([first], [0]))
    return values


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
            identity. With the constant included, biases count too.
    """
    gains = stamp.gains.flatten(end_dim=-3)  # (phases, out, in)
    if moment is not None and len(moment) == gains.shape[-1] + 1:
        assert stamp.offset is not None
        gains = torch.cat([gains, stamp.offset.flatten(end_dim=-2)[..., None]], -1)
    weighted = gains if moment is None else gains @ moment
    constant = (weighted.mean(0) * gains.mean(0)).sum()
    whole = (weighted * gains).sum() / len(gains)
    # A block whose response is 0 has nothing uneven. Clamp, as rounding may leave [0, 1].
    return 0.0 if whole == 0 else float((1 - constant / whole).clamp(0, 1))


def tap_contrast(stamp: Stamp) -> float:
    """κ: the sum of squared taps by output phase, largest over smallest; ∞ with dead zones."""
    if stamp.energy is None:
        raise ValueError("the energy was not measured")
    energy = _sum_by_phase(stamp.energy, stamp.scale)
    return (energy.max() / energy.min()).item()
