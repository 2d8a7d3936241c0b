"""A statement with the number that was just computed for it."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import torch
import yaml
from matplotlib.figure import Figure
from torch import Tensor

WORDS = Path(__file__).parents[1] / "templates" / "claims.yaml"
EXACT = 1e-9  # tolerance in float64, unless a claim says otherwise


@dataclass(frozen=True)
class Claim:
    """One panel of the explanation."""

    id: str
    title: str
    sentence: str
    formula: str
    number: float  # the largest deviation from what the sentence says; 0 is exact
    measured: str  # what `number` is the largest of
    tolerance: float = EXACT
    figure: Figure | None = None
    remarks: Sequence[str] = field(default_factory=tuple)
    question: str | None = None  # that people ask, and that this panel answers

    @property
    def holds(self) -> bool:
        """Whether the number is within its tolerance; a NaN is not."""
        return self.number <= self.tolerance


Check = Callable[[], Claim]


def claim(
    id_: str,
    errors: Iterable[float],
    figure: Figure | None = None,
    tolerance: float = EXACT,
    **numbers: Any,
) -> Claim:
    """A claim in the words of templates/claims.yaml.

    Args:
        errors: deviations from what the claim says, of which the largest counts.
        numbers: what the words have in braces; {number} is the number of errors otherwise.
    """
    errors = list(errors)
    numbers = {"number": len(errors), **numbers}
    words = dict(_all_words()[id_])
    measured = words.pop("measured").format(**numbers)
    words["remarks"] = [remark.format(**numbers) for remark in words.get("remarks", ())]
    return Claim(
        id_,
        number=largest(errors),
        measured=measured,
        tolerance=tolerance,
        figure=figure,
        **words,
    )


@cache
def _all_words() -> dict[str, dict[str, Any]]:
    words: dict[str, dict[str, Any]] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return words


def random(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, float64, the same every time."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def difference(first: Tensor, second: Tensor) -> float:
    """The largest absolute difference; ∞ where the shapes differ."""
    if first.shape != second.shape:
        return math.inf
    return (first - second).abs().max().item() if first.numel() else 0.0


def largest(errors: Iterable[float]) -> float:
    """The largest error; ∞ if one is not a number, which max() would pass over."""
    return max(error if math.isfinite(error) else math.inf for error in errors)


def geometries(size: int) -> Iterator[tuple[int, int, int, int]]:
    """Every (k, s, p, d), k 1–6, s 1–4, p 0–3, d 1–2, whose kernel fits on `size` pixels."""
    for k, s, p, d in product(range(1, 7), range(1, 5), range(4), (1, 2)):
        if d * (k - 1) + 1 <= size + 2 * p:
            yield k, s, p, d
