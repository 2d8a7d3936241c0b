"""Does a generator copy? How near its images lie to the training images."""

import torch
from torch import Tensor
from tqdm import tqdm

from dcgan.pictures import normalize


@torch.no_grad()
def nearest(images: Tensor, training_images: Tensor, chunk: int = 4000) -> tuple[Tensor, Tensor]:
    """Compare every image with every training image, pixel by pixel.

    Args:
        images: (N, C, H, W) in [−1, 1].
        training_images: (M, C, H, W) uint8; read `chunk` at a time.

    Returns:
        (N,) RMS differences of pixels on the [−1, 1] scale to the nearest training images, and (N,)
        the indices of these.
    """
    flat = images.flatten(1)
    best = torch.full((len(flat),), torch.inf)
    indices = torch.zeros(len(flat), dtype=torch.long)
    starts = range(0, len(training_images), chunk)
    for start in tqdm(starts, desc="nearest training images", leave=False, disable=None):
        part = normalize(training_images[start : start + chunk]).flatten(1)
        distances, found = torch.cdist(flat, part).min(dim=1)
        closer = distances < best
        best[closer], indices[closer] = distances[closer], found[closer] + start
    return best / flat.shape[1] ** 0.5, indices
