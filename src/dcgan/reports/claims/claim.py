"""A statement with the number that was just computed for it."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import torch
from matplotlib.figure import Figure
from torch import Tensor

EXACT = 1e-9  # tolerance in float64, unless a claim says otherwise


@dataclass(frozen=True)
class Claim:
    """One panel of the explanation."""

    id: str
    title: str
    sentence: str
    formula: str
    deviation: float  # from what the sentence says; 0 is exact
    measured: str  # what `deviation` is the largest of
    tolerance: float = EXACT
    figure: Figure | None = None
    remarks: Sequence[str] = field(default_factory=tuple)
    question: str | None = None  # that people ask, and that this panel answers

    @property
    def holds(self) -> bool:
        """Whether the deviation is within its tolerance; a NaN is not."""
        return self.deviation <= self.tolerance


Check = Callable[[], Claim]


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
