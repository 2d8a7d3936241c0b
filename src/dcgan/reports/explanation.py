"""The mathematics as a page: every claim with its formula, its picture and its number."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from markupsafe import Markup
from tqdm import tqdm

from dcgan.files import make_folder, write_json, write_text
from dcgan.pictures import grid
from dcgan.reports.claims import CHECKS, Claim
from dcgan.reports.deconvnet import Unit, strongest_units
from dcgan.reports.figures import svg
from dcgan.reports.page import data_uri, render

NUMBERS = (
    "id",
    "title",
    "sentence",
    "number",
    "measured",
    "tolerance",
    "holds",
)  # in claims.json too
WORDS = ("formula", "remarks", "question")  # on the page only


def write_explanation(run_dir: Path, checkpoint: str | None = None) -> list[dict[str, Any]]:
    """Check every claim and write index.html, claims.json and result.json into `run_dir`.

    Args:
        checkpoint: a run whose discriminator's strongest units are shown too.

    Returns:
        What claims.json holds: id, title, sentence, number, measured, tolerance and holds of each.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    units = [] if checkpoint is None else [_shown_unit(u) for u in strongest_units(checkpoint)]
    claims = [check() for check in tqdm(CHECKS, desc="checking", unit="claim", disable=None)]
    plain = [_values(claim, NUMBERS) for claim in claims]
    shown = [
        # matplotlib escapes the text that it draws.
        {**entry, **_values(claim, WORDS), "figure": claim.figure and Markup(svg(claim.figure))}
        for claim, entry in zip(claims, plain, strict=True)
    ]
    failed = [claim.title for claim in claims if not claim.holds]
    page = render(
        "explanation.html", claims=shown, failed=failed, units=units, checkpoint=checkpoint
    )
    make_folder(run_dir)
    write_text(run_dir / "index.html", page)
    write_json(run_dir / "claims.json", plain)
    write_json(
        run_dir / "result.json",
        {"claims": len(claims), "failed": failed, "page": "index.html", "numbers": "claims.json"},
    )
    return plain


def _shown_unit(unit: Unit) -> dict[str, Any]:
    """Each projection about mid-gray, as strong as it can be without clipping."""
    strength = unit.projections.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    pairs = torch.cat([unit.images, unit.projections / strength])
    picture = grid(pairs, num_columns=len(unit.images))
    return {"name": f"{unit.layer}, channel {unit.channel}", "picture": data_uri(picture)}


def _values(claim: Claim, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in names}
