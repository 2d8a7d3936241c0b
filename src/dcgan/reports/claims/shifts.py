"""Where a transposed convolution puts the picture, and what that does to a U-Net's skips."""

import torch
from sklearn.datasets import load_sample_image
from torch import Tensor
from torch.nn import functional as F

from dcgan.convolution.alignment import image_shift, index_shift, stacked_shift
from dcgan.convolution.stretch import triangular_kernel
from dcgan.reports.claims.claim import Claim, claim
from dcgan.reports.claims.drawing import gallery

DOUBLING = ((1, 0, 1), (2, 0, 0), (3, 1, 1), (4, 1, 0), (5, 2, 1), (6, 2, 0))  # k, p, op at s = 2


def centroid(signal: Tensor) -> float:
    """The mean position of a signal's weight."""
    positions = torch.arange(len(signal), dtype=signal.dtype)
    return ((signal * positions).sum() / signal.sum()).item()


def alignment() -> Claim:
    """Claim 13."""
    errors = []
    for k, p, op in DOUBLING:
        signal = torch.zeros(1, 1, 21, dtype=torch.float64)
        signal[0, 0, 10] = 1
        taps = torch.ones(1, 1, k, dtype=torch.float64)
        stamp = F.conv_transpose1d(signal, taps, stride=2, padding=p, output_padding=op)[0, 0]
        errors.append(abs(centroid(stamp) - 20 - index_shift(k, 2, p)))
        errors.append(abs(centroid(stamp) - 20.5 - image_shift(k, 2, p)))
        errors.append(abs(image_shift(k, 2, p) + op / 2))
    shifts = {f"k{k}": image_shift(k, 2, p) for k, p, _ in DOUBLING[1:]}
    shown = ", ".join(f"{name} {shift:+g}" for name, shift in shifts.items())
    return claim(
        "alignment", errors, shown=shown, stacked=stacked_shift(image_shift(3, 2, 1), 2, 3)
    )


def skips_of_a_unet() -> Claim:
    """Claim 13, drawn: a picture halved three times and doubled three times, beside its skip."""
    picture = torch.from_numpy(load_sample_image("flower.jpg").copy()).double().mean(2)
    picture = F.avg_pool2d(picture[None, None, :416, 100:516], 2)
    small = F.avg_pool2d(picture, 8)
    kernels = {3: (1, 1), 4: (1, 0)}
    part = slice(60, 140)
    errors, views, names = [], [], ["the skip"]
    for k, (p, op) in kernels.items():
        taps = triangular_kernel(2, k)
        kernel = torch.outer(taps, taps)[None, None]
        large = small
        for _ in range(3):
            large = F.conv_transpose2d(large, kernel, stride=2, padding=p, output_padding=op)
        predicted = stacked_shift(image_shift(k, 2, p), 2, 3)
        measured, blurred = _measured_shift(picture[0, 0], large[0, 0])
        errors.append(abs(measured - predicted))
        views.append(large[0, 0, part, part] - blurred[part, part])
        names.append(f"decoder − skip, k{k}: {measured:+.2f} px")
    kernel = torch.outer(*[triangular_kernel(2, 3)] * 2)[None, None]
    own = picture
    for _ in range(3):
        own = F.conv2d(own, kernel / kernel.sum(), stride=2, padding=1)
    for _ in range(3):
        own = F.conv_transpose2d(own, kernel, stride=2, padding=1, output_padding=1)
    measured, _ = _measured_shift(picture[0, 0], own[0, 0])
    errors.append(abs(measured))
    skip = picture[0, 0, part, part] - picture.mean()
    largest_difference = max(view.abs().max().item() for view in views)
    return claim(
        "skips of a U-Net",
        errors,
        tolerance=0.25,
        figure=gallery(
            [skip * largest_difference / skip.abs().max(), *views], names, one_scale=True
        ),
        measured=measured,
    )


def _measured_shift(reference: Tensor, moved: Tensor) -> tuple[float, Tensor]:
    """By how many pixels `moved` lies further down and right, to 1/16: where they agree best.

    The reference is blurred, as `moved` is, by the even filter with which they agree best; it is
    returned too.
    """
    margin = 24
    inside = slice(margin, min(reference.shape[0], moved.shape[0]) - margin)
    found = []
    for width in (9, 13, 17, 21):
        blurred = F.avg_pool2d(reference[None, None], width, 1, width // 2)
        for sixteenths in range(-5 * 16, 5 * 16 + 1):
            candidate = _moved(blurred, sixteenths / 16)[0, 0]
            error = (candidate[inside, inside] - moved[inside, inside]).square().mean().item()
            found.append((error, sixteenths / 16, blurred[0, 0]))
    _, shift, blurred = min(found, key=lambda entry: entry[0])
    return shift, blurred


def _moved(image: Tensor, shift: float) -> Tensor:
    """The image moved down and right by a fraction of pixels, linearly interpolated."""
    height, width = image.shape[-2:]
    rows = (torch.arange(height, dtype=image.dtype) - shift + 0.5) / height * 2 - 1
    columns = (torch.arange(width, dtype=image.dtype) - shift + 0.5) / width * 2 - 1
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    grid = torch.stack([x, y], -1)[None]
    return F.grid_sample(image, grid, align_corners=False, padding_mode="border")
