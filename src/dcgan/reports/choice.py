"""Which arm? Checkerboard, quality and cost of each, in a table and a figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from dcgan.checkerboard.scores import PEAK, PEAK_OVER_REAL
from dcgan.intervals import Summary, summarize
from dcgan.reports.ablation import Ablation, verdict_of
from dcgan.reports.figures import STYLE, add_legend, colored, panels, use_log_scale, wrapped
from dcgan.reports.runs import Arm

VERDICTS = {"grid": "present", "clean": "none", "undecided": "undecided", None: "one seed"}
MARKERS = {"present": "X", "none": "o", "undecided": "s", "one seed": "D"}


def choose(
    ablation: Ablation, costs: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], Figure] | None:
    """Compare arms whose runs have FIDs (trainer.fid_every) by checkerboard, FID and cost.

    At equal images: the last number of them after which every run has both scores. At equal time:
    when the fastest arm has seen as many. An arm's speed is that of the fastest log interval of its
    runs, as other load can only slow them down.

    Args:
        costs: parameters and flops of every arm, as in `Ablation.content`.

    Returns:
        The content of choice.md, with a row for each arm, the lowest FID first, and the figure;
        None with a single arm, or if a run has no FID or no recorded speed.
    """
    arms = ablation.arms
    speeds = [[run.fastest for run in arm.runs] for arm in arms]
    with_fid = set.intersection(*(set(run.fids) for arm in arms for run in arm.runs))
    moments = with_fid & set(ablation.moments)
    if (
        len(arms) < 2
        or not moments
        or not all(map(all, speeds))
        or PEAK_OVER_REAL[2] not in ablation.scores
    ):
        return None
    last, fastest = max(moments), max(map(max, speeds))
    rows = [
        {
            "name": arm.name,
            "seeds": len(arm.runs),
            "images_per_second": max(known),
            "slowest_seed": min(known),
            **{key: cost[key] for key in ("parameters", "flops")},
            "equal_images": _scores(arm, last),
            "equal_time": _scores(arm, last * max(known) / fastest),
        }
        for arm, known, cost in zip(arms, speeds, costs, strict=True)
    ]
    figure = _draw(arms, rows, f"after {last:,} images", f"after {last / fastest:,.0f} s")
    rows.sort(key=lambda row: row["equal_images"]["fid"].mean)
    return {"images_seen": last, "seconds": last / fastest, "rows": rows}, figure


def _scores(arm: Arm, images: float) -> dict[str, Any]:
    """An arm's scores after so many images, as means over seeds; none before its first FID."""
    found: dict[str, Any] = {"images_seen": images}
    if images < max(min(run.fids) for run in arm.runs):
        return found
    keys = (PEAK_OVER_REAL[2].key, PEAK[2].key)
    ratio, raw = (
        _mean([{m: scores[key] for m, scores in run.scores.items()} for run in arm.runs], images)
        for key in keys
    )
    verdict = VERDICTS[verdict_of(ratio, raw)]
    fid = _mean([run.fids for run in arm.runs], images)
    return found | {"ratio": ratio, "fid": fid, "verdict": verdict}


def _mean(runs: Sequence[Mapping[int, float]], images: float) -> Summary:
    return summarize([interpolate(values, images) for values in runs], logarithmic=True)


def interpolate(values: Mapping[int, float], images: float) -> float:
    """A score after `images`, from its values by images seen; between two, its log is linear."""
    moments = sorted(values)
    logs = np.log(np.maximum([values[moment] for moment in moments], 1e-12))
    return float(np.exp(np.interp(images, moments, logs)))


@mpl.rc_context(STYLE)
def _draw(
    arms: Sequence[Arm], rows: Sequence[Mapping[str, Any]], filled: str, hollow: str
) -> Figure:
    """FID over training speed, at two moments."""
    figure, (axis,) = panels(1, 1, 7.5, 3.6)
    for (arm, color), row in zip(colored(arms), rows, strict=True):
        speed, end, sooner = row["images_per_second"], row["equal_images"], row["equal_time"]
        fid = end["fid"]
        words = f"{arm.name}: R₂ ÷ real {end['ratio']}; checkerboard: {end['verdict']}"
        marker = {"marker": MARKERS[end["verdict"]], "color": color, "markersize": 8}
        axis.plot(speed, fid.mean, linestyle="none", label=wrapped(words, 110), **marker)
        axis.hlines(fid.mean, row["slowest_seed"], speed, color=color, linewidth=1)
        if fid.low is not None and fid.high is not None:
            axis.vlines(speed, fid.low, fid.high, color=color, linewidth=1)
        if "fid" in sooner:
            fids = [fid.mean, sooner["fid"].mean]
            axis.plot([speed] * 2, fids, ":", fillstyle="none", markevery=[1], **marker)
    use_log_scale(axis)
    axis.set_title(f"filled: {filled}; hollow: {hollow} of training", loc="left")
    axis.set(xlabel="training speed, images/s", ylabel="FID (lower is better)")
    add_legend(figure)
    return figure
