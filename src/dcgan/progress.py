"""Progress bars: shown on a terminal and in a notebook, not in a file."""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(iterable: Iterable[T], *, disable: bool = False, **options: Any) -> "tqdm[T]":
    """Tqdm's bar, as text everywhere: a widget would be missing from a notebook's stored output."""
    if "ipykernel" in sys.modules:  # a notebook; its streams are no terminals
        return tqdm(iterable, disable=disable, file=sys.stdout, **options)
    return tqdm(iterable, disable=disable or None, **options)
