"""The arms side by side, enlarged so that every pixel is visible; and the same over training."""

import io
import math
import textwrap
from collections.abc import Sequence

import matplotlib.font_manager
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import correlate1d

from dcgan.checkerboard.scores import PEAK_OVER_REAL
from dcgan.reports.ablation import Ablation
from dcgan.reports.runs import shown_runs

GAIN = 8  # how much the checkerboard alone is amplified
TAPS = np.array([math.comb(16, j) / 4**8 for j in range(17)])  # a local mean
WIDTH, GAP = 832, 8  # pixels; what GitHub shows at full size, with the margins
LARGEST = 256  # pixels along a side of one sample


def period_2_part(image: np.ndarray) -> np.ndarray:
    """What repeats every two pixels: (H, W, C) of any kind to (H, W, C) float64, mean 0.

    Per pixel: the local mean of all pixels at its phase of the 2x2 pattern, minus that of all
    pixels. Constants and ramps give 0; sharp edges leave something too.
    """
    same_phase = 2 * TAPS * (np.arange(len(TAPS)) % 2 == len(TAPS) // 2 % 2)
    part: np.ndarray = _mean(image, same_phase) - _mean(image, TAPS)
    return part


def _mean(image: np.ndarray, taps: np.ndarray) -> np.ndarray:
    rows = correlate1d(image.astype(float), taps, axis=0, mode="mirror")
    return np.asarray(correlate1d(rows, taps, axis=1, mode="mirror"))


def draw_closeup(ablation: Ablation, images_seen: int) -> Image.Image:
    """Per arm: its name, its first sample, the checkerboard alone, and its median R₂ ÷ real."""
    arms, runs, ratio = ablation.arms, shown_runs(ablation.arms), PEAK_OVER_REAL[2]
    samples = [run.first_samples(images_seen, 1)[0] for run in runs]
    size = len(samples[0])
    width = max(WIDTH, size + 2 * GAP)
    columns = max(1, min(len(arms) if len(arms) <= 4 else 5, width // (size + GAP)))
    side = size * max(1, min(LARGEST, width // columns - GAP) // size)
    font = ImageFont.truetype(matplotlib.font_manager.findfont("DejaVu Sans"), 15)
    names = [textwrap.wrap(arm.name, max(8, side // 9)) for arm in arms]
    above = 20 * max(map(len, names)) + 4
    height = above + 2 * side + GAP + 28
    picture = Image.new("RGB", (width, 56 + height * -(-len(arms) // columns)), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((GAP, 6), f"{images_seen:,} images seen", "black", font)
    for i, (arm, sample) in enumerate(zip(arms, samples, strict=True)):
        x, y = GAP + i % columns * (width // columns), 30 + i // columns * height
        pen.text((x, y), "\n".join(names[i]), "black", font)
        alone = np.rint(128 + GAIN * period_2_part(sample)).clip(0, 255).astype(np.uint8)
        for row, pixels in enumerate((sample, alone)):
            enlarged = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
            picture.paste(enlarged, (x, y + above + row * (side + GAP)))
        if ratio in ablation.scores:
            text = f"R₂ ÷ real {np.median(arm.values(ratio.key, images_seen)):.2g}"
            pen.text((x, y + above + 2 * side + GAP + 4), text, "black", font)
    what = f"Below each sample: only what repeats every two pixels, {GAIN} times as strong"
    pen.text((GAP, picture.height - 24), what, "black", font)
    return picture


def to_gif(frames: Sequence[Image.Image]) -> bytes:
    """An endless animation, a second for each frame and three for the last.

    Without dithering, which would add patterns of its own.
    """
    buffer = io.BytesIO()
    first, *others = (frame.quantize(256, dither=Image.Dither.NONE) for frame in frames)
    times = [1000] * len(others) + [3000]
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=times, loop=0)
    return buffer.getvalue()
