"""One self-contained HTML page, plus Markdown, CSV, JSON and PNG files."""

import base64
import csv
import io
import re
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

from dcgan.checkerboard.scores import PRESENT
from dcgan.errors import UserError
from dcgan.files import make_folder, replacing, write_json, write_text
from dcgan.pictures import save_image
from dcgan.reports.ablation import Ablation, analyze
from dcgan.reports.choice import choose
from dcgan.reports.closeup import draw_closeup, to_gif
from dcgan.reports.fid import fid_report
from dcgan.reports.figures import draw_curves, draw_gallery, save_png, svg
from dcgan.reports.viewer import viewer

Files = dict[str, str | bytes | Image.Image | Figure]  # content by name


def write_report(folder: Path, report_dir: Path, command: str) -> dict[str, Any]:
    """Analyze the runs in `folder` and write a report into `report_dir`.

    Runs with checkerboard scores give the page of an ablation; runs with FIDs give fid.md.

    Args:
        command: the command that made the runs or the report; shown on the page.

    Returns:
        The content of result.json; "files" lists the written files, and "no_page" says why there
        are only FIDs.

    Raises:
        UserError: there are no runs to compare.
    """
    result: dict[str, Any] = {"command": command, "runs": str(folder.absolute())}
    files: Files = {}
    with suppress(UserError):
        result["fid"], result["left_out"], curves = fid_report(folder)
        files |= {"fid.md": render("fid.md", **result), "fid.png": curves}
    try:
        _add_ablation(analyze(folder), result, files)
    except UserError as error:
        if not files:
            raise
        result["no_page"] = str(error)
    make_folder(report_dir)
    for name, content in files.items():
        _write(content, report_dir / name)
    result["files"] = [*files, "result.json"]
    write_json(report_dir / "result.json", result)
    return result


def _write(content: str | bytes | Image.Image | Figure, path: Path) -> None:
    if isinstance(content, str):
        write_text(path, content)
    elif isinstance(content, bytes):
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    elif isinstance(content, Image.Image):
        save_image(content, path)
    else:
        save_png(content, path)


def _add_ablation(ablation: Ablation, result: dict[str, Any], files: Files) -> None:
    """Add an ablation to the content of result.json, and its page to the files."""
    result |= ablation.content()  # replaces left_out by that of the page
    result["conclusions"] = yaml.safe_load(render("conclusions.yaml", **ablation.evidence())) or {}
    frames = [draw_closeup(ablation, moment) for moment in ablation.moments]
    shown = viewer(ablation)
    files["index.html"] = render("ablation.html", **result, viewer=shown, present=PRESENT)
    files["report.md"] = render("ablation.md", **result, same_latents=shown["same_latents"])
    files["scores.csv"] = _csv(
        {"arm": arm.name, "seed": run.config["seed"], **run.scores[moment]}
        for arm in ablation.arms
        for run in arm.runs
        for moment in ablation.moments
    )
    files["tests.csv"] = _csv(asdict(c) | {"score": c.score.key} for c in ablation.comparisons)
    files["training.gif"], files["closeup.png"] = to_gif(frames), frames[-1]
    files |= {"gallery.png": draw_gallery(ablation), "curves.png": draw_curves(ablation)}
    if choice := choose(ablation, result["arms"]):
        result["choice"], figure = choice
        files |= {"choice.md": render("choice.md", **result), "choice.png": figure}


def render(template: str, **content: Any) -> str:
    """Render reports/templates/TEMPLATE; a missing variable is an error."""
    environment = Environment(
        loader=PackageLoader("dcgan.reports"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # matplotlib has escaped the text.
    environment.filters["svg"] = lambda figure: Markup(svg(figure))
    environment.filters["webp"] = lambda picture: data_uri(picture, "WEBP", lossless=True, method=6)
    environment.filters["quoted"] = lambda text: yaml.safe_dump(
        text, default_style='"', width=10**9
    )
    environment.filters["markdown"] = markdown
    environment.filters["whole"] = lambda n: "–" if n is None else f"{n:.0f}"
    return environment.get_template(template).render(**content)


def markdown(text: object) -> str:
    """Text for Markdown: on one line, with all special characters escaped."""
    special = r"[\\`*<>|$~&]|\](?=[(\[])|(?<!\w)_|_(?!\w)"  # inside a word, _ is not special
    return re.sub(special, r"\\\g<0>", " ".join(str(text).split()))


def data_uri(picture: Image.Image, format_: str = "PNG", **options: Any) -> str:
    """A picture as a data: URI; `options` are those of Pillow's writer."""
    buffer = io.BytesIO()
    picture.save(buffer, format_, **(options or {"optimize": True}))
    return f"data:image/{format_.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _csv(lines: Iterable[dict[str, Any]]) -> str:
    """A CSV table with a column for every key in the lines."""
    lines = list(lines)
    buffer = io.StringIO()
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()
