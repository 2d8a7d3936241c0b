"""Hypothesis strategies that damage a file's bytes or edit its values."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dcgan.errors import UserError

# The same examples every time, on any machine.
EXAMPLES = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=list(HealthCheck),
)

# Replacements for any value.
VALUES = st.sampled_from(
    [
        None,
        True,
        -5,
        0,
        10**9,
        0.5,
        float("nan"),
        float("inf"),
        "",
        "x",
        b"x",
        [],
        [1],
        {},
        {"a": 1},
    ]
)

Read = TypeVar("Read")


def read_or_refused(read: Callable[[Path], Read], path: Path) -> Read | None:
    """The result of `read`, or None if it refuses the file with a one-line error that names it."""
    try:
        return read(path)
    except UserError as error:
        reason = str(error)
    assert reason.startswith(f"{path}: ")
    assert "\n" not in reason
    return None


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with one bit flipped, cut at either end, or with bytes inserted or zeroed."""
    place = draw(st.integers(0, len(content) - 1))
    kinds = ["flip", "flip", "flip", "header", "cut", "behead", "insert", "zero"]
    kind = draw(st.sampled_from(kinds))
    if kind == "header":
        place %= 200
    if kind in ("flip", "header"):
        flipped = content[place] ^ (1 << draw(st.integers(0, 7)))
        return content[:place] + bytes([flipped]) + content[place + 1 :]
    if kind == "cut":
        return content[:place]
    if kind == "behead":
        return content[place + 1 :]
    if kind == "insert":
        return content[:place] + draw(st.binary(min_size=1, max_size=9)) + content[place:]
    return content[:place] + bytes(min(64, len(content) - place)) + content[place + 64 :]


@st.composite
def edited(draw: st.DrawFn, content: Any, tensors: bool = False) -> Any:
    """A copy of nested dicts and lists with one value removed, added or replaced."""
    content = copy.deepcopy(content)
    parent, key = draw(st.sampled_from(list(_places(content))))
    kind = draw(st.sampled_from(["change", "change", "remove", "add"]))
    if kind == "remove":
        del parent[key]
    elif kind == "add" and isinstance(parent, dict):
        parent["unknown"] = draw(VALUES)
    elif tensors and isinstance(parent[key], torch.Tensor):
        parent[key] = draw(st.sampled_from(_other_tensors(parent[key])))
    else:
        parent[key] = draw(VALUES)
    return content


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """The container and key (or index) of every value in `content`, at any depth."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        yield content, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _other_tensors(tensor: torch.Tensor) -> list[Any]:
    """Replacements for a tensor, with another type, shape or value."""
    other = [tensor.to(torch.float16), tensor[None], tensor.to(torch.float32) * torch.nan, None]
    return [*other, torch.zeros(3), torch.empty(0), tensor.tolist()]
