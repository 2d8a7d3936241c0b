"""Scores of one upsampling block: step-response imbalance ρ and tap contrast κ.

A block is a module with one convolution that upsamples by an integer factor: a transposed
convolution, resizing followed by a convolution, or a convolution followed by a pixel shuffle; in 1,
2 or 3 dimensions. All scores are measured from the block's actual response, in float64 on the CPU.
"""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils.parametrize import is_parametrized

from dcgan.checkerboard.parametrization import make_plain

PLAIN = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CHUNK = 32  # input channels whose responses are held at once


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
    energy: Tensor  # (*size): mean square of the response over channel pairs
    scale: tuple[int, ...]  # output size ÷ input size, per axis


@torch.no_grad()
def measure_stamp(block: nn.Module) -> Stamp:
    """The response to a 1 in one pixel of one input channel, for each channel in turn; no biases.

    The sums by phase are also the block's step response, i.e. its response to a constant input.
    Phase (a, b) is output row a and column b modulo the scale.

    Raises:
        ValueError: `block` does not have exactly one convolution, or its scale is not an integer.
    """
    block = copy.deepcopy(block).cpu().eval()
    convolution = convolution_of(block)
    if is_parametrized(convolution, "weight"):
        make_plain(convolution)
    block.double()
    scale = _scale(block)
    impulse = torch.zeros(1, 1, *_impulse_size(block, scale), dtype=torch.float64)
    impulse[0, 0, *(n // 2 for n in impulse.shape[2:])] = 1

    # With the weights of one input channel at a time this is a single-channel convolution, a
    # fraction of the work of one-hot images. Between groups the weights are 0.
    groups = [part.flatten(1) for part in convolution.weight.chunk(convolution.groups)]
    weight = torch.block_diag(*groups).unflatten(1, (-1, *convolution.kernel_size))
    axis = 0 if isinstance(convolution, TRANSPOSED) else 1
    (name,) = (name for name, each in block.named_parameters() if each is convolution.weight)
    convolution.bias, convolution.groups = None, 1

    def respond(weight: Tensor) -> tuple[Tensor, Tensor]:
        response = functional_call(block, {name: weight.unsqueeze(axis)}, impulse)[0]
        return _sum_by_phase(response, scale), response.square().mean(0)

    gains, energies = torch.vmap(respond, in_dims=axis, out_dims=(-1, 0), chunk_size=CHUNK)(weight)
    return Stamp(gains.movedim(0, -2), energies.mean(0), scale)


def _scale(block: nn.Module) -> tuple[int, ...]:
    scale = torch.ones(len(convolution_of(block).kernel_size), dtype=torch.float64)
    for layer in block.modules():
        if isinstance(layer, TRANSPOSED):
            scale *= torch.tensor(layer.stride)
        elif isinstance(layer, nn.PixelShuffle):
            scale *= layer.upscale_factor
        elif isinstance(layer, nn.Upsample):
            if layer.scale_factor is None:
                problem = "its scale factor depends on its input: give an example input"
                raise ValueError(problem)
            scale *= torch.tensor(layer.scale_factor, dtype=torch.float64)
    if (scale % 1).any():
        raise ValueError(f"its scale factors {tuple(scale.tolist())} are not integers")
    return tuple(int(factor) for factor in scale)


def _impulse_size(block: nn.Module, scale: tuple[int, ...]) -> list[int]:
    """Pixels per axis, an odd number: the middle one's response must stay off the borders."""
    convolution = convolution_of(block)
    strides = scale if isinstance(convolution, TRANSPOSED) else (1,) * len(scale)
    # Interpolation spreads the pixel before the convolution spreads it further.
    margin = 3 if any(isinstance(layer, nn.Upsample) for layer in block.modules()) else 1
    axes = zip(convolution.kernel_size, convolution.dilation, strides, strict=True)
    return [2 * (dilation * (k - 1) // s + margin) + 1 for k, dilation, s in axes]


def _sum_by_phase(values: Tensor, scale: tuple[int, ...]) -> Tensor:
    """Sums over the pixels of each phase: (…, *size) to (…, *scale)."""
    first = values.ndim - len(scale)
    for s in scale:  # sum over the first pixel axis; its phases become the last axis
        phases = F.one_hot(torch.arange(values.shape[first]) % s, s).to(values)
        values = torch.tensordot(values, phases, dims=([first], [0]))
    return values


def second_moment(inputs: Tensor) -> Tensor:
    """E[x xᵀ] over the images and pixels of (N, C, …) layer inputs: (C, C) float64 on the CPU."""
    vectors = inputs.detach().cpu().double().transpose(0, 1).flatten(1)
    return vectors @ vectors.T / vectors.shape[1]


@contextmanager
def input_moments(blocks: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Record the inputs of named blocks: yields name → `second_moment`, averaged over all passes.

    Blocks that did not run have no entry. All batches are assumed to have the same size.
    """
    moments: dict[str, Tensor] = {}
    passes: Counter[str] = Counter()

    def note(name: str, block: nn.Module, inputs: tuple[Any], keywords: dict[str, Any]) -> None:
        x, *_ = *inputs, *keywords.values()
        if x.ndim == len(convolution_of(block).kernel_size) + 1:
            x = x[None]  # a single example without a batch axis
        moment = second_moment(x)
        passes[name] += 1
        moments[name] = torch.lerp(moments.get(name, moment), moment, 1 / passes[name])

    with ExitStack() as watching:
        for name, block in blocks.items():
            hook = block.register_forward_pre_hook(partial(note, name), with_kwargs=True)
            watching.enter_context(hook)
        yield moments


def step_imbalance(stamp: Stamp, moment: Tensor | None = None) -> float:
    """ρ(M): the share of the step response's energy that is not constant, in [0, 1].

    ρ(M) = 1 − Σ_o ḡ_o M ḡ_oᵀ / mean over phases of Σ_o g_o M g_oᵀ, where g is the step response and
    ḡ its mean over phases. 0 if and only if all polyphase gains are equal (Sugawara et al., 2019).

    Args:
        moment: M, the second moment of the layer's real inputs (`second_moment`); by default the
            identity.
    """
    gains = stamp.gains.flatten(end_dim=-3)  # (phases, out, in)
    weighted = gains if moment is None else gains @ moment
    constant = (weighted.mean(0) * gains.mean(0)).sum()
    whole = (weighted * gains).sum() / len(gains)
    # A block whose response is 0 has nothing uneven. Clamp, as rounding may leave [0, 1].
    return 0.0 if whole == 0 else float((1 - constant / whole).clamp(0, 1))


def tap_contrast(stamp: Stamp) -> float:
    """κ: the sum of squared taps by output phase, largest over smallest; ∞ with dead zones."""
    energy = _sum_by_phase(stamp.energy, stamp.scale)
    return (energy.max() / energy.min()).item()
