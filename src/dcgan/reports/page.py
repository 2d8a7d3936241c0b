"""One self-contained HTML page, with Markdown, CSV, JSON and PNG beside it."""

import base64
import csv
import io
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image
from tqdm import tqdm

from dcgan.errors import UserError
from dcgan.files import make_folder, write_json, write_text
from dcgan.reports import figures
from dcgan.reports.ablation import Ablation, analyze
from dcgan.reports.fid import fid_report


def write_report(folder: Path, report_dir: Path, command: str) -> dict[str, Any]:
    """Analyze the runs below `folder` and write what they allow into `report_dir`.

    Runs with checkerboard scores make the page of an ablation; runs with FIDs make fid.md.

    Args:
        command: what made the runs or the report; shown on the page.

    Returns:
        What result.json holds, and the files that were written under "files".

    Raises:
        UserError: there are no runs that can be compared.
    """
    result: dict[str, Any] = {"command": command, "runs": str(folder.absolute())}
    texts: dict[str, str] = {}  # by the file's name
    drawn: dict[str, Figure] = {}
    with suppress(UserError):
        rows, curves, result["left_out"] = fid_report(folder)
        result["fid"] = [asdict(row) for row in rows]
        texts["fid.md"] = render("fid.md", rows=rows, has_curves=curves is not None, **result)
        if curves is not None:
            drawn["fid.png"] = curves
    try:
        _add_ablation(analyze(folder), result, texts, drawn)
    except UserError:
        if not texts:
            raise
    make_folder(report_dir)
    for name, text in texts.items():
        write_text(report_dir / name, text)
    for name, figure in drawn.items():
        figures.save_png(figure, report_dir / name)
    result["files"] = [*texts, *drawn, "result.json"]
    write_json(report_dir / "result.json", result)
    return result


def _add_ablation(
    ablation: Ablation, result: dict[str, Any], texts: dict[str, str], drawn: dict[str, Figure]
) -> None:
    """Add what an ablation says to result.json, to the texts and to the figures."""
    result |= ablation.content()  # its own left_out: what the page is about
    sentences = yaml.safe_load(render("conclusions.yaml", **ablation.evidence()))
    result["conclusions"] = sentences or {}
    pictures = {
        arm.name: {moment: figures.arm_pictures(arm, moment) for moment in ablation.shown_moments}
        for arm in tqdm(ablation.arms, desc="report", disable=None)
    }
    drawn["gallery.png"] = figures.draw_gallery(pictures, ablation.compares_discriminators)
    drawn["curves.png"] = figures.draw_curves(ablation)
    # matplotlib escapes the text that it draws.
    curves = Markup(figures.svg(drawn["curves.png"]))
    texts["index.html"] = render("ablation.html", **result, pictures=pictures, curves=curves)
    texts["report.md"] = render("ablation.md", **result)
    texts["scores.csv"] = _csv(
        {"arm": arm.name, "seed": run.seed, **run.scores[moment]}
        for arm in ablation.arms
        for run in arm.runs
        for moment in ablation.moments
    )
    texts["tests.csv"] = _csv(asdict(c) | {"score": c.score.key} for c in ablation.comparisons)


def render(template: str, **content: Any) -> str:
    """Fill reports/templates/TEMPLATE; a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("dcgan.reports"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = data_uri
    return environment.get_template(template).render(**content)


def data_uri(picture: Image.Image) -> str:
    """A picture as an address that needs no file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _csv(lines: Iterable[dict[str, Any]]) -> str:
    """A table with a column for every name in the lines."""
    lines = list(lines)
    buffer = io.StringIO()
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()
