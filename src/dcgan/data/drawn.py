"""Generated images: digits and photos from scikit-learn's embedded data, and synthetic shapes.

Each function returns (num_images, C, image_size, image_size) uint8, the same images on every call,
so runs with different seeds share one data set.
"""

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from dcgan.data.decoding import Images
from dcgan.errors import UserError
from dcgan.seeding import derive_seed, stream

PHOTO_REDUCTION = 3  # with less, crops show JPEG blocks and little detail


def draw_digits(num_images: int, image_size: int, purpose: str = "digits") -> Images:
    """scikit-learn's 1,797 handwritten 8x8 digits, gray, with small random transforms.

    They are rotated by up to 12°, scaled by 0.78–0.98 and shifted by up to 4 % of the side. The
    shifts are not whole pixels, so enlarging leaves no periodic pattern. `purpose` names the random
    stream: another one gives other transforms of the same digits.
    """
    from sklearn.datasets import load_digits

    # In float64, rounding hides the differences between processors: the images are equal on all.
    originals = torch.from_numpy(load_digits().images)[:, None] / 16
    random = stream(0, purpose)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(num_images, *shape, generator=random).double()

    angle = torch.deg2rad(uniform(-12, 12))
    # The matrix maps output to input positions, so it divides by the scale.
    cos, sin = torch.cos(angle) / (s := uniform(0.78, 0.98)), torch.sin(angle) / s
    rotation = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    affine = torch.cat([rotation, uniform(-0.08, 0.08, 2, 1)], dim=2)  # in half-widths
    drawn = np.empty((num_images, 1, image_size, image_size), np.uint8)
    for rows in torch.arange(num_images).split(1000):  # to bound memory
        picked = originals[rows % len(originals)]
        shape = [len(rows), 1, image_size, image_size]
        grid = F.affine_grid(affine[rows], shape, align_corners=False)
        smooth = F.grid_sample(picked, grid, mode="bicubic", align_corners=False)
        drawn[rows] = (smooth.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return drawn


def draw_photos(num_images: int, image_size: int) -> Images:
    """Random square crops of scikit-learn's two sample photographs, in color, downscaled 3x.

    Raises:
        UserError: `image_size` is larger than the downscaled photographs.
    """
    from sklearn.datasets import load_sample_images

    photos = []
    for original in load_sample_images().images:
        height, width = (side // PHOTO_REDUCTION for side in original.shape[:2])
        # Lanczos keeps as much detail as the new size can hold.
        reduced = Image.fromarray(original).resize((width, height), Image.Resampling.LANCZOS)
        photos.append(np.asarray(reduced))
    least = min(min(photo.shape[:2]) for photo in photos)
    if image_size > least:
        raise UserError(f"data.image_size={image_size}: crops of photos are at most {least} pixels")
    random = np.random.default_rng(derive_seed(0, "photos"))
    drawn = np.empty((num_images, 3, image_size, image_size), np.uint8)
    for i in range(num_images):
        photo = photos[i % len(photos)]
        top, left = (random.integers(0, side - image_size + 1) for side in photo.shape[:2])
        drawn[i] = photo[top : top + image_size, left : left + image_size].transpose(2, 0, 1)
    return drawn


def draw_synthetic(num_images: int, image_size: int) -> Images:
    """Soft-edged ellipses on color gradients: smooth and cheap, for smoke tests."""
    random = np.random.default_rng(derive_seed(0, "synthetic"))
    y, x = np.mgrid[0:image_size, 0:image_size] / image_size
    drawn = np.empty((num_images, 3, image_size, image_size), np.uint8)
    for i in range(num_images):
        from_color, to_color, ink = random.uniform(40, 215, (3, 3, 1, 1))
        across = x if random.random() < 0.5 else y
        center_x, center_y = random.uniform(0.3, 0.7, 2)
        radius_x, radius_y = random.uniform(0.12, 0.3, 2)
        distance = np.hypot((x - center_x) / radius_x, (y - center_y) / radius_y)
        inside = np.clip((1.15 - distance) / 0.3, 0, 1)
        ground = from_color * (1 - across) + to_color * across
        drawn[i] = np.rint(ground * (1 - inside) + ink * inside)
    return drawn
