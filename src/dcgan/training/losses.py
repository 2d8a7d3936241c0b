"""What the discriminator and the generator minimise, as functions of D's outputs (N,)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Loss:
    """Three functions of logits, each averaged: D's on real images, D's on fakes, and G's."""

    on_real: Callable[[Tensor], Tensor]
    on_fake: Callable[[Tensor], Tensor]
    of_generator: Callable[[Tensor], Tensor]
    threshold: float | None = 0.0  # logits above it mean real; None: a critic's have no zero


def _real(logits: Tensor) -> Tensor:
    """−log D(x), D a sigmoid of the logit."""
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def _fake(logits: Tensor) -> Tensor:
    """−log(1 − D(G(z)))."""
    return F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))


LOSSES = {
    # Goodfellow et al., 2014: G maximises log D(G(z)).
    "nonsaturating": Loss(_real, _fake, _real),
    # Lim & Ye, 2017: only what lies within the margin counts.
    "hinge": Loss(
        lambda logits: F.relu(1 - logits).mean(),
        lambda logits: F.relu(1 + logits).mean(),
        lambda logits: -logits.mean(),
    ),
    # Arjovsky et al., 2017: differences of means; D must be kept smooth by a regularizer or a norm.
    "wasserstein": Loss(
        lambda logits: -logits.mean(),
        lambda logits: logits.mean(),
        lambda logits: -logits.mean(),
        threshold=None,
    ),
    # Mao et al., 2017, with a = 0 and b = c = 1.
    "least_squares": Loss(
        lambda logits: (logits - 1).square().mean() / 2,
        lambda logits: logits.square().mean() / 2,
        lambda logits: (logits - 1).square().mean() / 2,
        threshold=0.5,
    ),
}
