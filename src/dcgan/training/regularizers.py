"""Penalties on the discriminator's gradient with respect to its input."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def r1(discriminator: nn.Module, real: Tensor) -> Tensor:
    """½ E‖∇D(x)‖² at real images (Mescheder et al., 2018), without its weight γ."""
    squares: Tensor = input_gradients(discriminator, real).square().sum(1)
    return squares.mean() / 2


def gradient_penalty(discriminator: nn.Module, between: Tensor) -> Tensor:
    """E(‖∇D(x̂)‖₂ − 1)² at random points between real and fake (Gulrajani et al., 2017)."""
    lengths: Tensor = input_gradients(discriminator, between).norm(dim=1)
    return (lengths - 1).square().mean()


def input_gradients(discriminator: nn.Module, images: Tensor) -> Tensor:
    """The gradient of ΣD at (N, C, H, W) images: (N, C·H·W) float32, itself differentiable.

    Without batch norm a row is ∂D/∂x of its image alone; with it, in training mode, images also act
    on one another through the batch's statistics.
    """
    images = images.detach().requires_grad_()
    logits = discriminator.forward(images)  # not a compiled call: that has one derivative only
    (gradients,) = torch.autograd.grad(logits.float().sum(), images, create_graph=True)
    return gradients.flatten(1).float()


REGULARIZERS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "r1": r1,
    "gradient_penalty": gradient_penalty,
}
