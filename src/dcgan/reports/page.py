"""One self-contained HTML page, with Markdown, CSV, JSON and PNG beside it."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image
from tqdm import tqdm

from dcgan.errors import UserError
from dcgan.files import make_folder, replacing, write_json, write_text
from dcgan.reports import figures
from dcgan.reports.ablation import Ablation, analyse
from dcgan.reports.fid import FidReport, fid_report
from dcgan.reports.rendering import data_uri, render
from dcgan.reports.runs import Arm

PICTURES = ("gallery", "curves", "profiles", "correlation")


def write_report(folder: Path, report_dir: Path, command: str) -> dict[str, Any]:
    """Analyse the runs below `folder` and write what they allow into `report_dir`.

    Runs with checkerboard scores make the page of an ablation; runs with FIDs make fid.md.

    Args:
        command: what made the runs or the report; shown on the page.

    Returns:
        What result.json holds, and the files that were written under "files".

    Raises:
        UserError: there are no runs that can be compared.
    """
    try:
        fids = fid_report(folder)
    except UserError:
        fids = None
    result: dict[str, Any] = {"command": command, "runs": str(folder.absolute())}
    files = []
    try:
        ablation = analyse(folder)
    except UserError:
        if fids is None:
            raise
        result["left_out"] = [vars(run) | {"folder": str(run.folder)} for run in fids.left_out]
        make_folder(report_dir)
    else:
        result |= ablation.content()
        files += _write_ablation(ablation, report_dir, result)
    if fids is not None:
        result["fid"] = fids.plain()
        files += _write_fids(fids, report_dir, command)
    result["files"] = [*files, "result.json"]
    write_json(report_dir / "result.json", result)
    return result


def _write_ablation(ablation: Ablation, report_dir: Path, content: dict[str, Any]) -> list[str]:
    drawn = _figures(ablation)
    rows = [_pictures(ablation, arm) for arm in tqdm(ablation.arms, desc="report", disable=None)]
    make_folder(report_dir)
    for name in PICTURES:
        (report_dir / f"{name}.png").unlink(missing_ok=True)  # of an earlier report
    for name, figure in drawn.items():
        figures.save_png(figure, report_dir / f"{name}.png")
    # matplotlib escapes the text that it draws.
    inline = {name: Markup(figures.svg(figure)) for name, figure in drawn.items()}
    page = render("ablation.html", **content, figures=inline, rows=rows)
    write_text(report_dir / "index.html", page)
    write_text(report_dir / "report.md", render("ablation.md", **content))
    _write_csv(report_dir / "scores.csv", ablation.score_lines())
    _write_csv(report_dir / "tests.csv", ablation.test_lines())
    names = ["index.html", "report.md", "scores.csv", "tests.csv"]
    return names + [f"{name}.png" for name in drawn]


def _write_fids(report: FidReport, report_dir: Path, command: str) -> list[str]:
    text = render(
        "fid.md",
        command=command,
        rows=report.rows,
        keys=list(report.rows[0].settings),
        curves=report.figure is not None,
        left_out=report.left_out,
    )
    write_text(report_dir / "fid.md", text)
    if report.figure is None:
        return ["fid.md"]
    figures.save_png(report.figure, report_dir / "fid.png")
    return ["fid.md", "fid.png"]


def _figures(ablation: Ablation) -> dict[str, Figure]:
    arms, shown = ablation.arms, ablation.shown_moments
    drawn = {
        "gallery": figures.gallery(arms, shown, ablation.compares_gradients),
        "curves": figures.curves(arms, ablation.scores, ablation.moments),
    }
    imbalance = ablation.imbalance
    if imbalance is not None:
        drawn["profiles"] = figures.profiles(arms, imbalance.key.replace("rho", "stamp"), shown)
        if ablation.has("a2_over_std"):
            drawn["correlation"] = figures.correlation(arms, imbalance, ablation.moments)
    return drawn


def _pictures(ablation: Ablation, arm: Arm) -> dict[str, Any]:
    """What the page shows of one arm: pictures as data URIs."""
    moments = [
        {
            "images_seen": moment,
            "samples": _uri(figures.crop(arm, moment, 4, 3, enlarge=2)),
            "crop": _uri(figures.crop(arm, moment, 2, 1, enlarge=4)),
            "spectrum": _uri(figures.spectrum_image(arm, moment)),
            "tile": _uri(figures.tile_image(arm, moment)),
            "discriminator_tile": _uri(figures.tile_image(arm, moment, figures.GRADIENT)),
        }
        for moment in ablation.shown_moments
    ]
    return {"name": arm.name, "moments": moments}


def _uri(picture: Image.Image | None) -> str | None:
    return None if picture is None else data_uri(picture)


def _write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for line in lines for name in line))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(lines)
