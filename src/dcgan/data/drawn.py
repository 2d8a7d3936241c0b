"""Images made here, from what scikit-learn embeds or from nothing: digits, photos, synthetic.

Each function returns (num_images, C, image_size, image_size) uint8 and draws the same images on
every call: runs with different seeds share one data set.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from dcgan.errors import UserError
from dcgan.seeding import derive_seed, stream

Images = NDArray[np.uint8]

PHOTO_REDUCTION = 3  # below this the photographs show their JPEG blocks and little detail


def draw_digits(num_images: int, image_size: int, purpose: str = "digits") -> Images:
    """scikit-learn's 1,797 handwritten 8x8 digits, grey, each drawn with its own small motion.

    Rotated by up to 12°, scaled by 0.78–0.98 and shifted by up to 4 % of the side, at random and by
    fractions of a pixel, so that enlarging them leaves no pixel phase of its own.

    Args:
        purpose: of the random stream; another one moves the same digits otherwise.
    """
    from sklearn.datasets import load_digits

    originals = torch.from_numpy(load_digits().images).float()[:, None] / 16
    random = stream(0, purpose)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(num_images, *shape, generator=random)

    angle = torch.deg2rad(uniform(-12, 12))
    # The matrix maps output to input positions, so it divides by the scale.
    cos, sin = torch.cos(angle) / (s := uniform(0.78, 0.98)), torch.sin(angle) / s
    rotation = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    affine = torch.cat([rotation, uniform(-0.08, 0.08, 2, 1)], dim=2)  # of a half-width
    drawn = np.empty((num_images, 1, image_size, image_size), np.uint8)
    for start in range(0, num_images, 1000):
        rows = slice(start, min(start + 1000, num_images))
        picked = originals[torch.arange(rows.start, rows.stop) % len(originals)]
        shape = [len(picked), 1, image_size, image_size]
        grid = F.affine_grid(affine[rows], shape, align_corners=False)
        smooth = F.grid_sample(picked, grid, mode="bicubic", align_corners=False)
        drawn[rows] = (smooth.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return drawn


def labels_of_digits(num_images: int) -> NDArray[np.int64]:
    """(num_images,) what the images of `draw_digits` show: 0 … 9."""
    from sklearn.datasets import load_digits

    labels: NDArray[np.int64] = np.resize(load_digits().target.astype(np.int64), num_images)
    return labels


def draw_photos(num_images: int, image_size: int) -> Images:
    """Random square crops of scikit-learn's two sample photographs, colour, reduced 3 times first.

    Raises:
        UserError: `image_size` is larger than the reduced photographs.
    """
    from sklearn.datasets import load_sample_images

    originals = load_sample_images().images
    photos = [np.asarray(_reduce(Image.fromarray(original))) for original in originals]
    least = min(min(photo.shape[:2]) for photo in photos)
    if image_size > least:
        raise UserError(f"data.image_size={image_size}: crops of photos are at most {least} pixels")
    random = np.random.default_rng(derive_seed(0, "photos"))
    drawn = np.empty((num_images, 3, image_size, image_size), np.uint8)
    for i in range(num_images):
        photo = photos[i % len(photos)]
        top, left = (random.integers(0, side - image_size + 1) for side in photo.shape[:2])
        crop = photo[top : top + image_size, left : left + image_size]
        drawn[i] = crop.transpose(2, 0, 1)
    return drawn


def _reduce(photo: Image.Image) -> Image.Image:
    """Smaller by `PHOTO_REDUCTION`; Lanczos' filter keeps what detail the new size can hold."""
    size = (photo.width // PHOTO_REDUCTION, photo.height // PHOTO_REDUCTION)
    return photo.resize(size, Image.Resampling.LANCZOS)


def draw_synthetic(num_images: int, image_size: int) -> Images:
    """A soft-edged ellipse on a colour gradient: smooth, cheap, for smoke tests; colour."""
    random = np.random.default_rng(derive_seed(0, "synthetic"))
    y, x = np.mgrid[0:image_size, 0:image_size] / image_size
    drawn = np.empty((num_images, 3, image_size, image_size), np.uint8)
    for i in range(num_images):
        from_colour, to_colour, ink = random.uniform(40, 215, (3, 3, 1, 1))
        across = x if random.random() < 0.5 else y
        centre_x, centre_y = random.uniform(0.3, 0.7, 2)
        radius_x, radius_y = random.uniform(0.12, 0.3, 2)
        distance = np.hypot((x - centre_x) / radius_x, (y - centre_y) / radius_y)
        inside = np.clip((1.15 - distance) / 0.3, 0, 1)
        ground = from_colour * (1 - across) + to_colour * across
        drawn[i] = np.rint(ground * (1 - inside) + ink * inside)
    return drawn
