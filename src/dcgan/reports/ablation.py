"""An ablation: many runs, grouped into arms and compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, product
from pathlib import Path
from statistics import median
from typing import Any

import torch
from scipy import stats
from torch.utils.flop_counter import FlopCounterMode

from dcgan.checkerboard import scores as names
from dcgan.checkerboard.cure import bake
from dcgan.checkerboard.images import contrast
from dcgan.checkerboard.layers import convolution_of
from dcgan.convolution.coverage import coverage_ratio
from dcgan.intervals import LEVEL, Summary, summarize
from dcgan.networks.building import build_generator
from dcgan.reports.runs import Arm, LeftOut, common_moments, find_runs, sort_into_arms
from dcgan.training.scores import upsampling_blocks


@dataclass(frozen=True)
class Comparison:
    """A Mann–Whitney test of one score between two arms at one number of images seen."""

    score: names.Score
    first: str
    second: str
    images_seen: int
    first_median: float
    second_median: float
    p: float  # exact, two-sided
    least_possible_p: float  # the smallest possible with this number of seeds

    @property
    def verdict(self) -> str:
        """The conclusion about the first arm, at the 5 % level."""
        if self.p > LEVEL:
            return "no significant difference"
        return "higher" if self.first_median > self.second_median else "lower"


@dataclass(frozen=True)
class Ablation:
    """Everything that a page says, as data."""

    arms: Sequence[Arm]
    scores: Sequence[names.Score]
    moments: Sequence[int]  # numbers of images seen, starting at 0
    comparisons: Sequence[Comparison]
    left_out: Sequence[LeftOut]

    def content(self) -> dict[str, Any]:
        """The content of tables and texts, as basic types."""
        last = self.moments[-1]
        runs = [run for arm in self.arms for run in arm.runs]
        sources = " and ".join(dict.fromkeys(run.config["data"]["source"] for run in runs))
        size, count = runs[0].config["data"]["image_size"], len(self.arms)
        return {
            "title": f"{count} arm{'' if count == 1 else 's'} on {sources}, {size}x{size}",
            "images_seen": last,
            "moments": list(self.moments),
            "arms": [self._row(arm) for arm in self.arms],
            "scores": list(self.scores),
            # Shown only if it is the question: the speeds of parallel runs do not compare well.
            "shows_speed": len({repr(run.config["generator"]) for run in runs}) > 1,
            "tests": {
                "number": len(self.comparisons),
                "below_level": sum(c.p <= LEVEL for c in self.comparisons),
                "by_chance": LEVEL * sum(c.least_possible_p <= LEVEL for c in self.comparisons),
                "least_p": min((c.least_possible_p for c in self.comparisons), default=None),
            },
            "single_seeds": [arm.name for arm in self.arms if len(arm.runs) == 1],
            "left_out": list(self.left_out),
            "scored_later": [run.folder.name for run in runs if max(run.scores) > last],
        }

    def evidence(self) -> dict[str, Any]:
        """The evidence for the sentences of templates/conclusions.yaml."""
        judged = self.arms if names.PEAK_OVER_REAL[2] in self.scores else []
        tested, gradient = [c.score for c in self.comparisons], names.GRADIENT_CONTRAST
        # What the answer is about; the gradient is tested only where discriminators differ.
        question = gradient if gradient in tested else next(iter(tested), None)
        end = question, self.moments[-1]
        at_end = [c for c in self.comparisons if (c.score, c.images_seen) == end]
        return {
            "num_arms": len(self.arms),
            "question": question,
            "higher": separated(at_end),
            "unseparated": [(c.first, c.second) for c in at_end if c.p > LEVEL],
            "largest_p": max((c.p for c in at_end if c.p <= LEVEL), default=None),
            "least_p": min((c.least_possible_p for c in at_end), default=None),
            "seeds": sorted({len(arm.runs) for arm in self.arms}),
            "images_seen": self.moments[-1],
            "level": LEVEL,
            "present": names.PRESENT,
            "presences": [presence(arm, self.moments) for arm in judged],
            "pairs_by_score": [
                (score.name, [_stretches(list(tests)) for _, tests in groupby(of_score, _pair)])
                for score, of_score in groupby(self.comparisons, lambda c: c.score)
            ],
        }

    def _row(self, arm: Arm) -> dict[str, Any]:
        """Size, cost per image, coverage, and final scores of an arm."""
        config, last = arm.runs[0].config, self.moments[-1]
        generator = build_generator(config).eval()
        bake(generator)  # the projections' cost does not depend on the number of images
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            generator(torch.zeros(1, generator.latent_size))
        blocks = map(convolution_of, upsampling_blocks(generator).values())
        coverage = [coverage_ratio(block.kernel_size, block.stride) for block in blocks]
        down = config["downsample"]  # a strided convolution's gradient is a transposed convolution
        stride = 2 if down["kind"] == "strided" else 1
        return {
            "name": arm.name,
            "seeds": [run.config["seed"] for run in arm.runs],
            "images_per_second": arm.images_per_second,
            "parameters": sum(weight.numel() for weight in generator.parameters()),
            "flops": counter.get_total_flops(),  # per image
            "predicted": coverage[-1] if coverage else 1.0,  # of the last block
            "predicted_gradient": coverage_ratio([down["kernel_size"]] * 2, [stride] * 2),
            "pooled": {
                f"{when}_{array}": contrast(energy)
                for when, moment in (("start", self.moments[0]), ("end", last))
                for array, energy in arm.pooled(moment).items()
            },
            "scores": {
                score.key: str(summarize(arm.values(score.key, last), score.logarithmic))
                for score in self.scores
            },
        }


def analyze(folder: Path) -> Ablation:
    """Read every run in `folder` and compare the arms.

    Raises:
        UserError: there are no runs to compare.
    """
    runs, left_out = find_runs(folder)
    arms = sort_into_arms(runs)
    moments = common_moments(arms)
    # The scores that all runs have; images that are too small have no checkerboard scores.
    lines = [set(line) for run in runs for line in run.scores.values()]
    scores = names.shown_scores(set.intersection(*lines))
    gradients = len({repr(run.config["downsample"]) for run in runs}) > 1
    tested = [s for s in scores if s.tested or (gradients and s == names.GRADIENT_CONTRAST)]
    return Ablation(arms, scores, moments, compare_arms(arms, tested, moments), left_out)


def verdict_of(ratio: Summary, raw: Summary) -> str | None:
    """The rule's verdict on R₂ ÷ real and R₂; None for a single seed, which has no interval."""
    if ratio.low is None or ratio.high is None:
        return None
    return names.apply_rule(ratio.low, ratio.high, raw.mean)


def presence(arm: Arm, moments: Sequence[int]) -> dict[str, Any]:
    """Whether an arm's images have a checkerboard at the end, and since when they are clean.

    The verdict is None if there is only one seed, and so no interval. From `clean_from` images on,
    the medians of R₂ ÷ real and R₂ show no checkerboard; None if they show one at the end.
    """
    last = moments[-1]
    ratios = {moment: arm.values(names.PEAK_OVER_REAL[2].key, moment) for moment in moments}
    raws = {moment: arm.values(names.PEAK[2].key, moment) for moment in moments}
    ratio, raw = summarize(ratios[last], logarithmic=True), summarize(raws[last], logarithmic=True)
    gridded = [m for m in moments if names.is_grid(median(ratios[m]), median(raws[m]))]
    clean = [m for m in moments if m > max(gridded, default=-1)]
    return {
        "name": arm.name,
        "ratio": ratio,
        "raw": raw,
        "verdict": verdict_of(ratio, raw),
        "clean_from": min(clean, default=None),
        "last_median": median(ratios[last]),
    }


def compare_arms(
    arms: Sequence[Arm], scores: Sequence[names.Score], moments: Sequence[int]
) -> list[Comparison]:
    """Test each score between the pairs of `pairs_to_test`, at each number of images seen."""
    found = []
    for score, (first, second), moment in product(scores, pairs_to_test(arms), moments):
        least = least_p(len(first.runs), len(second.runs))
        if least < 1:  # with one seed each there is nothing to test
            a, b = first.values(score.key, moment), second.values(score.key, moment)
            p = float(stats.mannwhitneyu(a, b, method="exact").pvalue)
            medians = median(a), median(b)
            found.append(Comparison(score, first.name, second.name, moment, *medians, p, least))
    return found


def _pair(comparison: Comparison) -> tuple[str, str]:
    return comparison.first, comparison.second


def _stretches(tests: list[Comparison]) -> dict[str, Any]:
    """A pair's tests, consecutive ones with the same verdict grouped; and whether any shows."""
    stretches = [list(stretch) for _, stretch in groupby(tests, lambda c: c.verdict)]
    return {"shown": any(test.p <= LEVEL for test in tests), "stretches": stretches}


def separated(tests: Sequence[Comparison]) -> list[tuple[list[str], list[str]]]:
    """Arms that are higher, each group with the arms that all of it is higher than."""
    below: dict[str, list[str]] = {}
    for test in tests:
        pair = [test.first, test.second]
        if test.p <= LEVEL:
            high, low = pair if test.verdict == "higher" else reversed(pair)
            below.setdefault(high, []).append(low)
    groups: dict[tuple[str, ...], list[str]] = {}
    for high, lows in below.items():
        groups.setdefault(tuple(lows), []).append(high)
    return [(highs, list(lows)) for lows, highs in groups.items()]


def pairs_to_test(arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """All pairs of up to four arms; of more, related pairs, and every arm with the last one, once.

    The last arm is the baseline, if there is one.
    """
    if len(arms) <= 4:
        return list(combinations(arms, 2))
    last = arms[-1]
    related = [(a, b) for a, b in product(arms, arms) if a.is_compared_with(b)]
    return [*related, *((arm, last) for arm in arms[:-1] if not arm.is_compared_with(last))]


def least_p(first: int, second: int) -> float:
    """The p of complete separation: 2 ÷ the number of ways to split the seeds (Mann & Whitney)."""
    return min(1.0, 2 / math.comb(first + second, first))
