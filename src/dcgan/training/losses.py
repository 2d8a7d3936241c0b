"""What D and G minimize, and the penalties on D's gradient, as functions of D's outputs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

OfOutputs = Callable[[Tensor, Tensor], Tensor]  # D(x) and D(G(z)), both (N,), to a scalar


@dataclass(frozen=True)
class Loss:
    """D's loss and G's, each of D's outputs on real images and on fakes."""

    discriminator: OfOutputs
    generator: OfOutputs
    threshold: float | None = 0.0  # outputs above it mean real; None: only differences matter
    is_critic: bool = False  # whether D is meant to tell everything apart
    pairs: bool = False  # whether G's loss reads D(x) too, which then costs one more pass


def cross_entropy(logits: Tensor, label: float) -> Tensor:
    """−log D for label 1, −log(1 − D) for 0, D being the sigmoid of the logit; the mean."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


LOSSES = {
    # Goodfellow et al., 2014: G maximizes log D(G(z)).
    "nonsaturating": Loss(
        lambda real, fake: cross_entropy(real, 1) + cross_entropy(fake, 0),
        lambda _, fake: cross_entropy(fake, 1),
    ),
    # Lim & Ye, 2017: only what lies within the margin counts.
    "hinge": Loss(
        lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
        lambda _, fake: -fake.mean(),
    ),
    # Arjovsky et al., 2017: a difference of means; D must be kept smooth by a penalty or a norm.
    "wasserstein": Loss(
        lambda real, fake: fake.mean() - real.mean(),
        lambda _, fake: -fake.mean(),
        threshold=None,
        is_critic=True,
    ),
    # Mao et al., 2017, with a = 0 and b = c = 1.
    "least_squares": Loss(
        lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        lambda _, fake: (fake - 1).square().mean() / 2,
        threshold=0.5,
    ),
}


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
    outputs = discriminator(images).float().sum()
    (gradients,) = torch.autograd.grad(outputs, images, create_graph=True)
    return gradients.flatten(1).float()
