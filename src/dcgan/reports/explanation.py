"""The article: transposed convolution explained, with every claim checked as the page is made."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch
from latex2mathml.converter import convert
from markupsafe import Markup
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from dcgan.checkerboard.images import grid_peak
from dcgan.files import make_folder, write_json, write_text
from dcgan.pictures import grid, to_uint8
from dcgan.progress import progress
from dcgan.reports import article, opening
from dcgan.reports.claims import CHECKS, state
from dcgan.reports.deconvnet import Unit, strongest_units
from dcgan.reports.figures import STYLE
from dcgan.reports.kernels import kernels_of
from dcgan.reports.page import data_uri, render

NUMBERS = ("id", "title", "sentence", "number", "measured", "tolerance", "holds")  # result.json's
NUM_SHOWN = 4  # samples per generator
RIM = 4  # pixels of a sample that are cut off; there, even balanced kernels leave dots


def write_explanation(run_dir: Path, checkpoint: str | None = None) -> list[dict[str, Any]]:
    """Check every claim; write index.html and result.json into `run_dir`.

    Args:
        checkpoint: a run; its kernels and the strongest units of its discriminator are shown too.

    Returns:
        The claims in result.json: the NUMBERS of each.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    run: dict[str, Any] = {"kernels": [], "units": []}
    if checkpoint is not None:
        run["kernels"] = kernels_of(checkpoint)
        run["units"] = [_shown_unit(unit) for unit in strongest_units(checkpoint)]
    checks = progress(CHECKS.items(), desc="checking", unit="claim")
    with mpl.rc_context(STYLE):
        claims = [state(name, check()) for name, check in checks]
    failed = [claim["title"] for claim in claims if not claim["holds"]]
    page = _page(claims, failed=failed, run=run, checkpoint=checkpoint)
    records = [{name: claim[name] for name in NUMBERS} for claim in claims]
    make_folder(run_dir)
    write_text(run_dir / "index.html", page)
    write_json(run_dir / "result.json", {"claims": records, "failed": failed})
    return records


def _page(claims: list[dict[str, Any]], **content: Any) -> str:
    samples = {
        "ordinary kernels": opening.read_samples("samples_free"),
        "balanced kernels": opening.read_samples("samples_balanced"),
    }
    return render(
        "explanation.html",
        claims={claim["id"]: claim for claim in claims},
        samples={
            name: [
                data_uri(to_pil_image(to_uint8(image)))
                for image in images[:NUM_SHOWN, :, RIM:-RIM, RIM:-RIM]
            ]
            for name, images in samples.items()
        },
        r2={name: grid_peak(images, 2).ratio for name, images in samples.items()},
        spectra=opening.draw_spectra(samples),
        imbalance=opening.imbalance(),
        panels=_panels,
        formula=_formula,
        scripts=Markup(article.scripts()),
        styles=Markup(article.styles()),
        **content,
    )


def _panels(matrices: Mapping[str, Tensor], same_scale: bool) -> list[dict[str, Any]]:
    """Titled matrices for the page: the size of an entry in rem, and each value and its share.

    The share is that of the largest absolute value, of all matrices with `same_scale`.
    """
    largest = max(matrix.abs().max().item() for matrix in matrices.values())
    widest = max(matrix.shape[1] for matrix in matrices.values())
    panels = []
    for title, matrix in matrices.items():
        values, columns = matrix.flatten().tolist(), matrix.shape[1]
        full = (largest if same_scale else matrix.abs().max().item()) or 1.0
        cell = 11 / widest if same_scale else 7.5 / columns
        entries = [(value, abs(value) / full) for value in values]
        panels.append(
            {"title": title, "columns": columns, "cell": min(2, cell), "entries": entries}
        )
    return panels


def _formula(caller: Callable[[], str]) -> Markup:
    """MathML for the LaTeX between {% call formula() %} and {% endcall %}."""
    return Markup(convert(caller().strip(), display="block"))


def _shown_unit(unit: Unit) -> dict[str, Any]:
    """A unit's name and picture; projections are scaled around mid-gray, just short of clipping."""
    strength = unit.projections.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    pairs = torch.cat([unit.images, unit.projections / strength])
    picture = grid(pairs, num_columns=len(unit.images))
    return {
        "name": f"{unit.layer}, channel {unit.channel}",
        "picture": data_uri(picture),
        "width": picture.width * max(1, 560 // picture.width),  # a whole multiple
    }
