"""One self-contained HTML page, with Markdown, CSV, JSON and PNG beside it."""

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image
from tqdm import tqdm

from dcgan.checkerboard.scores import AMPLITUDE_OVER_STD, GRADIENT_PHASE_ENERGY
from dcgan.errors import UserError
from dcgan.files import make_folder, replacing, write_json, write_text
from dcgan.reports import figures
from dcgan.reports.ablation import Ablation, analyze
from dcgan.reports.fid import FidReport, fid_report
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
        ablation = analyze(folder)
    except UserError:
        if fids is None:
            raise
        result["left_out"] = list(fids.left_out)
        make_folder(report_dir)
    else:
        result |= ablation.content()
        files += _write_ablation(ablation, report_dir, result)
    if fids is not None:
        result["fid"] = [asdict(row) for row in fids.rows]
        files += _write_fids(fids, report_dir, command)
    result["files"] = [*files, "result.json"]
    write_json(report_dir / "result.json", result)
    return result


def render(template: str, **content: Any) -> str:
    """Fill reports/templates/TEMPLATE; a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("dcgan.reports"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**content)


def data_uri(picture: Image.Image) -> str:
    """A picture as an address that needs no file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _write_ablation(ablation: Ablation, report_dir: Path, content: dict[str, Any]) -> list[str]:
    drawn = _figures(ablation)
    rows = [
        {"name": arm.name, "moments": [_pictures(arm, m) for m in ablation.shown_moments]}
        for arm in tqdm(ablation.arms, desc="report", disable=None)
    ]
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
    text = render("fid.md", command=command, report=report)
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
    if (imbalance := ablation.imbalance) is not None:
        drawn["profiles"] = figures.profiles(arms, imbalance, shown)
        if AMPLITUDE_OVER_STD[2] in ablation.scores:
            drawn["correlation"] = figures.correlation(arms, imbalance, ablation.moments)
    return drawn


def _pictures(arm: Arm, moment: int) -> dict[str, Any]:
    """What the page shows of one arm at one moment: pictures as data URIs."""
    pictures = {
        "samples": figures.crop(arm, moment, 4, 3, enlarge=2),
        "crop": figures.crop(arm, moment, 2, 1, enlarge=4),
        "spectrum": figures.spectrum_image(arm, moment),
        "tile": figures.tile_image(arm, moment),
        "discriminator_tile": figures.tile_image(arm, moment, GRADIENT_PHASE_ENERGY),
    }
    uris = {name: picture and data_uri(picture) for name, picture in pictures.items()}
    return {"images_seen": moment, **uris}


def _write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for line in lines for name in line))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(lines)
