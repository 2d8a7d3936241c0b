"""An ablation: many runs, sorted into arms, compared, and put into sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from dcgan.intervals import LEVEL, summarise
from dcgan.reports.conclusions import conclude_pair, conclude_presence, conclude_repair
from dcgan.reports.properties import POOLED, properties
from dcgan.reports.runs import Arm, LeftOut, common_moments, find_runs, sort_into_arms
from dcgan.reports.statistics import (
    Comparison,
    Score,
    compare_arms,
    rank_correlation,
    scores_of,
)

TESTED = ("r2_over_real", "r4_over_real", "pec2")
EARLY = 6400  # images seen: the early samples are those of the moment nearest to this


@dataclass(frozen=True)
class Ablation:
    """All that a page says, before it is a page."""

    arms: Sequence[Arm]
    scores: Sequence[Score]
    moments: Sequence[int]  # images seen, from 0 on
    comparisons: Sequence[Comparison]
    left_out: Sequence[LeftOut]

    @property
    def shown_moments(self) -> list[int]:
        """Start, early, end: those that there are."""
        early = min(self.moments[1:-1], key=lambda m: abs(m - EARLY), default=self.moments[-1])
        return sorted({self.moments[0], early, self.moments[-1]})

    @property
    def imbalance(self) -> Score | None:
        """ρ of the last block, if every arm has one."""
        return next((score for score in self.scores if score.key.startswith("rho_")), None)

    @property
    def compares_gradients(self) -> bool:
        """Whether the discriminator's gradients are among what was tested."""
        return any(c.score.key == "discriminator_pec2" for c in self.comparisons)

    def has(self, key: str) -> bool:
        """Whether every run has this score; images that are too small have none of a grid."""
        return any(score.key == key for score in self.scores)

    def content(self) -> dict[str, Any]:
        """Tables and sentences, as plain values."""
        start, last = self.moments[0], self.moments[-1]
        arms = [
            {
                "name": arm.name,
                "seeds": [run.seed for run in arm.runs],
                **properties(arm, start, last),
                "scores": {
                    score.key: str(summarise(arm.values(score.key, last), score.logarithmic))
                    for score in self.scores
                },
            }
            for arm in self.arms
        ]
        data = [run.config["data"] for arm in self.arms for run in arm.runs]
        sources = dict.fromkeys(settings["source"] for settings in data)
        size = data[0]["image_size"]
        return {
            "title": f"{_count(len(arms), 'arm')} on {' and '.join(sources)}, {size}x{size}",
            "images_seen": last,
            "moments": list(self.moments),
            "arms": arms,
            "scores": [
                {"key": score.key, "name": score.name, "meaning": score.meaning}
                for score in self.scores
            ],
            "pooled": [POOLED[key] for key in arms[0]["pooled"]],
            # Told only where it is the question; runs beside one another do not compare well.
            "shows_speed": len({repr(r.config["generator"]) for a in self.arms for r in a.runs})
            > 1,
            "imbalance": self.imbalance and self.imbalance.name,
            "correlation": self._correlation(),
            "conclusions": self._conclusions(),
            "tests": {
                "number": len(self.comparisons),
                "below_level": sum(c.differs for c in self.comparisons),
                "by_chance": LEVEL * sum(c.least_p <= LEVEL for c in self.comparisons),
                "least_p": min((c.least_p for c in self.comparisons), default=None),
            },
            "single_seeds": [arm.name for arm in self.arms if len(arm.runs) == 1],
            "left_out": [
                {"folder": str(run.folder), "reason": run.reason} for run in self.left_out
            ],
            "cut_short": [
                str(run.folder.name)
                for arm in self.arms
                for run in arm.runs
                if max(run.scores) > last
            ],
        }

    def score_lines(self) -> list[Mapping[str, Any]]:
        """A line for every run and moment, with every number that was measured."""
        return [
            {"arm": arm.name, "seed": run.seed, **run.scores[moment]}
            for arm in self.arms
            for run in arm.runs
            for moment in self.moments
        ]

    def test_lines(self) -> list[Mapping[str, Any]]:
        """A line for every test that was made."""
        return [
            {
                "score": c.score.key,
                "first": c.first,
                "second": c.second,
                "images_seen": c.images_seen,
                "first_median": c.first_median,
                "second_median": c.second_median,
                "p": c.p,
                "least_possible_p": c.least_p,
            }
            for c in self.comparisons
        ]

    def _correlation(self) -> dict[str, float] | None:
        if self.imbalance is None or not self.has("a2_over_std"):
            return None
        every = [(arm, moment) for arm in self.arms for moment in self.moments]
        # Rounding must not be ranked where ρ is 0.
        rho = [round(v, 12) for a, moment in every for v in a.values(self.imbalance.key, moment)]
        share = [v for arm, moment in every for v in arm.values("a2_over_std", moment)]
        found = rank_correlation(rho, share)
        return found and {"coefficient": found[0], "p": found[1], "points": len(rho)}

    def _conclusions(self) -> dict[str, list[str]]:
        """Sentences by subject."""
        last = self.moments[-1]
        sentences: dict[str, list[str]] = {}
        if self.has("r2_over_real"):
            present = f"Is there a checkerboard after {last:,} images?"
            sentences[present] = [conclude_presence(arm, last) for arm in self.arms]
            sentences["When training repairs it"] = [
                conclude_repair(arm, self.moments) for arm in self.arms
            ]
        groups = groupby(self.comparisons, lambda c: (c.score, c.first, c.second))
        for (score, *_), pair in groups:
            subject = f"{score.name}: differences between arms"
            sentences.setdefault(subject, []).append(conclude_pair(list(pair)))
        return sentences


def analyse(folder: Path) -> Ablation:
    """Read every run below `folder` and compare the arms.

    Raises:
        UserError: there are no runs that can be compared.
    """
    runs, left_out = find_runs(folder)
    arms = sort_into_arms(runs)
    moments = common_moments(arms)
    scores = scores_of(arms)
    keys = list(TESTED)
    if len({repr(run.config["downsample"]) for run in runs}) > 1:
        keys.append("discriminator_pec2")
    tested = [score for score in scores if score.key in keys]
    return Ablation(arms, scores, moments, compare_arms(arms, tested, moments), left_out)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
