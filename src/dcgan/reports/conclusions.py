"""Sentences that follow from the tests and intervals, and from nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from dcgan.checkerboard.judgement import PRESENT, apply_rule
from dcgan.checkerboard.scores import PEAK, PEAK_OVER_REAL, Score
from dcgan.intervals import LEVEL, Summary, summarize
from dcgan.reports.runs import Arm

RAW, RATIO = PEAK[2], PEAK_OVER_REAL[2]

VERDICTS = {
    "grid": "checkerboard present",
    "clean": "no checkerboard",
    "undecided": f"undecided: the interval contains {PRESENT:g}",
}


@dataclass(frozen=True)
class Comparison:
    """A Mann–Whitney test of one score between two arms at one moment."""

    score: Score
    first: str
    second: str
    images_seen: int
    first_median: float
    second_median: float
    p: float  # exact, two-sided
    least_possible_p: float  # the smallest that so many seeds can give

    @property
    def differs(self) -> bool:
        """Whether the arms are told apart at 5 %."""
        return self.p <= LEVEL

    @property
    def above(self) -> bool:
        """Whether the first arm's median is the higher one."""
        return self.first_median > self.second_median


def conclude_pair(comparisons: Sequence[Comparison]) -> str:
    """One sentence on one pair of arms and one score, over all moments.

    Args:
        comparisons: of one pair and one score, by images seen.
    """
    first = comparisons[0]
    head = f"{first.first} against {first.second}"
    if first.least_possible_p > LEVEL:
        return f"{head}: {_separations(comparisons)}"
    if not any(c.differs for c in comparisons):
        smallest = min(c.p for c in comparisons)
        return f"{head}: no difference shown at any moment (smallest p = {smallest:.3f})."
    parts = []
    for verdict, group in groupby(comparisons, key=_verdict):
        members = list(group)
        when = _span(members[0].images_seen, members[-1].images_seen)
        ps = sorted({f"{c.p:.3f}" for c in members})
        parts.append(f"{verdict} {when} (p = {' to '.join([*ps[:1], *ps[1:][-1:]])})")
    return f"{head}: {'; '.join(parts)}."


def conclude_presence(arm: Arm, images_seen: int) -> str:
    """Whether an arm's images hold a checkerboard at one moment, by the interval over seeds."""
    ratio = summarize(arm.values(RATIO.key, images_seen), logarithmic=True)
    raw = summarize(arm.values(RAW.key, images_seen), logarithmic=True)
    numbers = f"{RATIO.name} {ratio}, raw {RAW.name} {raw.mean:.2g}"
    return f"{arm.name}: {presence(ratio, raw)} ({numbers})."


def presence(ratio: Summary, raw: Summary) -> str:
    """The rule of `judgement`, on the interval over seeds."""
    if ratio.low is None or ratio.high is None:
        return "one seed, so no interval and no verdict"
    return VERDICTS[apply_rule(ratio.low, ratio.high, raw.mean)]


def conclude_repair(arm: Arm, moments: Sequence[int]) -> str:
    """From when on the median of R₂ ÷ real stays at 3 or below."""
    medians = [median(arm.values(RATIO.key, m)) for m in moments]
    raw = [median(arm.values(RAW.key, m)) for m in moments]
    above = [i for i in range(len(moments)) if medians[i] > PRESENT and raw[i] > 1]
    if not above:
        when = f"never above {PRESENT:g}"
    elif above[-1] == len(moments) - 1:
        when = f"still {medians[-1]:.3g} at the end"
    else:
        when = f"at {PRESENT:g} or below from {moments[above[-1] + 1]:,} images on"
    return f"{arm.name}: {RATIO.name} {when} (median over seeds)."


def _verdict(comparison: Comparison) -> str:
    if not comparison.differs:
        return "no difference shown"
    return "higher" if comparison.above else "lower"


def _separations(comparisons: Sequence[Comparison]) -> str:
    """Where so few seeds can show nothing at 5 %: only what was seen."""
    least = comparisons[0].least_possible_p
    complete = [c for c in comparisons if c.p <= least * 1.0001]
    text = f"nothing can be shown with so few seeds (least possible p = {least:.2f})"
    if not complete:
        return f"{text}; separate at no moment."
    sides = []
    for side, higher in (("higher", True), ("lower", False)):
        moments = [f"{c.images_seen:,}" for c in complete if c.above == higher]
        if moments:
            sides.append(f"{side} in every seed at {', '.join(moments)} images")
    return f"{text}; {'; '.join(sides)}."


def _span(start: int, end: int) -> str:
    return f"at {start:,} images" if start == end else f"from {start:,} to {end:,} images"
