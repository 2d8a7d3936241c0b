"""FID, KID, precision and recall compared with closed forms."""

import numpy as np
import pytest
import torch
from scipy import linalg

from dcgan.evaluation.distances import frechet_distance, kernel_distance, precision_recall


def normal(number: int, dimensions: int, seed: int) -> torch.Tensor:
    return torch.randn(number, dimensions, generator=torch.Generator().manual_seed(seed))


def test_fid_is_the_frechet_distance_of_gaussians() -> None:
    real, fake = normal(400, 5, 0) @ normal(5, 5, 1), normal(300, 5, 2) + 0.5
    means = [x.double().mean(0).numpy() for x in (real, fake)]
    covariances = [np.cov(x.double().numpy(), rowvar=False) for x in (real, fake)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((means[0] - means[1]) ** 2)
    expected += np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-6)


def test_kid_of_one_subset_is_the_unbiased_cubic_mmd() -> None:
    """There are only as many images as in a subset, so every subset is the whole set."""
    real, fake = normal(60, 4, 0).double(), normal(60, 4, 1).double() + 1

    def kernel(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x @ y.T / 4 + 1) ** 3

    def off_diagonal_mean(k: torch.Tensor) -> float:
        n = len(k)
        return ((k.sum() - k.diagonal().sum()) / (n * (n - 1))).item()

    expected = off_diagonal_mean(kernel(real, real)) + off_diagonal_mean(kernel(fake, fake))
    expected -= 2 * kernel(real, fake).mean().item()
    assert kernel_distance(real, fake) == pytest.approx(expected, rel=1e-6)


def test_kid_is_reproducible_and_leaves_the_random_state_alone() -> None:
    real, fake = normal(1500, 4, 0), normal(1500, 4, 1)
    before = torch.get_rng_state()
    first = kernel_distance(real, fake)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert kernel_distance(real, fake) == first


def test_a_dropped_mode_lowers_recall_and_garbage_lowers_precision() -> None:
    modes = torch.cat([normal(200, 3, 0), normal(200, 3, 1) + 50])
    assert precision_recall(modes, modes) == (1, 1)
    assert precision_recall(modes, modes + 100) == (0, 0)
    precision, recall = precision_recall(modes, normal(400, 3, 2))
    assert precision > 0.9
    assert recall == pytest.approx(0.5, abs=0.05)
    half_garbage = torch.cat([modes[::2], normal(200, 3, 3) - 500])
    precision, _ = precision_recall(modes, half_garbage)
    assert precision == pytest.approx(0.5, abs=0.05)
