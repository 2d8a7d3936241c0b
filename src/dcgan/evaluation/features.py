"""Features of images: from the data's own classifier, or from Inception for unlabeled data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.config import DataConfig
from dcgan.data.splits import num_classes
from dcgan.errors import UserError, first_line
from dcgan.evaluation.classifier import RECIPE, get_classifier
from dcgan.pictures import to_uint8

INCEPTION_WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"


@dataclass(frozen=True)
class Features:
    """A network's outputs for a set of images."""

    values: Tensor  # (N, D) float32
    probabilities: Tensor | None  # (N, classes), classifier only


@dataclass(frozen=True)
class Extractor:
    """A network whose features are used to compare images."""

    extract: Callable[[Tensor], Features]  # takes (N, C, H, W) in [−1, 1], on the CPU
    recipe: dict[str, Any]  # identifies the network; plain values, part of every result


def get_extractor(data: DataConfig, digest: str) -> Extractor:
    """The extractor for a data set: its own classifier if it has labels, otherwise Inception.

    Args:
        digest: digest of the prepared training images.

    Raises:
        UserError: the data, or Inception's package or weights, are missing.
    """
    if not num_classes(data):
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
    except Exception as error:  # the package is missing, or the weights cannot be downloaded
        raise UserError(
            "unlabeled data need Inception features, which are not available"
            f" ({first_line(error).rstrip('.')}). pip install torch-fidelity, and without"
            f" a network place {INCEPTION_WEIGHTS} in ~/.cache/torch/hub/checkpoints"
        ) from error

    @torch.no_grad()
    def extract(images: Tensor) -> Features:
        parts = [network(to_uint8(part)) for part in images.expand(-1, 3, -1, -1).split(100)]
        return Features(torch.cat(parts).float(), None)

    return Extractor(extract, {"kind": "inception", "weights": INCEPTION_WEIGHTS})
