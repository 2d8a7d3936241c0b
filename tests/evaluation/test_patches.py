"""The sliced Wasserstein distance of patches."""

import pytest
import torch
from torch.nn import functional as F

from dcgan.evaluation.patches import _blur, patch_distances, pyramid
from dcgan.pictures import subsample


def images(seed: int, count: int = 256) -> torch.Tensor:
    """Smooth random images with fine noise, (N, 3, 32, 32)."""
    random = torch.Generator().manual_seed(seed)
    smooth = F.interpolate(torch.rand(count, 3, 8, 8, generator=random), size=32, mode="bicubic")
    return smooth + 0.05 * torch.randn(count, 3, 32, 32, generator=random)


def test_each_level_sees_what_changes_at_its_scale() -> None:
    real, others = images(0), images(1)
    fine, coarse = patch_distances(real, others)
    checkered = others.clone()
    checkered[..., ::2, ::2] += 0.1
    checkered[..., 1::2, 1::2] += 0.1
    found = patch_distances(real, checkered)
    assert found[0] > 2 * fine
    assert found[1] == pytest.approx(coarse, rel=0.2)
    assert patch_distances(real, F.avg_pool2d(others, 3, 1, 1))[0] > 2 * fine
    noise = patch_distances(real, torch.rand(256, 3, 32, 32))
    assert noise[1] > 1.5 * coarse


def test_sorted_images_are_compared_as_a_whole() -> None:
    light, dark = images(0), images(0) - 2
    mixed = torch.cat([images(1, 64), images(1, 64) - 2])
    one_half = patch_distances(light, mixed)
    assert max(patch_distances(torch.cat([light, dark]), mixed)) < max(one_half) / 4


def test_equal_sets_have_distance_0_and_results_are_repeatable() -> None:
    real, others = images(0), images(1, 64)
    assert patch_distances(real, real) == [0, 0]
    assert patch_distances(real, others) == patch_distances(
        subsample(real, 64), others
    )  # equal numbers


@pytest.mark.parametrize(
    ("size", "sizes"), [(16, [16]), (32, [32, 16]), (28, [28]), (64, [64, 32, 16])]
)
def test_the_pyramid_adds_up_to_the_images(size: int, sizes: list[int]) -> None:
    given = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    levels = pyramid(given)
    assert [level.shape[-1] for level in levels] == sizes
    rebuilt = levels[-1]
    for level in reversed(levels[:-1]):
        zeros = torch.zeros_like(level)
        zeros[..., ::2, ::2] = 4 * rebuilt
        rebuilt = level + _blur(zeros)
    torch.testing.assert_close(rebuilt, given)
    flat = pyramid(torch.full((1, 1, size, size), 0.5))
    for level in flat[:-1]:  # a constant has no detail
        torch.testing.assert_close(level[..., 2:-2, 2:-2], torch.zeros_like(level[..., 2:-2, 2:-2]))
