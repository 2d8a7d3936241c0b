"""Sliced Wasserstein distance of patches, a score of image quality that needs no network.

Karras et al., 2018 (Progressive Growing of GANs, appendix B).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.pictures import subsample
from dcgan.seeding import stream

SIDE = 7  # pixels of a patch
PER_IMAGE = 32
DIRECTIONS = 256
SMALLEST = 16  # pixels; images are halved while at least this many remain
BINOMIAL = torch.tensor([1.0, 4, 6, 4, 1]) / 16


def patch_distances(real: Tensor, fake: Tensor) -> list[float]:
    """1000 times the distance between two sets of images, by level of a pyramid, finest first.

    At each level of a Laplacian pyramid (full size, a half, …, while 16 pixels remain) random 7x7
    patches are taken, each channel is normalized over the set, and the sets' projections on random
    directions are compared: the mean absolute difference of sorted values. 0 for equal sets.

    Args:
        real: (N, C, H, W) in [−1, 1]; of the larger set, evenly spaced images are used.
        fake: (M, C, H, W) in [−1, 1].
    """
    count = min(len(real), len(fake))
    levels = zip(pyramid(subsample(real, count)), pyramid(subsample(fake, count)), strict=True)
    return [
        1000 * _sliced_distance(_patches(a, level), _patches(b, level), level)
        for level, (a, b) in enumerate(levels)
    ]


def pyramid(images: Tensor) -> list[Tensor]:
    """The Laplacian pyramid (Burt & Adelson, 1983): what each level adds to the one below it."""
    levels = []
    while min(images.shape[-2:]) >= 2 * SMALLEST and not any(n % 2 for n in images.shape[-2:]):
        smaller = _blur(images)[..., ::2, ::2]
        zeros = torch.zeros_like(images)
        zeros[..., ::2, ::2] = 4 * smaller
        levels.append(images - _blur(zeros))
        images = smaller
    return [*levels, images]


def _blur(images: Tensor) -> Tensor:
    channels = images.shape[1]
    kernel = torch.outer(BINOMIAL, BINOMIAL).to(images).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(images, (2,) * 4, mode="reflect"), kernel, groups=channels)


def _patches(images: Tensor, level: int) -> Tensor:
    """Random patches, at the same places in every set of this size: (N·PER_IMAGE, C·SIDE²)."""
    windows = images.unfold(2, SIDE, 1).unfold(3, SIDE, 1)  # (N, C, H', W', SIDE, SIDE)
    shape, random = (len(images), PER_IMAGE), stream(0, "patches", level)
    rows, columns = (
        torch.randint(windows.shape[axis], shape, generator=random).flatten() for axis in (2, 3)
    )
    which = torch.arange(len(images)).repeat_interleave(PER_IMAGE)
    patches = windows[which, :, rows, columns]  # (N·PER_IMAGE, C, SIDE, SIDE)
    center = patches.mean((0, 2, 3), keepdim=True)
    spread = patches.std((0, 2, 3), keepdim=True).clamp_min(1e-6)
    return ((patches - center) / spread).flatten(1)


def _sliced_distance(a: Tensor, b: Tensor, level: int) -> float:
    directions = torch.randn(a.shape[1], DIRECTIONS, generator=stream(0, "directions", level))
    directions /= directions.norm(dim=0)
    a, b = ((patches @ directions).sort(dim=0).values for patches in (a, b))
    return (a - b).abs().mean().item()
