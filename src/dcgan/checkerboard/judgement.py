"""Judge whether a set of images has a checkerboard, with a confidence interval.

Tiles of one image are alike, so tiles of a few large images give an interval that is too narrow.
"""

from dataclasses import astuple, dataclass, replace

import torch
from torch import Tensor

from dcgan.checkerboard.images import (
    contrast,
    image_spectra,
    mean_spectrum,
    phase_energy,
    ratio_interval,
    spectrum_peak,
    usable_periods,
)
from dcgan.checkerboard.lines import line_intervals, measure_lines
from dcgan.checkerboard.origins import origins
from dcgan.checkerboard.scores import apply_rule

CLEAN_RATIO = 1.0  # the largest R of clean images: photographs 0.46, noise and lines 1
JPEG_PERIOD = 8


@dataclass(frozen=True)
class PeriodJudgement:
    """The scores of a set of images for one period."""

    period: int
    raw: float  # R; of the periods that are not scored in training, their strongest line's
    ratio: float  # R ÷ R of the reference, or ÷ 1 without one
    low: float  # 95 % interval of `ratio`
    high: float
    amplitude: float  # A: RMS of the periodic part on the [−1, 1] scale
    contrast: float | None  # PEC, of the periods that are scored in training
    trace_of: int | None = None  # the period of the pattern that this one is a trace of
    jpeg: bool = False  # whether JPEG's blocks account for it

    @property
    def verdict(self) -> str:
        """One of: grid, clean, undecided, JPEG, trace of P, harmonic of P?

        A harmonic may also be a pattern of its own: one set of images cannot tell.
        """
        verdict = apply_rule(self.low, self.high, self.raw)
        if verdict != "clean" and self.jpeg:
            return "JPEG"
        if verdict == "clean" or self.trace_of is None:
            return verdict
        harmonic = self.trace_of % self.period == 0  # the period divides that of the pattern
        return f"harmonic of {self.trace_of}?" if harmonic else f"trace of {self.trace_of}"


def judge(images: Tensor, reference: Tensor | None = None) -> list[PeriodJudgement]:
    """Score (N, C, H, W) images or tiles in [−1, 1] for periods 2 and 4, if their size allows it.

    The interval is over the images (bootstrap).
    """
    spectra = image_spectra(images)
    clean_spectra = None if reference is None else image_spectra(reference)
    judged = []
    for period in usable_periods(*images.shape[-2:]):
        raw, amplitude = astuple(spectrum_peak(mean_spectrum(spectra), period))
        clean = CLEAN_RATIO
        if clean_spectra is not None:
            clean = spectrum_peak(mean_spectrum(clean_spectra), period).ratio
        interval = ratio_interval(spectra, clean_spectra, period)
        even = contrast(phase_energy(images, period))
        judged.append(PeriodJudgement(period, raw, raw / clean, *interval, amplitude, even))
    return judged


def judge_all(
    images: Tensor, reference: Tensor | None = None, jpeg: bool = False
) -> list[PeriodJudgement]:
    """Judge every period from 2 to 16 that the size of the images allows; see `judge`.

    Periods that are not scored in training are judged by their strongest line (`lines`). Each
    pattern found is a grid, a trace of another one (`origins`), or one of JPEG's blocks.

    Args:
        jpeg: whether most images were JPEGs, whose blocks have a pattern of period 8, with
            harmonics at 4 and 2. In images too small to measure period 8, any pattern may be
            theirs.
    """
    judged = {p.period: p for p in judge(images, reference)}
    lines = measure_lines(images)
    others = {} if reference is None else measure_lines(reference)
    num_lines = sum(line.logs.shape[1] for line in lines.values())
    for period in lines.keys() - judged.keys():
        other = others[period].logs if others else None
        raw = lines[period].logs.mean(0).exp()
        ratio, low, high = line_intervals(lines[period].logs, other, num_lines)
        # By the rule, lines whose raw R is at most 1 are no pattern, whatever their ratio.
        counted = raw > 1 if (raw > 1).any() else torch.ones_like(raw, dtype=torch.bool)
        raw, ratio, low, high = (x[counted] for x in (raw, ratio, low, high))
        strongest = low.argmax()
        judged[period] = PeriodJudgement(
            period,
            raw=raw[strongest].item(),
            ratio=ratio[strongest].item(),
            low=low[strongest].item(),
            high=high.max().item(),
            amplitude=lines[period].amplitude,
            contrast=None,
        )
    found = {period for period, p in judged.items() if p.verdict == "grid"}
    found |= {JPEG_PERIOD} & lines.keys() if jpeg else set()
    unsure = {period for period, p in judged.items() if p.verdict == "undecided"} - found
    for period, origin in origins(lines, found, unsure).items():
        judged[period] = replace(
            judged[period],
            trace_of=None if origin == period else origin,
            jpeg=jpeg and (origin == JPEG_PERIOD or JPEG_PERIOD not in lines),
        )
    return [judged[period] for period in sorted(judged)]
