"""The mathematics as a page: every claim with its formula, its picture and its number."""

from pathlib import Path
from typing import Any

from markupsafe import Markup
from tqdm import tqdm

from dcgan.files import write_json, write_text
from dcgan.reports.claims import CHECKS, Claim
from dcgan.reports.figures import svg
from dcgan.reports.rendering import render


def write_explanation(run_dir: Path) -> list[dict[str, Any]]:
    """Check every claim and write index.html, claims.json and result.json into `run_dir`.

    Returns:
        What claims.json holds: id, title, sentence, number, measured, tolerance and holds of each.
    """
    claims = [check() for check in tqdm(CHECKS, desc="checking", unit="claim", disable=None)]
    plain = [_plain(claim) for claim in claims]
    shown = [
        {
            **entry,
            "formula": claim.formula,
            "remarks": claim.remarks,
            "question": claim.question,
            # matplotlib escapes the text that it draws.
            "figure": None if claim.figure is None else Markup(svg(claim.figure)),
        }
        for claim, entry in zip(claims, plain, strict=True)
    ]
    failed = [claim.title for claim in claims if not claim.holds]
    run_dir.mkdir(parents=True, exist_ok=True)
    write_text(run_dir / "index.html", render("explanation.html", claims=shown, failed=failed))
    write_json(run_dir / "claims.json", plain)
    write_json(
        run_dir / "result.json",
        {"claims": len(claims), "failed": failed, "page": "index.html", "numbers": "claims.json"},
    )
    return plain


def _plain(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "title": claim.title,
        "sentence": claim.sentence,
        "number": claim.deviation,
        "measured": claim.measured,
        "tolerance": claim.tolerance,
        "holds": claim.holds,
    }
