"""The mathematics as a page: every claim with its formula, figure and number."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch
from markupsafe import Markup
from tqdm import tqdm

from dcgan.files import make_folder, write_json, write_text
from dcgan.pictures import grid
from dcgan.reports.claims import CHECKS, state
from dcgan.reports.deconvnet import Unit, strongest_units
from dcgan.reports.figures import STYLE, svg
from dcgan.reports.page import data_uri, render

NUMBERS = ("id", "title", "sentence", "number", "measured", "tolerance", "holds")  # claims.json's


def write_explanation(run_dir: Path, checkpoint: str | None = None) -> list[dict[str, Any]]:
    """Check every claim; write index.html, claims.json and result.json into `run_dir`.

    Args:
        checkpoint: a run; the strongest units of its discriminator are shown too.

    Returns:
        The content of claims.json: the NUMBERS of each claim.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    units = [] if checkpoint is None else [_shown_unit(u) for u in strongest_units(checkpoint)]
    progress = tqdm(CHECKS.items(), desc="checking", unit="claim", disable=None)
    with mpl.rc_context(STYLE):
        claims = [state(name, check()) for name, check in progress]
    failed = [claim["title"] for claim in claims if not claim["holds"]]
    page = render(
        "explanation.html",
        claims=claims,
        failed=failed,
        # matplotlib has escaped the text.
        figures=[claim["figure"] and Markup(svg(claim["figure"])) for claim in claims],
        units=units,
        checkpoint=checkpoint,
    )
    records = [{name: claim[name] for name in NUMBERS} for claim in claims]
    make_folder(run_dir)
    write_text(run_dir / "index.html", page)
    write_json(run_dir / "claims.json", records)
    write_json(
        run_dir / "result.json",
        {"claims": len(claims), "failed": failed, "page": "index.html", "numbers": "claims.json"},
    )
    return records


def _shown_unit(unit: Unit) -> dict[str, Any]:
    """A unit's name and picture; projections are scaled around mid-gray, just short of clipping."""
    strength = unit.projections.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    pairs = torch.cat([unit.images, unit.projections / strength])
    picture = grid(pairs, num_columns=len(unit.images))
    return {"name": f"{unit.layer}, channel {unit.channel}", "picture": data_uri(picture)}
