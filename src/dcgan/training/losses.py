"""D's and G's losses as functions of D's outputs, and penalties on D's gradient at images."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LossFunction = Callable[[Tensor, Tensor], Tensor]  # maps D(x) and D(G(z)), both (N,), to a scalar


@dataclass(frozen=True)
class Loss:
    """D's loss and G's loss, each a function of D's outputs on real and on fake images."""

    discriminator: LossFunction
    generator: LossFunction
    threshold: float | None = 0.0  # outputs above it mean real; None: only differences matter
    is_critic: bool = False  # whether D is meant to separate real from fake completely
    pairs: bool = False  # G's loss also uses D(x), from another pass after D's update


def cross_entropy(logits: Tensor, label: float) -> Tensor:
    """The mean of −log σ(logit) for label 1, of −log(1 − σ(logit)) for label 0."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


# The name of a new loss also goes into LossConfig (config/run.py) and configs/loss/.
LOSSES = {
    # Goodfellow et al., 2014: G maximizes log D(G(z)).
    "nonsaturating": Loss(
        lambda real, fake: cross_entropy(real, 1) + cross_entropy(fake, 0),
        lambda _, fake: cross_entropy(fake, 1),
    ),
    # Lim & Ye, 2017: outputs beyond the margin do not count.
    "hinge": Loss(
        lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
        lambda _, fake: -fake.mean(),
    ),
    # Arjovsky et al., 2017: needs a penalty or spectral norm to keep D Lipschitz.
    "wasserstein": Loss(
        lambda real, fake: fake.mean() - real.mean(),
        lambda _, fake: -fake.mean(),
        threshold=None,
        is_critic=True,
    ),
    # Mao et al., 2017: D's targets are 1 for real and 0 for fake images, G's is 1.
    "least_squares": Loss(
        lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        lambda _, fake: (fake - 1).square().mean() / 2,
        threshold=0.5,
    ),
    # Jolicoeur-Martineau, 2019: the nonsaturating loss of D(x) − D(G(z)), image by image.
    "relativistic": Loss(
        lambda real, fake: F.softplus(fake - real).mean(),
        lambda real, fake: F.softplus(real - fake).mean(),
        threshold=None,
        pairs=True,
    ),
}


def r1(discriminator: nn.Module, real: Tensor) -> Tensor:
    """½ E‖∇D(x)‖² at real images (Mescheder et al., 2018), without the weight γ."""
    squares: Tensor = input_gradients(discriminator, real).square().sum(1)
    return squares.mean() / 2


def gradient_penalty(discriminator: nn.Module, between: Tensor) -> Tensor:
    """E(‖∇D(x̂)‖₂ − 1)² at random points between real and fake images (Gulrajani et al., 2017)."""
    lengths: Tensor = input_gradients(discriminator, between).norm(dim=1)
    return (lengths - 1).square().mean()


def input_gradients(discriminator: nn.Module, images: Tensor) -> Tensor:
    """The gradient of the sum of D's outputs at (N, C, H, W) images: (N, C·H·W), differentiable.

    Without batch norm, each row is ∂D/∂x at one image. With batch norm in training mode, it also
    includes how that image affects the others through the batch statistics.
    """
    images = images.detach().requires_grad_()
    outputs = discriminator(images).float().sum()
    (gradients,) = torch.autograd.grad(outputs, images, create_graph=True)
    return gradients.flatten(1).float()
