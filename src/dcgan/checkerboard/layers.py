"""Scores of one upsampling block: step-response imbalance ρ, tap contrast κ, kernel profile.

A block is a module that holds one convolution and doubles (or triples, …) its input: a transposed
convolution, resizing before a convolution, or a convolution before a pixel shuffle; in 1, 2 or 3
dimensions. All scores are measured on what the block really answers, in float64.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)
MAX_NUMBERS = 2**24  # of a response held at once: input channels are taken in parts


def convolution_of(block: nn.Module) -> Any:
    """The one convolution in `block`.

    Raises:
        ValueError: there is none, or more than one.
    """
    found = [layer for layer in block.modules() if isinstance(layer, CONVOLUTIONS)]
    if len(found) != 1:
        raise ValueError(f"{type(block).__name__} holds {len(found)} convolutions, not one")
    return found[0]


def scale_of(block: nn.Module) -> tuple[int, ...]:
    """How many times larger than its input each axis of the block's output is.

    Raises:
        ValueError: a factor is not a whole number, or is not known beforehand.
    """
    convolution = convolution_of(block)
    factors = [1.0] * len(convolution.kernel_size)
    for layer in block.modules():
        if isinstance(layer, TRANSPOSED):
            scale: Any = layer.stride
        elif isinstance(layer, nn.Upsample):
            if layer.scale_factor is None:
                raise ValueError(f"resizes to {layer.size}: by a factor that depends on its input")
            scale = layer.scale_factor
        elif isinstance(layer, nn.PixelShuffle):
            scale = layer.upscale_factor
        else:
            continue
        if not isinstance(scale, tuple):
            scale = (scale,) * len(factors)
        factors = [a * b for a, b in zip(factors, scale, strict=True)]
    if any(factor != int(factor) for factor in factors):
        raise ValueError(f"scales by {tuple(factors)}: not by whole numbers")
    return tuple(int(factor) for factor in factors)


@dataclass(frozen=True)
class Stamp:
    """What one input pixel becomes: the block's whole behavior away from borders."""

    gains: Tensor  # (*scale, out_channels, in_channels): sum of the stamp's taps by output phase
    energy: Tensor  # (*size): mean square over channel pairs; a transposed convolution's kernel
    scale: tuple[int, ...]


def measure_stamp(block: nn.Module) -> Stamp:
    """Feed 1 in one pixel of one input channel, for every channel in turn; biases left out.

    The sums by phase are also the block's answer to a constant input: its step response. Phase
    (a, b) is output row a and column b modulo the scale.

    Raises:
        ValueError: `block` is none (see `convolution_of` and `scale_of`).
    """
    scale = scale_of(block)
    size = [2 * reach + 1 for reach in _reach(block)]
    impulse = torch.zeros(1, 1, *size, dtype=torch.float64)
    impulse[0, 0, *(n // 2 for n in size)] = 1
    gains, energies = [], []
    for stamps in _responses(block, impulse):
        gains.append(_by_phase(stamps, scale))
        energies.append(stamps.square().mean(1).sum(0))
    energy = torch.stack(energies).sum(0) / convolution_of(block).in_channels
    return Stamp(torch.cat(gains).movedim((0, 1), (-1, -2)), energy, scale)


def _by_phase(values: Tensor, scale: tuple[int, ...]) -> Tensor:
    """Sums over the pixels of each phase: (…, *size) to (…, *scale)."""
    first = values.ndim - len(scale)
    for axis, s in enumerate(scale, first):
        values = values.unflatten(axis, (-1, s)).sum(axis)
    return values


def second_moment(inputs: Tensor) -> Tensor:
    """E[x xᵀ] over images and pixels of (N, C, …) layer inputs: (C, C) float64."""
    vectors = inputs.double().transpose(0, 1).flatten(1)
    return vectors @ vectors.T / vectors.shape[1]


@contextmanager
def input_moments(blocks: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Watch the inputs of named blocks: yields name → mean `second_moment` over the passes within.

    Blocks that no pass reached have no entry. Batches are taken to be of one size.
    """
    moments: dict[str, Tensor] = {}
    passes = dict.fromkeys(blocks, 0)

    def watch(name: str) -> Any:
        def take(
            block: nn.Module, inputs: tuple[Tensor, ...], named_inputs: dict[str, Tensor]
        ) -> None:
            (inputs_seen, *_) = (*inputs, *named_inputs.values())
            if inputs_seen.ndim == len(convolution_of(block).kernel_size) + 1:
                inputs_seen = inputs_seen[None]  # a single one, without a batch
            moment = second_moment(inputs_seen.detach()).cpu()
            passes[name] += 1
            moments.setdefault(name, torch.zeros_like(moment))
            moments[name] += (moment - moments[name]) / passes[name]

        return take

    handles = [
        block.register_forward_pre_hook(watch(name), with_kwargs=True)
        for name, block in blocks.items()
    ]
    try:
        yield moments
    finally:
        for handle in handles:
            handle.remove()


def step_imbalance(stamp: Stamp, moment: Tensor | None = None) -> float:
    """ρ(M): the share of the step response's energy that is not constant, in [0, 1].

    ρ(M) = 1 − Σ_o ḡ_o M ḡ_oᵀ / mean over phases of Σ_o g_o M g_oᵀ, with g the step response and ḡ
    its mean over phases. 0 exactly when all polyphase gains are equal (Sugawara, Shiota & Kiya).

    Args:
        moment: M, the second moment of the layer's real inputs (`second_moment`); the identity
            when no data is at hand.
    """
    gains = stamp.gains.flatten(end_dim=-3)  # (phases, out, in)
    weighted = gains if moment is None else gains @ moment
    constant = (weighted.mean(0) * gains.mean(0)).sum()
    whole = (weighted * gains).sum() / len(gains)
    # A block that answers nothing has nothing uneven; rounding must not leave [0, 1].
    return 0.0 if whole == 0 else float((1 - constant / whole).clamp(0, 1))


def tap_contrast(stamp: Stamp) -> float:
    """κ: the largest over the smallest sum of squared taps by output phase; ∞ with dead zones."""
    energy = _by_phase(stamp.energy, stamp.scale)
    return (energy.max() / energy.min()).item()


def _reach(block: nn.Module) -> tuple[int, ...]:
    """Input pixels on either side of the middle one that keep borders out of its outputs."""
    convolution = convolution_of(block)
    scale = scale_of(block) if isinstance(convolution, TRANSPOSED) else (1,) * len(scale_of(block))
    spans = zip(convolution.kernel_size, convolution.dilation, scale, strict=True)
    wide = 2 * any(isinstance(layer, nn.Upsample) for layer in block.modules())  # interpolation's
    return tuple(dilation * (k - 1) // s + 1 + wide for k, dilation, s in spans)


@torch.no_grad()
def _responses(block: nn.Module, image: Tensor) -> Iterator[Tensor]:
    """The block's answers to a (1, 1, …) image in each input channel: parts of (C, O, …).

    The convolution is given one input channel and C·O output channels: C·O·k² products a pixel,
    where C one-hot images would take C²·O·k².
    """
    block = copy.deepcopy(block).eval().double().cpu()
    convolution = convolution_of(block)
    (name,) = (name for name, layer in block.named_modules() if layer is convolution)
    weight = _dense_weight(convolution)  # (C, O, *kernel_size)
    num_outputs = weight.shape[1]
    convolution.groups, convolution.bias = 1, None
    single = nn.Sequential(convolution, _PerInputChannel(num_outputs, image, convolution))
    if name:
        block.set_submodule(name, single)
    else:
        block = single
    pixels = image.numel() * torch.tensor(scale_of(block)).prod().item()
    for part in weight.split(max(1, int(MAX_NUMBERS / (num_outputs * pixels)))):
        flat = part.flatten(0, 1)[None]
        flat = flat if isinstance(convolution, TRANSPOSED) else flat.transpose(0, 1)
        convolution.weight = nn.Parameter(flat)
        yield block(image)


def _dense_weight(convolution: Any) -> Tensor:
    """The weight as (in_channels, out_channels, *kernel_size), zeros between groups."""
    weight: Tensor = convolution.weight
    if convolution.groups > 1:
        groups = weight.chunk(convolution.groups)
        rows, columns = groups[0].shape[:2]
        dense = weight.new_zeros(
            rows * len(groups), columns * len(groups), *convolution.kernel_size
        )
        for i, group in enumerate(groups):
            dense[i * rows : (i + 1) * rows, i * columns : (i + 1) * columns] = group
        weight = dense
    return weight if isinstance(convolution, TRANSPOSED) else weight.transpose(0, 1)


class _PerInputChannel(nn.Module):
    """Takes the answers of `convolution`, (1, C·O, …), apart: (C, O, …)."""

    def __init__(self, num_outputs: int, image: Tensor, convolution: Any) -> None:
        super().__init__()
        self.num_outputs, self.whole = num_outputs, None
        if isinstance(convolution, TRANSPOSED):
            sizes = zip(image.shape[2:], convolution.stride, strict=True)
            self.whole = [size * stride for size, stride in sizes]

    def forward(self, answers: Tensor) -> Tensor:
        if self.whole is not None:
            # A stamp that its crop leaves no room for, as k3 p0, is longer than scale·size.
            sizes = zip(reversed(self.whole), reversed(answers.shape[2:]), strict=True)
            answers = F.pad(answers, [n for whole, size in sizes for n in (0, whole - size)])
        per_channel: Tensor = answers.unflatten(1, (-1, self.num_outputs))[0]
        return per_channel
