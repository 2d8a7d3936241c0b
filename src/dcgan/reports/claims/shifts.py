"""Where a transposed convolution places the image, and what that means for a U-Net's skips."""

import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from dcgan.convolution import (
    doubling_padding,
    image_shift,
    index_shift,
    stacked_shift,
    triangular_kernel,
)
from dcgan.reports.claims.claim import Finding, ones


def alignment() -> Finding:
    """Claim "alignment"."""
    errors = []
    for k in range(1, 7):
        p, op = doubling_padding(k)
        impulse = torch.zeros(1, 1, 21, dtype=torch.float64)
        impulse[0, 0, 10] = 1
        output = F.conv_transpose1d(impulse, ones(1, 1, k), stride=2, padding=p, output_padding=op)
        center = float(ndimage.center_of_mass(output[0, 0].numpy())[0])
        shift = image_shift(k, 2, p)
        errors += [abs(center - 20 - index_shift(k, p)), abs(center - 20.5 - shift)]
        errors.append(abs(shift + op / 2))
    shifts = {k: image_shift(k, 2, doubling_padding(k)[0]) for k in range(1, 7)}
    stacked = stacked_shift(image_shift(3, 2, 1), 2, 3)
    return Finding(errors, fields={"shifts": shifts, "stacked": stacked})


def skips_of_a_unet() -> Finding:
    """Claim "skips of a U-Net": a ramp, halved and doubled three times, beside its skip."""
    ramp = torch.arange(96.0, dtype=torch.float64).expand(1, 1, 96, 96)
    errors, shifts = [], {}
    for k, p, op in ((3, 1, 1), (4, 1, 0)):
        measured = _measured_shift(ramp, _doubled(F.avg_pool2d(ramp, 8), k, p, op))
        errors.append(abs(measured - stacked_shift(image_shift(k, 2, p), 2, 3)))
        shifts[f"k{k}"] = round(measured, 9)
    halved = ramp
    for _ in range(3):
        halved = F.conv2d(halved, _triangle(3) / 4, stride=2, padding=1)
    own = _measured_shift(ramp, _doubled(halved, 3, 1, 1))
    errors.append(abs(own))
    return Finding(errors, fields={"own": round(own, 9), **shifts})


def _triangle(k: int) -> Tensor:
    """The bilinear interpolation kernel for scale 2; its taps sum to 4."""
    taps = triangular_kernel(2, k)
    return torch.outer(taps, taps)[None, None]


def _doubled(picture: Tensor, k: int, p: int, op: int) -> Tensor:
    for _ in range(3):
        picture = F.conv_transpose2d(picture, _triangle(k), stride=2, padding=p, output_padding=op)
    return picture


def _measured_shift(ramp: Tensor, moved: Tensor) -> float:
    """Pixels by which `moved` is shifted right: away from borders, it is darker by this much."""
    return (ramp - moved)[..., 24:-24, 24:-24].mean().item()
