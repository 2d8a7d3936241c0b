"""What the page of an ablation needs to be moved through: pictures, numbers and curves by moment.

Each arm's pictures are one sprite: a row per moment, with the samples of some latents and the mean
spectrum in columns.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

from dcgan.checkerboard.scores import PEAK_OVER_REAL, STD
from dcgan.pictures import spectrum_picture
from dcgan.reports.ablation import Ablation
from dcgan.reports.closeup import GAIN, TAPS
from dcgan.reports.figures import colored, draw_curve
from dcgan.reports.runs import Arm, shown_runs

PIXELS = 1_000_000  # of samples; at most 4 MB on the page
LATENTS = 12
ARMS = 4  # shown at first, if there are more than six


def viewer(ablation: Ablation) -> dict[str, Any]:
    """The interactive part of templates/ablation.html; figures and sprites are not yet text."""
    arms, moments, runs = ablation.arms, ablation.moments, shown_runs(ablation.arms)
    size = runs[0].config["data"]["image_size"]
    most = max(1, min(LATENTS, PIXELS // (len(arms) * len(moments) * size**2)))
    samples = [[run.first_samples(moment, most) for moment in moments] for run in runs]
    latents = min(len(row) for rows in samples for row in rows)  # a resumed run may save more
    curves = [(score, *draw_curve(ablation, score)) for score in ablation.scores]
    shown = _arms_to_show(ablation)
    seeds = sorted({run.config["seed"] for run in runs})
    latent_sizes = {run.config["generator"]["latent_size"] for run in runs}
    return {
        "size": size,
        "latents": latents,
        "gain": GAIN,
        "taps": TAPS.tolist(),
        "start": _start(ablation),
        "seeds": seeds,
        "same_latents": len(seeds) == len(latent_sizes) == 1,
        "cursor": [round(100 * share, 2) for share in curves[0][2]],  # % of a curve's width
        "curves": [(score, figure) for score, figure, _ in curves],
        "arms": [
            {
                "name": arm.name,
                "shown": arm in shown,
                "color": mpl.colors.to_hex(color),
                "sprite": _sprite(arm, moments, [row[:latents] for row in rows]),
                "ratios": _ratios(ablation, arm),
            }
            for (arm, color), rows in zip(colored(arms), samples, strict=True)
        ],
    }


def _start(ablation: Ablation) -> int:
    """The first moment with something to see: every arm has 2/3 of the contrast it ends with."""

    def contrast(arm: Arm, moment: int) -> float:
        return median(arm.values(STD.key, moment))

    *earlier, end = ablation.moments
    for i, moment in enumerate(earlier):
        if i and all(contrast(a, moment) >= contrast(a, end) * 2 / 3 for a in ablation.arms):
            return i
    return len(earlier)


def _arms_to_show(ablation: Ablation) -> list[Arm]:
    """Up to six arms, or else the two with the most checkerboard at the end and the two least."""
    arms, key = list(ablation.arms), PEAK_OVER_REAL[2].key
    if len(arms) <= ARMS + 2:
        return arms
    if PEAK_OVER_REAL[2] in ablation.scores:
        arms.sort(key=lambda arm: median(arm.values(key, ablation.moments[-1])))
    return [*arms[: ARMS // 2], *arms[-ARMS // 2 :]]


def _ratios(ablation: Ablation, arm: Arm) -> list[str]:
    """The median R₂ ÷ real at each moment, as text; empty where images are not scored for it."""
    if PEAK_OVER_REAL[2] not in ablation.scores:
        return [""] * len(ablation.moments)
    key = PEAK_OVER_REAL[2].key
    return [f"{median(arm.values(key, moment)):.2g}" for moment in ablation.moments]


def _sprite(arm: Arm, moments: Sequence[int], samples: Sequence[np.ndarray]) -> Image.Image:
    rows = []
    for moment, row in zip(moments, samples, strict=True):
        spectrum = spectrum_picture(arm.spectrum(moment), enlarge=1)
        rows.append(np.hstack([*row, np.asarray(spectrum)]))
    return Image.fromarray(np.vstack(rows))
