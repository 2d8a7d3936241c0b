"""Every claim holds, and each would fail if its formula were another."""

import json
import math
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from dcgan.reports.claims import CHECKS, Check, Claim, matrices, painting
from dcgan.reports.claims.claim import difference
from dcgan.reports.explanation import write_explanation


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_claim_holds(check: Check) -> None:
    claim = check()
    assert claim.holds, f"{claim.title}: {claim.number}"
    assert claim.sentence.endswith(".")


# What each claim rests on, and what it is to be broken by.
BROKEN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a_convolution_is_a_matrix": ("matrices.convolution_matrix", lambda m: m.flip(1)),
    "its_transpose_is_the_transposed_convolution": (
        "matrices.convolution_matrix",
        lambda m: m + 1e-6,
    ),
    "physics": ("matrices.convolution_matrix", lambda m: m.abs()),
    "gradient_tiles": ("matrices.coverage", lambda tile: tile + 1),
    "it_paints": ("painting.paint", lambda painted: painted.T),
    "it_paints_a_letter": ("painting.answer", lambda found: found.flip(0)),
    "why_the_transpose": ("painting.convolution_matrix", lambda m: m * math.nan),
    "an_ordinary_convolution": ("stretching.transposed_convolution", lambda y: y.flip(-1)),
    "no_upscaling_needed": ("stretching.random", lambda drawn: drawn * math.nan),
    "stretch_and_smooth": ("stretching.interpolate_ideally", lambda y: y.roll(1)),
    "phases": ("stretching.interleave", lambda y: y + 1e-8),
    "coverages": ("evenness.stacked_coverage", lambda ways: ways + 1),
    "what_coverage_does_not_decide": ("evenness.polyphase_gains", lambda gains: gains.flip(0) + 1),
    "dead_zones": ("evenness.dead_share", lambda share: share + 0.1),
    "resizing_inside": ("evenness.resize_as_transposed", lambda w: w.flip(2)),
    "alignment": ("shifts.image_shift", lambda shift: -shift),
    "skips_of_a_unet": ("shifts.image_shift", lambda shift: -shift - 0.1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_claim_can_fail(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, change = BROKEN[name]
    module, _, function = where.partition(".")
    right = getattr(import_module(f"dcgan.reports.claims.{module}"), function)

    def wrong(*args: object, **kwargs: object) -> object:
        return change(right(*args, **kwargs))

    monkeypatch.setattr(f"dcgan.reports.claims.{where}", wrong)
    check = next(check for check in CHECKS if check.__name__ == name)
    assert not check().holds


def test_gradients_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    real = matrices.TRANSPOSE[1]

    def negative(*args: Any, **kwargs: Any) -> torch.Tensor:
        answer: torch.Tensor = real(*args, **kwargs)
        return -answer

    broken = {**matrices.TRANSPOSE, 1: negative}
    monkeypatch.setattr("dcgan.reports.claims.matrices.TRANSPOSE", broken)
    assert not matrices.gradients().holds


def test_what_is_not_a_number_does_not_hold() -> None:
    claim = Claim("id", "title", "sentence.", "formula", math.nan, "what")
    assert not claim.holds
    assert difference(torch.zeros(2), torch.zeros(3)) == math.inf


def test_the_page_shows_every_claim_and_a_failure_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Claim("bad", "A false claim", "One is two.", "1 = 2", 1.0, "difference of one and two")
    monkeypatch.setattr("dcgan.reports.explanation.CHECKS", (painting.it_paints, lambda: bad))
    plain = write_explanation(tmp_path / "page")
    text = (tmp_path / "page" / "index.html").read_text()
    assert "1 failed: A false claim." in text
    assert "<strong>failed.</strong>" in text
    assert "<svg" in text
    assert json.loads((tmp_path / "page" / "claims.json").read_text()) == plain
    assert [(c["id"], c["holds"]) for c in plain] == [("painting", True), ("bad", False)]
    assert set(plain[0]) >= {"id", "sentence", "number", "tolerance", "holds"}
