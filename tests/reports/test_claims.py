"""Every claim holds, and each would fail if its formula were wrong."""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import torch

from dcgan.reports.claims import CHECKS, Finding, state
from dcgan.reports.claims.claim import difference, texts


@pytest.mark.parametrize("name", CHECKS)
def test_the_claim_holds(name: str) -> None:
    claim = state(name, CHECKS[name]())
    assert claim["holds"], f"{claim['title']}: {claim['number']}"
    assert claim["sentence"].endswith(".")
    assert not set("{}") & set(claim["sentence"] + claim["measured"])


def test_every_text_has_a_check() -> None:
    assert set(texts()) == set(CHECKS)


# A function that each claim depends on, and a change that must break the claim.
BROKEN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "matrix": ("matrices.convolution_matrix", lambda m: m.flip(1)),
    "transpose": ("matrices.convolution_matrix", lambda m: m + 1e-6),
    "gradients": ("matrices.convolve_transposed", lambda y: -y),
    "physics": ("matrices.convolution_matrix", lambda m: m.abs()),
    "gradient tiles": ("matrices.coverage", lambda tile: tile + 1),
    "painting": ("painting.paint", lambda painted: painted.T),
    "painting a letter": ("painting.respond", lambda found: found.flip(0)),
    "why the transpose": ("painting.convolution_matrix", lambda m: m.flip(0)),
    "an ordinary convolution": ("stretching.transposed_convolution", lambda y: y.flip(-1)),
    "no upscaling needed": ("stretching.transposed_convolution", lambda y: y.flip(-1)),
    "stretch and smooth": ("stretching.interpolate_ideally", lambda y: y.roll(1)),
    "phases": ("stretching.interleave", lambda y: y + 1e-8),
    "coverage": ("evenness.stacked_coverage", lambda ways: ways + 1),
    "what coverage does not decide": (
        "evenness.polyphase_gains",
        lambda gains: gains.flip(0) + 1,
    ),
    "dead zones": ("evenness.dead_share", lambda share: share + 0.1),
    "resizing inside": ("evenness.resize_as_transposed", lambda w: w.flip(2)),
    "balanced": ("cures.balancing_projection", lambda projection: projection + 1e-6),
    "notch": ("cures.notch_taps", lambda taps: taps.abs()),
    "alignment": ("shifts.image_shift", lambda shift: -shift),
    "skips of a U-Net": ("shifts.image_shift", lambda shift: -shift - 0.1),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_claim_can_fail(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, change = BROKEN[name]
    module, _, function = where.partition(".")
    right = getattr(import_module(f"dcgan.reports.claims.{module}"), function)

    def wrong(*args: object, **kwargs: object) -> object:
        return change(right(*args, **kwargs))

    monkeypatch.setattr(f"dcgan.reports.claims.{where}", wrong)
    assert not state(name, CHECKS[name]())["holds"]


def test_a_claim_with_nan_fails() -> None:
    assert not state("dead zones", Finding([0.0, math.nan]))["holds"]
    assert difference(torch.zeros(2), torch.zeros(3)) == math.inf
