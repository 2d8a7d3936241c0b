"""What each piece of memory holds in a recorded run: what a node computed, or elements moved there.

Every element of an activation gets a number of its own. Operations that only move elements (views,
copies, pixel shuffles, writes into zeros) move the numbers too, so the numbers say what they did,
however it was written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from dcgan.checkerboard.rearrangement import Operand, Root, explain, on_cpu

MOVES = {
    *("clone", "copy_", "cat", "stack", "index", "index_select", "index_put_", "pixel_shuffle"),
    *("pixel_unshuffle", "channel_shuffle", "constant_pad_nd", "repeat", "flip", "roll", "im2col"),
    *("_to_copy", "slice_scatter", "select_scatter", "contiguous", "fill_", "zero_", "gather"),
    *("reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
    *("replication_pad1d", "replication_pad2d", "replication_pad3d"),
}
INDICES = ("index", "indices")  # arguments that say which elements to take


@dataclass
class _Storage:
    node: int  # whose output it is; −1: none
    geometry: tuple[Any, ...]
    num_bytes: int
    element_size: int
    channel_last: bool
    numbers: Tensor | None = None  # by position in memory
    maker: tuple[str, str] = ("", "")  # the last move that wrote it, and its module
    read: bool = False


def _storage(node: int, x: Tensor, channel_last: bool = False) -> _Storage:
    num_bytes = x.untyped_storage().nbytes()
    return _Storage(node, _geometry(x), num_bytes, x.element_size(), channel_last)


def _geometry(x: Tensor) -> tuple[Any, ...]:
    return x.shape, x.stride(), x.storage_offset()


def key_of(x: Tensor) -> int:
    """The same for all tensors that share memory."""
    key: int = x.untyped_storage()._cdata
    return key


class Memory:
    """Every piece of memory that depends on the example."""

    def __init__(self) -> None:
        self._storages: dict[int, _Storage] = {}
        self._roots: list[Root] = []
        self._count = 0

    def __contains__(self, x: Tensor) -> bool:
        stored = self._storages.get(key_of(x)) if x.layout == torch.strided else None
        if stored is not None and stored.num_bytes != x.untyped_storage().nbytes():
            self.forget(x)  # other memory at the same place
            return False
        return stored is not None

    def forget(self, x: Tensor) -> None:
        """Note that the memory of a tensor does not depend on the example."""
        self._storages.pop(key_of(x), None)

    def write(self, x: Tensor, node: int, *, channel_last: bool) -> None:
        """Note that a node computed a tensor."""
        whole = x.numel() * x.element_size() == x.untyped_storage().nbytes()
        if whole or key_of(x) not in self._storages:
            self._storages[key_of(x)] = _storage(node, x, channel_last)
        else:  # a part of an activation, changed in place
            self._numbers(x).copy_(self._new_numbers(node, x.shape, channel_last))

    def read(self, x: Tensor) -> list[Operand]:
        """Where the elements of a tensor come from."""
        stored = self._storages[key_of(x)]
        stored.read = True
        if stored.numbers is None and stored.geometry == _geometry(x):
            return [Operand(stored.node, tuple(x.shape), same=True)]
        return explain(self._numbers(x), self._roots, stored.maker)

    def unread(self) -> Iterator[list[Operand]]:
        """The same for what was moved, in the shape in which it was, and then read by nothing."""
        for stored in self._storages.values():
            if stored.numbers is not None and stored.maker[0] and not stored.read:
                numbers = stored.numbers.as_strided(*stored.geometry)
                yield explain(numbers, self._roots, stored.maker)

    @on_cpu
    def move(
        self, name: str, function: Any, args: Any, kwargs: Any, outputs: list[Tensor], path: str
    ) -> None:
        """Move the numbers as an operation moved the elements; `path` is that of its module."""
        written = args[0] if function._schema.is_mutable else None

        def numbered(x: Any) -> Any:
            if not isinstance(x, Tensor):
                return x
            if x in self and x is not written:
                self._storages[key_of(x)].read = True
            if x in self or x is written:
                return self._numbers(x)
            return torch.full(x.shape, -1.0, dtype=torch.float64)

        moved: Tensor
        if name in ("fill_", "zero_"):
            moved = self._numbers(args[0]).fill_(-1)
        elif name in ("clone", "_to_copy", "contiguous"):
            moved = numbered(args[0])
        elif name == "constant_pad_nd":
            moved = function(numbered(args[0]), args[1], -1)
        else:
            names = [argument.name for argument in function._schema.arguments]
            mapped = {
                argument: tree_map(_on_cpu if argument in INDICES else numbered, value)
                for argument, value in [*zip(names, args, strict=False), *kwargs.items()]
            }
            positional = [mapped.pop(name) for name in names[: len(args)]]
            moved = function(*positional, **mapped)
        for x in outputs:
            if written is None:
                self._storages[key_of(x)] = _storage(-1, x)
                self._numbers(x).copy_(moved)
            self._storages[key_of(x)].maker = (name, path)

    @on_cpu
    def _new_numbers(self, node: int, shape: Any, channel_last: bool) -> Tensor:
        first = self._count
        self._count += torch.Size(shape).numel()
        axis = len(shape) - 1 if channel_last else 1
        self._roots.append(Root(first, node, tuple(shape), axis))
        return torch.arange(first, self._count, dtype=torch.float64).reshape(shape)

    @on_cpu
    def _numbers(self, x: Tensor) -> Tensor:
        """The numbers of an activation's elements; those of a constant are −1."""
        stored = self._storages.setdefault(key_of(x), _storage(-1, x))
        size = x.untyped_storage().nbytes() // max(1, x.element_size())
        if stored.element_size != x.element_size():  # parts of complex numbers: elements anew
            stored = self._storages[key_of(x)] = _storage(self._node_of(stored), x)
            stored.geometry = ((size,), (1,), 0)
        if stored.numbers is None:
            stored.numbers = torch.full((size,), -1.0, dtype=torch.float64)
            if stored.node >= 0:
                fresh = self._new_numbers(stored.node, stored.geometry[0], stored.channel_last)
                stored.numbers.as_strided(*stored.geometry).copy_(fresh)
        return stored.numbers.as_strided(*_geometry(x))

    def _node_of(self, stored: _Storage) -> int:
        if stored.numbers is None or stored.node >= 0:
            return stored.node
        newest = float(stored.numbers.max())
        return max((root.node for root in self._roots if root.first <= newest), default=-1)


def _on_cpu(x: Any) -> Any:
    if not isinstance(x, Tensor):
        return x
    if x.is_meta:
        raise ValueError("an index on the meta device has no values: give the network real weights")
    return x.cpu()
