"""A claim, with the number computed for it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import product
from typing import Any

import torch
import yaml
from torch import Tensor


@dataclass(frozen=True)
class Finding:
    """What was computed for a claim."""

    errors: Sequence[float]  # deviations from the claim; 0 is exact
    matrices: Mapping[str, Tensor] = field(default_factory=dict)  # the figure, by title
    fields: Mapping[str, Any] = field(default_factory=dict)  # other computed values, for the page


def state(name: str, found: Finding) -> dict[str, Any]:
    """The claim `name`: its text from claims.yaml with the fields filled in, and the finding.

    Returns:
        Every key of claims.yaml, and id, number (the largest deviation), tolerance, holds,
        matrices, fields.
    """
    fields = {"count": len(found.errors), **found.fields}
    text = {key: value.format_map(fields) for key, value in texts()[name].items()}
    # max() would skip NaN.
    number = max(error if math.isfinite(error) else math.inf for error in found.errors)
    tolerance = 1e-9  # everything is computed in float64
    return {
        "id": name,
        **text,
        "number": number,
        "tolerance": tolerance,
        "holds": number <= tolerance,
        "matrices": found.matrices,
        "fields": fields,
    }


@cache
def texts() -> dict[str, dict[str, str]]:
    """The texts of claims.yaml by claim id."""
    path = resources.files("dcgan.reports") / "templates" / "claims.yaml"
    claims: dict[str, dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return claims


def random(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers in float64, the same every time."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def ones(*shape: int) -> Tensor:
    """Ones, float64."""
    return torch.ones(*shape, dtype=torch.float64)


def difference(first: Tensor, second: Tensor) -> float:
    """The largest absolute difference; ∞ if the shapes differ."""
    return (first - second).abs().max().item() if first.shape == second.shape else math.inf


def geometries(size: int) -> Iterator[tuple[int, int, int, int]]:
    """Every (k, s, p, d), k 1–6, s 1–4, p 0–3, d 1–2, whose kernel fits on `size` pixels."""
    for k, s, p, d in product(range(1, 7), range(1, 5), range(4), (1, 2)):
        if d * (k - 1) + 1 <= size + 2 * p:
            yield k, s, p, d
