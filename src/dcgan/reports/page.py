"""One self-contained HTML page, with Markdown, CSV, JSON and PNG beside it."""

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from PIL import Image
from tqdm import tqdm

from dcgan.errors import UserError
from dcgan.files import make_folder, replacing, write_json, write_text
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
    fids = ablation = None
    with suppress(UserError):
        fids = fid_report(folder)
    try:
        ablation = analyze(folder)
    except UserError:
        if fids is None:
            raise
    make_folder(report_dir)
    result: dict[str, Any] = {"command": command, "runs": str(folder.absolute())}
    files = []
    if fids is not None:
        rows, curves, result["left_out"] = fids
        result["fid"] = [asdict(row) for row in rows]
        text = render("fid.md", rows=rows, has_curves=curves is not None, **result)
        write_text(report_dir / "fid.md", text)
        files.append("fid.md")
        if curves is not None:
            files.append(figures.save_png(curves, report_dir / "fid.png"))
    if ablation is not None:
        result |= ablation.content()  # its own left_out: what the page is about
        sentences = yaml.safe_load(render("conclusions.yaml", **ablation.evidence()))
        result["conclusions"] = sentences or {}
        files += _write_ablation(ablation, report_dir, result)
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
    environment.filters["data_uri"] = data_uri
    return environment.get_template(template).render(**content)


def data_uri(picture: Image.Image) -> str:
    """A picture as an address that needs no file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _write_ablation(ablation: Ablation, report_dir: Path, content: dict[str, Any]) -> list[str]:
    for name in ("profiles", "correlation"):
        (report_dir / f"{name}.png").unlink(missing_ok=True)  # of an earlier report
    drawn = figures.draw(ablation)
    pictures = [figures.save_png(drawn[name], report_dir / f"{name}.png") for name in drawn]
    # matplotlib escapes the text that it draws.
    inline = {name: Markup(figures.svg(figure)) for name, figure in drawn.items()}
    page = render(
        "ablation.html",
        **content,
        figures=inline,
        shown_arms=tqdm(ablation.arms, desc="report", disable=None),
        shown_moments=ablation.shown_moments,
        pictures_of=figures.arm_pictures,
    )
    write_text(report_dir / "index.html", page)
    write_text(report_dir / "report.md", render("ablation.md", **content))
    scores = [
        {"arm": arm.name, "seed": run.seed, **run.scores[moment]}
        for arm in ablation.arms
        for run in arm.runs
        for moment in ablation.moments
    ]
    _write_csv(report_dir / "scores.csv", scores)
    tests = [asdict(test) | {"score": test.score.key} for test in ablation.comparisons]
    _write_csv(report_dir / "tests.csv", tests)
    return ["index.html", "report.md", "scores.csv", "tests.csv", *pictures]


def _write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for line in lines for name in line))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(lines)
