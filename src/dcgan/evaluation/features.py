"""Images as features: of the data's own classifier, or of Inception where there are no labels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.config import DataConfig
from dcgan.data.labeled import has_labels
from dcgan.errors import UserError, first_line
from dcgan.evaluation.classifier import RECIPE, get_classifier
from dcgan.pictures import to_uint8

INCEPTION_WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"


@dataclass(frozen=True)
class Features:
    """What a network sees in some images."""

    values: Tensor  # (N, D) float32
    probabilities: Tensor | None  # (N, 10) of a classifier


@dataclass(frozen=True)
class Extractor:
    """A network that images are compared in, and what it is."""

    extract: Callable[[Tensor], Features]  # (N, C, H, W) in [−1, 1], on the CPU
    recipe: dict[str, Any]  # plain values, part of every result


def get_extractor(data: DataConfig, digest: str) -> Extractor:
    """The features for a data set: its classifier's if it has labels, Inception's if not.

    Args:
        digest: of the prepared training images.

    Raises:
        UserError: the data are missing; or Inception, its package or its weights.
    """
    if not has_labels(data):
        return _inception()
    network, accuracy = get_classifier(data, digest)

    @torch.no_grad()
    def extract(images: Tensor) -> Features:
        values = torch.cat([network.features(part) for part in images.split(500)])
        return Features(values, F.softmax(network.to_logits(values), dim=1))

    return Extractor(extract, {"kind": "classifier", **RECIPE, "accuracy": accuracy})


def _inception() -> Extractor:
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance

        network: nn.Module = FrechetInceptionDistance(feature=2048).inception
    except Exception as error:  # the package is not there, or the weights cannot be had
        raise UserError(
            "unlabeled data need Inception features, which are not installed"
            f" ({first_line(error).rstrip('.')}). pip install torch-fidelity, and without"
            f" a network place {INCEPTION_WEIGHTS} in ~/.cache/torch/hub/checkpoints"
        ) from error

    @torch.no_grad()
    def extract(images: Tensor) -> Features:
        parts = [network(to_uint8(part)) for part in images.expand(-1, 3, -1, -1).split(100)]
        return Features(torch.cat(parts).float(), None)

    return Extractor(extract, {"kind": "inception", "weights": INCEPTION_WEIGHTS})
