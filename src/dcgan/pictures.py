"""Convert image tensors between 8 bits and [−1, 1] by one fixed mapping; write pictures."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.functional import to_pil_image
from torchvision.utils import make_grid

from dcgan.errors import UserError
from dcgan.files import replacing


def normalize(images: Tensor) -> Tensor:
    """uint8 0 … 255 to float32 in [−1, 1], channels-last."""
    return images.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1)


def evenly_spread(images: Tensor, at_most: int) -> Tensor:
    """Evenly spaced subset of (N, C, H, W) uint8 images, since files may be sorted; normalized."""
    return normalize(subsample(images, at_most))


def subsample(images: Tensor, at_most: int) -> Tensor:
    """Evenly spaced subset of at most `at_most` images."""
    return images[torch.linspace(0, len(images) - 1, min(at_most, len(images))).long()]


def to_uint8(images: Tensor) -> Tensor:
    """[−1, 1] to 0 … 255 by a fixed linear mapping, without per-image normalization."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def grid(images: Tensor, num_columns: int | None = None) -> Image.Image:
    """Arrange (N, C, H, W) in [−1, 1] in one RGB picture, about square by default."""
    columns = num_columns or max(1, round(len(images) ** 0.5))
    tensor = make_grid(to_uint8(images), nrow=columns, padding=2, pad_value=255)
    if len(images) == 1:  # make_grid adds no border
        tensor = F.pad(tensor, (2, 2, 2, 2), value=255)
    picture: Image.Image = to_pil_image(tensor)
    return picture


def save_picture(image: Tensor, path: Path) -> None:
    """Write one (C, H, W) image in [−1, 1]; see `save_image`."""
    save_image(to_pil_image(to_uint8(image)), path)


def save_grid(images: Tensor, path: str | Path, num_columns: int | None = None) -> None:
    """Write `grid(images)` as a picture; see `save_image`."""
    save_image(grid(images, num_columns), Path(path))


def save_image(picture: Image.Image, path: Path) -> None:
    """Write a picture atomically; the suffix determines the format.

    Raises:
        UserError: no picture format has this suffix.
    """
    format_ = Image.registered_extensions().get(path.suffix.lower())
    if format_ not in Image.SAVE:
        raise UserError(f"{path}: the suffix must be a picture's, such as .png")
    with replacing(path) as temporary:
        picture.save(temporary, format_)


def spectrum_picture(power: Tensor, enlarge: int = 8) -> Image.Image:
    """Show a (H, W) power spectrum on a logarithmic scale, with DC in the center.

    Black is a power of 10^−5.5, just below 8-bit rounding noise on the [−1, 1] scale, and white
    10^2.5, in every picture.
    """
    level = (torch.fft.fftshift(power).clamp_min(1e-6).log10() + 5.5) / 8
    return _gray(level, enlarge)


def phase_tile_picture(energy: Tensor, enlarge: int = 64) -> Image.Image:
    """Show (P, P) energies by pixel phase, repeated twice along each axis.

    Mid-gray is the mean over phases, black is 0, white is twice the mean or more.
    """
    return _gray((energy / energy.mean().clamp_min(1e-12) / 2).repeat(2, 2), enlarge)


def _gray(level: Tensor, enlarge: int) -> Image.Image:
    """(H, W) in [0, 1] to a gray picture, each pixel enlarged to a square."""
    pixels = (level * 255).round().clamp(0, 255).to(torch.uint8)
    enlarged = F.interpolate(pixels.expand(1, 3, -1, -1), scale_factor=enlarge)[0]
    picture: Image.Image = to_pil_image(enlarged)
    return picture
