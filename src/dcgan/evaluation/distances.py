"""Distances between generated and real images, given their features (N, D)."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from dcgan.evaluation.features import Extractor
from dcgan.seeding import derive_seed

NEIGHBORS = 3  # Kynkäänniemi et al., 2019
KID_SUBSETS = 100
KID_SUBSET_SIZE = 1000
ALONE: dict[str, Any] = {"sync_on_compute": False}  # only one of several processes may evaluate


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """FID: distance of Gaussians with the sets' means and covariances (Heusel et al., 2017)."""
    given: Any = nn.Identity()  # torchmetrics wants a network, but the features are given
    given.num_features = real.shape[1]
    metric = FrechetInceptionDistance(feature=given, **ALONE)
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    return float(metric.compute())


def fid_against(real: Tensor, extractor: Extractor) -> Callable[[Tensor], float]:
    """A function: images (N, C, H, W) in [−1, 1] in, their FID against `real` out."""
    expected = extractor.extract(real).values
    return lambda images: frechet_distance(expected, extractor.extract(images).values)


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """KID: squared maximum mean discrepancy, cubic kernel, unbiased (Bińkowski et al., 2018).

    The mean over 100 random subsets of at most 1,000, always the same ones.
    """
    size = min(KID_SUBSET_SIZE, len(real), len(fake))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchmetrics warns that it keeps features in memory
        metric = KernelInceptionDistance(nn.Identity(), KID_SUBSETS, size, **ALONE)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(0, "kernel distance"))
        mean, _ = metric.compute()
    return float(mean)


def precision_recall(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al., 2019), shares in [0, 1].

    Precision is the share of fake points on the manifold of the real ones, recall the share of real
    points on the manifold of the fake ones. A set's manifold is the union of balls around its
    points, each with the distance to the third nearest neighbor as its radius.
    """
    return _share_inside(fake, real), _share_inside(real, fake)


def _share_inside(points: Tensor, others: Tensor, chunk: int = 1000) -> float:
    """The share of `points` that lie in a ball around one of `others`."""
    # NEIGHBORS + 1, since the nearest point is the point itself.
    radii = torch.cat(
        [
            torch.cdist(part, others).kthvalue(min(NEIGHBORS + 1, len(others)), dim=1).values
            for part in others.split(chunk)
        ]
    )
    inside = [(torch.cdist(part, others) <= radii).any(1) for part in points.split(chunk)]
    return torch.cat(inside).double().mean().item()
