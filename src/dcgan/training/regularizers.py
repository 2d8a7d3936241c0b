"""Penalties on the discriminator's gradient with respect to its input."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def r1(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG001
    """½ E‖∇D(x)‖² at real images (Mescheder et al., 2018), without its weight γ."""
    squares: Tensor = input_gradients(discriminator, real).square().sum(1)
    return squares.mean() / 2


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """E(‖∇D(x̂)‖₂ − 1)² at random points between real and fake (Gulrajani et al., 2017)."""
    share = torch.rand(len(real), 1, 1, 1).to(real.device)  # drawn on the CPU: the same everywhere
    between = torch.lerp(real, fake, share)
    lengths: Tensor = input_gradients(discriminator, between).norm(dim=1)
    return (lengths - 1).square().mean()


def input_gradients(discriminator: nn.Module, images: Tensor) -> Tensor:
    """∂D/∂x at each of (N, C, H, W) images as (N, C·H·W) float32, itself differentiable."""
    images = images.detach().requires_grad_()
    logits = discriminator(images)
    (gradients,) = torch.autograd.grad(logits.float().sum(), images, create_graph=True)
    return gradients.flatten(1).float()


Regularizer = Callable[[nn.Module, Tensor, Tensor], Tensor]
REGULARIZERS: dict[str, Regularizer] = {"r1": r1, "gradient_penalty": gradient_penalty}
