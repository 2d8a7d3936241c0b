"""What the discriminator and the generator minimise, as functions of logits."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def real_loss(real_logits: Tensor) -> Tensor:
    """D's loss on real images: −log D(x), averaged (Goodfellow et al., 2014)."""
    return binary_cross_entropy_with_logits(real_logits, torch.ones_like(real_logits))


def fake_loss(fake_logits: Tensor) -> Tensor:
    """D's loss on generated images: −log(1 − D(G(z))), averaged."""
    return binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


def generator_loss(fake_logits: Tensor) -> Tensor:
    """G's non-saturating loss: −log D(G(z)), averaged."""
    return binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))
