"""FID over training: a table of arms with intervals over seeds, and curves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from dcgan.intervals import Summary, summarize
from dcgan.reports.figures import STYLE, add_legend, colored, panels, use_log_scale, wrapped
from dcgan.reports.runs import Arm, LeftOut, differing_settings, find_runs, sort_into_arms

ROUNDING = 1 + 1e-9  # the geometric mean of one number may come out slightly below it


def fid_report(folder: Path) -> tuple[list[dict[str, Any]], list[LeftOut], Figure]:
    """Read the runs in `folder` that have FIDs (trainer.fid_every).

    Returns:
        A row for each arm, sorted by last FID; the runs without FIDs; and curves.

    Raises:
        UserError: there are none.
    """
    runs, left_out = find_runs(folder, "fids")
    keys = differing_settings(runs)
    arms = sorted(sort_into_arms(runs), key=lambda arm: _last(arm).mean)
    rows = [_row(arm, keys, worst=_last(arms[-1]).mean) for arm in arms]
    return rows, left_out, _curves(arms)


def _fids(arm: Arm) -> list[dict[int, float]]:
    """Each seed's FIDs by images seen, up to the last that the shortest run has."""
    every = [run.fids for run in arm.runs]
    end = max(min(map(max, every)), max(map(min, every)))  # if FIDs are far apart: one of each
    return [{n: fid for n, fid in fids.items() if n <= end} for fids in every]


def _last(arm: Arm) -> Summary:
    return summarize([fids[max(fids)] for fids in _fids(arm)], logarithmic=True)


def _row(arm: Arm, keys: Sequence[str], worst: float) -> dict[str, Any]:
    """An arm's row. The arms differ in the settings `keys`; `worst` is the worst arm's last FID."""
    fids = _fids(arm)
    reached = [[images for images in each if each[images] <= worst * ROUNDING] for each in fids]
    return {
        "settings": {key: arm.runs[0].settings.get(key) for key in keys},
        "seeds": [run.config["seed"] for run in arm.runs],
        "images_seen": min(map(max, fids)),
        "last_fid": _last(arm),
        "best_fid": summarize([min(each.values()) for each in fids], logarithmic=True),
        # Of the worst seed; 1 if the last FID is the best.
        "last_over_best": max(each[max(each)] / min(each.values()) for each in fids),
        # Until every seed is as good as the worst arm at its end.
        "images_to_worst": max(map(min, reached)) if all(reached) else None,
        "images_per_second": arm.images_per_second,
    }


@mpl.rc_context(STYLE)
def _curves(arms: Sequence[Arm]) -> Figure:
    """FID over images seen, one line per seed."""
    figure, (axis,) = panels(1, 1, 7.5, 3.6)
    for arm, color in colored(arms):
        for run in arm.runs:
            images, fids = zip(*sorted(run.fids.items()), strict=True)
            (line,) = axis.plot(images, fids, ".-", color=color, linewidth=1)
        line.set_label(wrapped(arm.name, 110))
    use_log_scale(axis)
    axis.set(xlabel="images seen", ylabel="FID (lower is better)")
    add_legend(figure)
    return figure
