"""Checks that settings share; each raises `UserError` with setting, value and what is allowed."""

from collections.abc import Iterable
from pathlib import Path

from dcgan.errors import UserError


def require_one_of(setting: str, value: object, allowed: Iterable[object]) -> None:
    """Raise `UserError` unless `value` is among `allowed`."""
    allowed = list(allowed)
    if value not in allowed:
        raise UserError(f"{setting}={value}: must be one of {', '.join(map(str, allowed))}")


def require_at_least(setting: str, value: float, least: float) -> None:
    """Raise `UserError` unless `value >= least` (so NaN is refused too)."""
    if not value >= least:
        raise UserError(f"{setting}={value}: must be at least {least}")


def require_positive(setting: str, value: float) -> None:
    """Raise `UserError` unless `value` is above 0 and finite (so NaN is refused too)."""
    if not 0 < value < float("inf"):
        raise UserError(f"{setting}={value}: must be above 0, finite")


def require_exists(setting: str, path: str) -> None:
    """Raise `UserError` unless there is such a file or folder."""
    if not Path(path).expanduser().exists():
        raise UserError(f"{setting}={path}: no such file or folder")


def doublings(image_size: int) -> tuple[int, int]:
    """Split an image size into base·2^L: return (base, L), base in 4..7, L ≥ 1.

    The base is where the generator starts and the discriminator ends. 32 = 4·2³, 28 = 7·2².

    Raises:
        UserError: `image_size` is not of that form.
    """
    base, num_blocks = image_size, 0
    while base > 7 and base % 2 == 0:
        base, num_blocks = base // 2, num_blocks + 1
    if num_blocks < 1 or not 4 <= base <= 7:
        sizes = sorted(b * 2**level for b in range(4, 8) for level in range(1, 10))
        nearest = sorted(sorted(sizes, key=lambda size: abs(size - image_size))[:2])
        raise UserError(
            f"data.image_size={image_size}: must be base·2^L with base 4, 5, 6 or 7 and L at"
            f" least 1; the nearest are {nearest[0]} and {nearest[1]}"
        )
    return base, num_blocks
