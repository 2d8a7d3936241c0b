"""Sentences that follow from the tests and intervals, and from nothing else."""

from collections.abc import Sequence
from itertools import groupby
from statistics import median

from dcgan.checkerboard.judgement import PRESENT, apply_rule
from dcgan.intervals import LEVEL, Summary, summarise
from dcgan.reports.runs import Arm
from dcgan.reports.statistics import Comparison

VERDICTS = {
    "grid": "checkerboard present",
    "clean": "no checkerboard",
    "undecided": f"undecided: the interval holds {PRESENT:g}",
}


def conclude_pair(comparisons: Sequence[Comparison]) -> str:
    """One sentence on one pair of arms and one score, over all moments.

    Args:
        comparisons: of one pair and one score, by images seen.
    """
    first = comparisons[0]
    head = f"{first.first} against {first.second}"
    if first.least_p > LEVEL:
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
    ratio = summarise(arm.values("r2_over_real", images_seen), logarithmic=True)
    raw = summarise(arm.values("r2", images_seen), logarithmic=True)
    return f"{arm.name}: {presence(ratio, raw)} (R₂ ÷ real {ratio}, raw R₂ {raw.mean:.2g})."


def presence(ratio: Summary, raw: Summary) -> str:
    """The rule of `judgement`, on the interval over seeds."""
    if ratio.low is None or ratio.high is None:
        return "one seed, so no interval and no verdict"
    return VERDICTS[apply_rule(ratio.low, ratio.high, raw.mean)]


def conclude_repair(arm: Arm, moments: Sequence[int]) -> str:
    """From when on the median of R₂ ÷ real stays at 3 or below."""
    medians = [median(arm.values("r2_over_real", m)) for m in moments]
    raw = [median(arm.values("r2", m)) for m in moments]
    above = [i for i in range(len(moments)) if medians[i] > PRESENT and raw[i] > 1]
    if not above:
        return f"{arm.name}: R₂ ÷ real never above {PRESENT:g} (median over seeds)."
    if above[-1] == len(moments) - 1:
        return f"{arm.name}: R₂ ÷ real still {medians[-1]:.3g} at the end (median over seeds)."
    return (
        f"{arm.name}: R₂ ÷ real at {PRESENT:g} or below from {moments[above[-1] + 1]:,} images on"
        " (median over seeds)."
    )


def _verdict(comparison: Comparison) -> str:
    if not comparison.differs:
        return "no difference shown"
    return "higher" if comparison.above else "lower"


def _separations(comparisons: Sequence[Comparison]) -> str:
    """Where so few seeds can show nothing at 5 %: only what was seen."""
    least = comparisons[0].least_p
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
