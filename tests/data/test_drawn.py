"""Generated images: as many as requested, the same on every call, without a periodic pattern."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from torch.nn import functional as F

from dcgan.data.decoding import Images
from dcgan.data.drawn import draw_digits, draw_photos, draw_synthetic
from dcgan.errors import UserError

DRAWS = [(draw_digits, 1), (draw_photos, 3), (draw_synthetic, 3)]


@pytest.mark.parametrize(("draw", "channels"), DRAWS)
def test_shape_type_and_repeatability(draw: Callable[[int, int], Images], channels: int) -> None:
    images = draw(40, 32)
    assert images.shape == (40, channels, 32, 32)
    assert images.dtype == np.uint8
    assert np.array_equal(images, draw(40, 32))
    assert len(np.unique(images.reshape(40, -1), axis=0)) == 40


def test_digits_do_not_depend_on_the_processor() -> None:
    script = "from dcgan.data.drawn import *; import hashlib; print(hashlib.sha256("
    script += "draw_digits(2000, 32).tobytes()).hexdigest())"
    plain = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=plain, check=True, capture_output=True
    )
    here = hashlib.sha256(draw_digits(2000, 32).tobytes()).hexdigest()
    assert done.stdout.decode().strip() == here


def test_more_digits_than_originals_are_all_different() -> None:
    images = draw_digits(4000, 16)
    assert len(np.unique(images.reshape(4000, -1), axis=0)) == 4000


def test_digits_are_light_on_black_and_not_cut_off() -> None:
    images = draw_digits(1000, 32).astype(float)
    border = np.concatenate([images[..., 0, :], images[..., -1, :]], axis=-1)
    assert images.max() > 240
    assert border.mean() < 0.25 * images.mean()


def test_photos_are_crops_of_the_downscaled_photographs() -> None:
    original = Image.fromarray(load_sample_images().images[0])
    photo = np.asarray(original.resize((640 // 3, 427 // 3), Image.Resampling.LANCZOS))
    windows = np.lib.stride_tricks.sliding_window_view(photo, (32, 32), axis=(0, 1))
    first = draw_photos(1, 32)[0]
    assert (windows == first).all(axis=(2, 3, 4)).any()


def test_photos_larger_than_the_photographs_are_refused() -> None:
    with pytest.raises(UserError, match=r"data.image_size=256: .* at most 142"):
        draw_photos(1, 256)


def phase_contrast(images: np.ndarray) -> float:
    """Energy of fine detail by column modulo 4: the largest divided by the smallest."""
    images = images.astype(float)
    detail = images[..., 1:-1] - (images[..., :-2] + images[..., 2:]) / 2
    energy = np.array([np.mean(detail[..., 8 + phase : 24 : 4] ** 2) for phase in range(4)])
    return float(energy.max() / energy.min())


def test_digits_have_no_pattern_of_period_four() -> None:
    in_place = F.interpolate(
        torch.from_numpy(load_digits().images)[:, None], scale_factor=4, mode="bicubic"
    )
    assert phase_contrast(in_place.numpy()) > 2
    assert phase_contrast(draw_digits(4000, 32)) < 1.2
