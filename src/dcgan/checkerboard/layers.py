"""Scores of one upsampling block: step-response imbalance ρ and tap-energy contrast κ.

Both are measured on the block itself, whatever it is made of: transposed convolution, resize and
convolution, convolution and pixel shuffle.
"""

import copy

import torch
from torch import Tensor, nn


def step_response(block: nn.Module, in_channels: int, scale: int = 2, size: int = 16) -> Tensor:
    """What a constant input becomes, phase by phase: (scale, scale, out_channels, in_channels).

    Channel i is set to 1 everywhere and the others to 0; the output is read at the scale x scale
    phases of one interior input pixel. What the block gives for no input, its bias, is subtracted.
    Phase (a, b) is output row a and column b modulo `scale`.
    """
    constant = torch.eye(in_channels, dtype=torch.float64)[:, :, None, None]
    response = _respond(block, constant.expand(-1, -1, size, size))
    middle = size // 2 * scale
    inside = response[:, :, middle : middle + scale, middle : middle + scale]
    return inside.permute(2, 3, 1, 0)


def second_moment(inputs: Tensor) -> Tensor:
    """E[x xᵀ] over images and pixels of (N, C, H, W) layer inputs: (C, C) float64."""
    vectors = inputs.double().transpose(0, 1).flatten(1)
    return vectors @ vectors.T / vectors.shape[1]


def step_imbalance(
    block: nn.Module, in_channels: int, moment: Tensor | None = None, scale: int = 2
) -> float:
    """ρ(M): the share of the step response's energy that is not constant, in [0, 1].

    ρ(M) = 1 − Σ_o ḡ_o M ḡ_oᵀ / mean over phases of Σ_o g_o M g_oᵀ, with g the step response and ḡ
    its mean over phases. 0 exactly when all polyphase gains are equal (Sugawara, Shiota & Kiya).

    Args:
        moment: M, the second moment of the layer's real inputs (`second_moment`); the identity
            when no data is at hand.
    """
    gains = step_response(block, in_channels, scale)
    moment = torch.eye(in_channels, dtype=torch.float64) if moment is None else moment
    mean = gains.mean((0, 1))
    constant = torch.einsum("oi,ij,oj->", mean, moment, mean)
    whole = torch.einsum("aboi,ij,aboj->", gains, moment, gains) / scale**2
    # A block that answers nothing has nothing uneven; rounding must not leave [0, 1].
    return 0.0 if whole == 0 else float((1 - constant / whole).clamp(0, 1))


def tap_contrast(block: nn.Module, in_channels: int, scale: int = 2, size: int = 17) -> float:
    """κ: the largest over the smallest sum of squared taps by output phase; ∞ with dead zones."""
    impulse = torch.zeros(in_channels, in_channels, size, size, dtype=torch.float64)
    impulse[:, :, size // 2, size // 2] = torch.eye(in_channels, dtype=torch.float64)
    response = _respond(block, impulse).square().sum((0, 1))
    height, width = response.shape
    phases = response.view(height // scale, scale, width // scale, scale).sum((0, 2))
    return (phases.max() / phases.min()).item()


@torch.no_grad()
def _respond(block: nn.Module, inputs: Tensor) -> Tensor:
    """The block's linear part, in float64, on a copy."""
    linear = copy.deepcopy(block).double().cpu()
    response: Tensor = linear(inputs) - linear(torch.zeros_like(inputs[:1]))
    return response
