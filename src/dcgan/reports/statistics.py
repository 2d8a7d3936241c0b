"""The scores of an ablation, and tests between its arms."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from dcgan.intervals import LEVEL
from dcgan.reports.runs import Arm


@dataclass(frozen=True)
class Score:
    """One number of a run, and how it is averaged and drawn."""

    key: str  # in metrics.jsonl
    name: str  # on the page
    meaning: str
    logarithmic: bool  # a ratio: averaged geometrically, drawn on a logarithmic axis


def scores_of(arms: Sequence[Arm]) -> list[Score]:
    """The scores that every run has, headline first."""
    common = set.intersection(
        *(set(values) for arm in arms for run in arm.runs for values in run.scores.values())
    )
    # A flat generator has no upsampling block.
    last = max((key.removeprefix("rho_") for key in common if key.startswith("rho_")), default="")
    known = [
        Score("r2_over_real", "R₂ ÷ real", "grid of period 2; 1 is as clean as the data", True),
        Score("r4_over_real", "R₄ ÷ real", "grid of period 4, from the block before", True),
        Score("a2_over_std", "A₂ ÷ std", "grid's share of the images' deviation", False),
        Score("pec2", "PEC₂", "fine detail, strongest ÷ weakest pixel phase", True),
        Score("pec4", "PEC₄", "the same with period 4", True),
        Score(f"rho_{last}", f"ρ(M) {last}", "uneven share of the last block's answer", False),
        Score(f"kappa_{last}", f"κ {last}", "last block's taps, strongest ÷ weakest phase", True),
        Score("discriminator_pec2", "PEC₂ of ∂D/∂x", "the tile in D's gradient", True),
        Score("std", "std", "deviation of the images: how far learning is", False),
    ]
    return [score for score in known if score.key in common]


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
    least_p: float  # the smallest that so many seeds can give

    @property
    def differs(self) -> bool:
        """Whether the arms are told apart at 5 %."""
        return self.p <= LEVEL

    @property
    def above(self) -> bool:
        """Whether the first arm's median is the higher one."""
        return self.first_median > self.second_median


def least_p(first: int, second: int) -> float:
    """The p of complete separation: 2 of all ways to divide the seeds (Mann & Whitney, 1947)."""
    below, above = [0.0] * first, [1.0] * second
    return float(stats.mannwhitneyu(below, above, method="exact").pvalue)


def compare_arms(
    arms: Sequence[Arm], scores: Sequence[Score], moments: Sequence[int]
) -> list[Comparison]:
    """Test every tested score at every moment between the pairs of `pairs_to_test`."""
    found = []
    for score in scores:
        for first, second in pairs_to_test(arms):
            least = least_p(len(first.runs), len(second.runs))
            if least == 1:  # one seed each: nothing to test
                continue
            for moment in moments:
                a, b = first.values(score.key, moment), second.values(score.key, moment)
                p = float(stats.mannwhitneyu(a, b, method="exact").pvalue)
                medians = float(np.median(a)), float(np.median(b))
                found.append(Comparison(score, first.name, second.name, moment, *medians, p, least))
    return found


def pairs_to_test(arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """All pairs of up to four arms; of more, each against the baseline, and kernel 3 against 4.

    The baseline is nearest-neighbour resizing, which cannot make a grid at rest, or the last arm.
    """
    if len(arms) <= 4:
        return list(combinations(arms, 2))
    named = {arm.name: arm for arm in arms}
    baseline = next((arm for arm in arms if arm.name.startswith("nearest")), arms[-1])
    pairs = [(arm, baseline) for arm in arms if arm is not baseline]
    if {"transposed k3", "transposed k4"} <= named.keys():
        pairs.insert(0, (named["transposed k3"], named["transposed k4"]))
    return pairs


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> tuple[float, float] | None:
    """Spearman's coefficient and its p; None where one side is constant."""
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    result = stats.spearmanr(first, second)
    return float(result.statistic), float(result.pvalue)
