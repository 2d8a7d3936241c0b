"""Samples of each arm, enlarged so that every pixel is visible."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from dcgan.checkerboard.scores import PEAK_OVER_REAL
from dcgan.reports.ablation import Ablation
from dcgan.reports.figures import STYLE, panels, wrapped
from dcgan.reports.runs import Arm

SHOWN = 70  # pixels of samples along each side of a panel


@mpl.rc_context(STYLE)
def draw_closeup(ablation: Ablation) -> Figure:
    """A panel per arm: the first samples of its first seed at the end of training, with R₂."""
    arms, last = ablation.arms, ablation.moments[-1]
    ratio = PEAK_OVER_REAL[2]
    figure, axes = panels(len(arms), 4 if len(arms) == 4 else 3, 4.2, 4.7)
    for axis, arm in zip(axes, arms, strict=True):
        axis.imshow(np.asarray(_first_samples(arm, last)), interpolation="none")
        axis.set_axis_off()
        axis.set_title(wrapped(arm.name), fontsize=14)
        if ratio in ablation.scores:
            score = arm.runs[0].scores[last][ratio.key]
            text = f"R₂ = {score:.3g} times that of real images"
            axis.text(0.5, -0.02, text, transform=axis.transAxes, ha="center", va="top", size=12)
    return figure


def _first_samples(arm: Arm, images_seen: int) -> Image.Image:
    """As many whole samples as fit into a square of `SHOWN` pixels, but at least one."""
    run = arm.runs[0]
    pitch = run.config["data"]["image_size"] + 2  # samples are two pixels apart
    side = max(1, SHOWN // pitch) * pitch + 2
    picture = run.samples(images_seen)
    return picture.crop((0, 0, min(side, picture.width), min(side, picture.height)))
