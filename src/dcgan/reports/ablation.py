"""The ablation page: many runs into one HTML page, with Markdown, CSV, JSON and PNG beside it."""

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from dcgan.files import replacing, write_json
from dcgan.reports import figures
from dcgan.reports.conclusions import conclude_pair, conclude_presence, conclude_repair
from dcgan.reports.properties import POOLED, costs, coverages
from dcgan.reports.runs import Arm, LeftOut, common_moments, find_runs, sort_into_arms
from dcgan.reports.statistics import (
    Comparison,
    Score,
    Summary,
    compare_arms,
    rank_correlation,
    scores_of,
    summarise,
)

TESTED = ("r2_over_real", "r4_over_real", "pec2")
EARLY = 6400  # images seen: the early samples are those of the moment nearest to this


@dataclass(frozen=True)
class Ablation:
    """All that the page says, before it is a page."""

    arms: Sequence[Arm]
    scores: Sequence[Score]
    moments: Sequence[int]  # images seen
    summaries: Mapping[str, Mapping[str, Mapping[int, Summary]]]  # arm, score key, moment
    comparisons: Sequence[Comparison]
    left_out: Sequence[LeftOut]

    @property
    def shown_moments(self) -> list[int]:
        """Start, early, end: those that there are."""
        early = min(self.moments[1:-1], key=lambda m: abs(m - EARLY), default=self.moments[-1])
        return sorted({self.moments[0], early, self.moments[-1]})


def analyse(folder: Path) -> Ablation:
    """Read every run below `folder` and compare the arms.

    Raises:
        UserError: there is no run to read.
    """
    runs, left_out = find_runs(folder)
    arms = sort_into_arms(runs)
    moments = common_moments(arms)
    scores = scores_of(arms)
    summaries = {
        arm.name: {
            score.key: {m: summarise(arm.values(score.key, m), score.logarithmic) for m in moments}
            for score in scores
        }
        for arm in arms
    }
    keys = list(TESTED)
    if len({repr(run.config["downsample"]) for run in runs}) > 1:
        keys.append("discriminator_pec2")
    tested = [score for score in scores if score.key in keys]
    return Ablation(arms, scores, moments, summaries, compare_arms(arms, tested, moments), left_out)


def write_report(folder: Path, report_dir: Path, command: str) -> dict[str, Any]:
    """Analyse the runs below `folder` and write the page into `report_dir`.

    Args:
        command: what made the runs or the report; shown on the page.

    Returns:
        What result.json holds, and the files that were written under "files".

    Raises:
        UserError: there is no run to read.
    """
    ablation = analyse(folder)
    last = ablation.moments[-1]
    blocks = sorted(k for k in ablation.arms[0].runs[0].arrays(last) if k.startswith("stamp_"))
    imbalance = next(score for score in ablation.scores if score.key.startswith("rho_"))
    drawn = {
        "gallery": figures.gallery(ablation.arms, ablation.shown_moments),
        "curves": figures.curves(ablation.arms, ablation.scores, ablation.moments),
        "profiles": figures.profiles(ablation.arms, blocks[-1], ablation.shown_moments),
    }
    if "a2_over_std" in ablation.summaries[ablation.arms[0].name]:
        drawn["correlation"] = figures.correlation(ablation.arms, imbalance, ablation.moments)

    report_dir.mkdir(parents=True, exist_ok=True)
    found = _content(ablation, imbalance)
    content = {"title": _title(ablation), "command": command, **found}
    for name, figure in drawn.items():
        figures.save_png(figure, report_dir / f"{name}.png")
    environment = Environment(
        loader=PackageLoader("dcgan.reports"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages: dict[str, dict[str, Any]] = {
        "index.html": {"figures": _inline(drawn), "rows": _picture_rows(ablation)},
        "report.md": {"figures": list(drawn)},
    }
    for name, extra in pages.items():
        text = environment.get_template(f"ablation.{name.partition('.')[2]}").render(
            **content, **extra
        )
        with replacing(report_dir / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    _write_csv(report_dir / "scores.csv", _score_lines(ablation))
    _write_csv(report_dir / "tests.csv", _test_lines(ablation))
    files = ["index.html", "report.md", "result.json", "scores.csv", "tests.csv"]
    result = {**content, "files": files + [f"{name}.png" for name in drawn]}
    write_json(report_dir / "result.json", result)
    return result


def _content(ablation: Ablation, imbalance: Score) -> dict[str, Any]:
    """Tables and sentences, as plain values."""
    last, moments = ablation.moments[-1], ablation.moments
    every = [(arm, m) for arm in ablation.arms for m in moments]
    correlation = None
    if any(score.key == "a2_over_std" for score in ablation.scores):
        rho = [v for arm, m in every for v in arm.values(imbalance.key, m)]
        share = [v for arm, m in every for v in arm.values("a2_over_std", m)]
        if (found := rank_correlation(rho, share)) is not None:
            correlation = {"coefficient": found[0], "p": found[1], "points": len(rho)}
    return {
        "images_seen": last,
        "moments": list(moments),
        "arms": [
            {
                "name": arm.name,
                "seeds": [run.seed for run in arm.runs],
                **costs(arm),
                **coverages(arm, moments[0], last),
                "scores": {
                    score.key: str(ablation.summaries[arm.name][score.key][last])
                    for score in ablation.scores
                },
            }
            for arm in ablation.arms
        ],
        "scores": [
            {"key": score.key, "name": score.name, "meaning": score.meaning}
            for score in ablation.scores
        ],
        "pooled": [POOLED[key] for key in coverages(ablation.arms[0], moments[0], last)["pooled"]],
        "correlation": correlation,
        "conclusions": _conclusions(ablation),
        "tests": {
            "number": len(ablation.comparisons),
            "below_level": sum(c.differs for c in ablation.comparisons),
            "least_p": min((c.least_p for c in ablation.comparisons), default=None),
        },
        "single_seeds": [arm.name for arm in ablation.arms if len(arm.runs) == 1],
        "left_out": [
            {"folder": str(run.folder), "reason": run.reason} for run in ablation.left_out
        ],
    }


def _title(ablation: Ablation) -> str:
    config = ablation.arms[0].runs[0].config
    data = config["data"]
    return (
        f"{len(ablation.arms)} arms on {data['source']}, {data['image_size']}x{data['image_size']}"
    )


def _conclusions(ablation: Ablation) -> dict[str, list[str]]:
    """Sentences by subject."""
    last = ablation.moments[-1]
    sentences: dict[str, list[str]] = {}
    for (score, *_), pair in groupby(ablation.comparisons, lambda c: (c.score, c.first, c.second)):
        subject = f"{score.name}: differences between arms"
        sentences.setdefault(subject, []).append(conclude_pair(list(pair)))
    if any(score.key == "r2_over_real" for score in ablation.scores):
        present = [conclude_presence(arm, last) for arm in ablation.arms]
        repair = [conclude_repair(arm, ablation.moments) for arm in ablation.arms]
        sentences = {
            f"Is there a checkerboard after {last:,} images?": present,
            "When training repairs it": repair,
            **sentences,
        }
    return sentences


def _picture_rows(ablation: Ablation) -> list[dict[str, Any]]:
    """What the page shows of each arm: pictures as data URIs."""
    rows = []
    for arm in ablation.arms:
        moments = []
        for m in ablation.shown_moments:
            moments.append(
                {
                    "images_seen": m,
                    "samples": _uri(figures.crop(arm.runs[0].samples(m), 4, 3, enlarge=2)),
                    "crop": _uri(figures.crop(arm.runs[0].samples(m), 2, 1, enlarge=4)),
                    "spectrum": _uri(figures.spectrum_image(arm, m)),
                    "tile": _uri(figures.tile_image(arm, m))
                    if "phase_energy2" in arm.runs[0].arrays(m)
                    else None,
                    "discriminator_tile": _uri(
                        figures.tile_image(arm, m, "discriminator_phase_energy2")
                    )
                    if "discriminator_phase_energy2" in arm.runs[0].arrays(m)
                    else None,
                }
            )
        rows.append({"name": arm.name, "moments": moments})
    return rows


def _uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _inline(drawn: Mapping[str, Figure]) -> dict[str, Markup]:
    # matplotlib escapes the text that it draws.
    return {name: Markup(figures.svg(figure)) for name, figure in drawn.items()}


def _score_lines(ablation: Ablation) -> list[dict[str, Any]]:
    """A line for every run and moment, with every number that was measured."""
    return [
        {"arm": arm.name, "seed": run.seed, **run.scores[moment]}
        for arm in ablation.arms
        for run in arm.runs
        for moment in ablation.moments
    ]


def _test_lines(ablation: Ablation) -> list[dict[str, Any]]:
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
        for c in ablation.comparisons
    ]


def _write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for line in lines for name in line))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(lines)
