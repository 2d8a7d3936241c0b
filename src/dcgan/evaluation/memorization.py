"""Memorization: distances of generated images to the nearest training images."""

import torch
from torch import Tensor

from dcgan.pictures import normalize
from dcgan.progress import progress


@torch.no_grad()
def nearest(images: Tensor, training_images: Tensor, chunk: int = 4000) -> tuple[Tensor, Tensor]:
    """Find the nearest training image, in pixels, for every image.

    Args:
        images: (N, C, H, W) in [−1, 1].
        training_images: (M, C, H, W) uint8, processed `chunk` at a time.

    Returns:
        RMS pixel differences to the nearest training images on the [−1, 1] scale, (N,), and the
        indices of those images, (N,).
    """
    flat = images.flatten(1)
    best = torch.full((len(flat),), torch.inf)
    indices = torch.zeros(len(flat), dtype=torch.long)
    starts = range(0, len(training_images), chunk)
    for start in progress(starts, desc="nearest training images", leave=False):
        part = normalize(training_images[start : start + chunk]).flatten(1)
        distances, found = torch.cdist(flat, part).min(dim=1)
        closer = distances < best
        best[closer], indices[closer] = distances[closer], found[closer] + start
    return best / flat.shape[1] ** 0.5, indices
