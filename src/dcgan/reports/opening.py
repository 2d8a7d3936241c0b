"""What the article opens with: sample images, and the measures R₂ and ρ explained on them."""

from collections.abc import Mapping
from importlib import resources

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from dcgan.checkerboard.images import grid_peak, spectrum
from dcgan.checkerboard.layers import measure_stamp, step_imbalance
from dcgan.pictures import normalize
from dcgan.reports.figures import STYLE


def read_samples(name: str) -> Tensor:
    """Generated images from templates/NAME.png, a row of square images: (N, 3, H, H) in [−1, 1]."""
    file = resources.files("dcgan.reports") / "templates" / f"{name}.png"
    with file.open("rb") as opened, Image.open(opened) as picture:
        pixels = torch.from_numpy(np.array(picture.convert("RGB")))
    height, width, channels = pixels.shape
    return normalize(pixels.reshape(height, width // height, height, channels).permute(1, 3, 0, 2))


@mpl.rc_context(STYLE)
def draw_spectra(samples: Mapping[str, Tensor]) -> Figure:
    """The mean spectrum along one axis of each set of images; period 2 and its neighbors marked."""
    figure = Figure(figsize=(3.7, 2.6), layout="constrained")
    axis = figure.subplots()
    for name, images in samples.items():
        power = spectrum(images)
        end = images.shape[-1] // 2  # the wave of period 2
        along = (power[0] + power[:, 0])[1 : end + 1] / 2
        label = f"{name}: R₂ = {grid_peak(images, 2).ratio:.2g}"
        (line,) = axis.plot(range(1, end + 1), along, label=label)
        for waves, marker in (([end], "o"), ([end - 3, end - 2], ".")):
            values = along[[wave - 1 for wave in waves]]
            axis.plot(waves, values, marker, color=line.get_color(), clip_on=False)
    periods = [period for period in (32, 16, 8, 4, 3, 2) if period <= 2 * end]
    axis.set_xticks([2 * end / period for period in periods], [f"{p:g}" for p in periods])
    axis.set(yscale="log", xlabel="period in pixels", ylabel="power of the wave")
    axis.legend()
    return figure


def imbalance() -> dict[str, Tensor]:
    """The response of [3 1 3 1] ⊗ [3 1 3 1] to a constant, split into its mean and the rest."""
    taps = torch.tensor([3.0, 1, 3, 1], dtype=torch.float64)
    layer = nn.ConvTranspose2d(1, 1, 4, stride=2, bias=False)
    layer.weight.data = torch.outer(taps, taps)[None, None]
    stamp = measure_stamp(layer)
    response = stamp.gains[..., 0, 0].repeat(2, 2)
    mean = response.mean().expand_as(response)
    return {
        "response to a constant 1": response,
        "its mean": mean,
        f"the rest: {step_imbalance(stamp):.0%} of the energy": response - mean,
    }
