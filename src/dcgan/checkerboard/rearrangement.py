"""Read from the numbers of its elements how an image was put together out of other images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
T = TypeVar("T")

MUCH_LARGER = 1.5  # growth along an axis that padding does not explain
MOSTLY = 0.3  # share of the pixels that must be in place: padding of small images repeats many
BORDER = 4  # pixels at each end of an axis that may come from padding; at least 2 blocks
MAX_EDGES = 4  # of parts of an image along a line


@dataclass(frozen=True)
class Root:
    """A node's output, whose elements have the numbers first, first + 1 and so on."""

    first: int
    node: int
    shape: tuple[int, ...]
    channel_axis: int


@dataclass
class Operand:
    """An activation as an operation reads it: a node's output, its elements perhaps moved."""

    node: int
    shape: tuple[int, ...]
    same: bool = False  # each channel and pixel in its place, but for padding and cropping
    shift: tuple[float, ...] = ()  # root pixel at pixel 0, along each axis
    table: Tensor | None = None  # (channels, *scale): the root's channel for each phase; −1: zero
    problem: str | None = None  # larger than its root, in a way that is not understood
    alone: bool = True  # nothing else is in the activation
    scattered: bool = False  # something else lies between its pixels
    maker: tuple[str, str] = ("", "")  # the move that made it, and its module's path

    @property
    def spaced(self) -> bool:
        """Whether it only sets the pixels of all channels apart, by zeros."""
        if self.table is None:
            return False
        own = torch.arange(len(self.table)).reshape(-1, *[1] * (self.table.ndim - 1))
        filled = self.table >= 0
        return torch.equal(self.table, torch.where(filled[:1], own, -1))


def on_cpu(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function make its tensors on the CPU, whatever the user's default device."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with torch.device("cpu"):
            return function(*args, **kwargs)

    return run


@on_cpu
def explain(numbers: Tensor, roots: Sequence[Root], maker: tuple[str, str]) -> list[Operand]:
    """One operand for each node that the elements come from.

    Args:
        numbers: the tensor's elements as numbers; −1: none of the roots'.
        roots: all there are, with rising `first`.
    """
    firsts = torch.tensor([root.first for root in roots], dtype=torch.float64)
    owners = torch.bucketize(numbers.contiguous(), firsts, right=True) - 1
    shape = tuple(numbers.shape)
    present = torch.bincount(owners.flatten() + 1)[1:].nonzero().flatten().tolist()
    operands = []
    several, mixed = numbers.ndim > 2 and len(present) > 1, False
    if several:
        by_channel = owners[0].flatten(1)
        highest = by_channel.amax(1)
        mixed = bool(((by_channel >= 0) & (by_channel != highest[:, None])).any())
        # Usually nothing is joined along the batch, and then channels are told by one image.
        alike = bool((owners == owners[:1]).all())
    for i in present:
        root, part = roots[i], numbers
        if mixed:
            part = numbers.where(owners == i, -1)
        elif several:
            part = numbers[:, highest == i] if alike else _own_part(numbers, owners == i)
        found = _relation(part - root.first * (part >= 0), root)
        found.scattered = found.table is None and _is_scattered(part)
        if mixed and _is_larger(shape, root) and (found.table is not None or found.scattered):
            found.table, found.same, found.shift = None, False, ()
            found.problem = "interleaves the pixels of several tensors"
        found.alone = len(present) == 1
        found.node, found.shape, found.maker = root.node, tuple(part.shape), maker
        operands.append(found)
    return operands


def _own_part(numbers: Tensor, own: Tensor) -> Tensor:
    """The channels of one root, in the images of the batch that have it."""
    images = own.flatten(1).any(1)
    channels = own[images][0].flatten(1).any(1)
    return numbers[images][:, channels]


def _is_scattered(part: Tensor) -> bool:
    """Whether its pixels (−1: of others) begin and end again more often than a few parts do."""
    filled = part[:1] >= 0
    if part.ndim < 3 or bool(filled.all()):
        return False
    edges = [filled.diff(dim=axis).sum(axis) for axis in range(1, part.ndim)]
    return any(bool((x > MAX_EDGES).any()) for x in edges)


def _is_larger(shape: tuple[int, ...], root: Root) -> bool:
    if len(shape) != len(root.shape) or root.channel_axis != 1:
        return False
    if sorted(shape) == sorted(root.shape):
        return False  # only its axes are in another order
    axes = zip(shape[2:], root.shape[2:], strict=True)
    return any(size >= MUCH_LARGER * old for size, old in axes)


def _relation(local: Tensor, root: Root) -> Operand:
    """How the elements (their places in the root; −1: none) are arranged."""
    shape = tuple(local.shape)
    count = torch.Size(root.shape).numel()
    if local.numel() == count and torch.equal(local.flatten(), torch.arange(count).double()):
        return Operand(0, shape, same=True)
    plain = Operand(0, shape)
    # Torch pools a signal as an image of height 1.
    if local.ndim == len(root.shape) + 1 == 4 and local.shape[2] == 1:
        local = local.squeeze(2)
    elif local.ndim == len(root.shape) - 1 == 3 and root.shape[2] == 1:
        root = replace(root, shape=(*root.shape[:2], root.shape[3]))
    elif root.channel_axis == 1 and local.ndim == len(root.shape) - 1 > 2:
        local = local[None]  # an image without a batch axis
    if local.ndim < 3 or len(root.shape) < 2:
        return plain
    for axis in dict.fromkeys((1, local.ndim - 1)):
        found = _blocks(local.movedim(axis, 1)[:1].long(), root)
        if found is not None:
            return found
    if _is_larger(shape, root):
        plain.problem = "arranges its pixels anew, in a way that is not understood"
    return plain


def _blocks(local: Tensor, root: Root) -> Operand | None:
    """The operand if each pixel of the root becomes a block of pixels; (1, C, *size) places."""
    axis = root.channel_axis
    inner = torch.Size(root.shape[axis + 1 :]).numel()
    num_channels = root.shape[axis]
    channel = torch.where(local >= 0, local // inner % num_channels, -1)[0]
    pixel = torch.where(local >= 0, local // (inner * num_channels) * inner + local % inner, -1)[0]
    place = pixel.amax(0)
    if bool(((pixel >= 0) & (pixel != place)).any()) or bool((place < 0).all()):
        return None
    sizes = root.shape[2:] if axis == 1 and len(root.shape) > 2 else None  # of a matrix: unknown
    if sizes is not None and place.ndim != len(sizes):
        return None
    filled = (place >= 0).nonzero()
    center = torch.tensor(place.shape) // 2
    middle = filled[(filled - center).abs().sum(1).argmin()].tolist()
    scale, first, shift = [], [], []
    for a in range(place.ndim):
        line = place.movedim(a, -1)[(*middle[:a], *middle[a + 1 :])]
        at = (line >= 0).nonzero().flatten()
        changes = torch.cat([line[at].new_ones(1), line[at].diff()]) != 0
        runs = at[changes]
        step = int(runs.diff().mode().values) if len(runs) > 1 else len(line) - int(at[0])
        near = int(runs[runs <= middle[a]][-1])
        scale.append(step)
        first.append(near % step)
        if sizes is not None:
            coordinate = int(line[near]) // torch.Size(sizes[a + 1 :]).numel() % sizes[a]
            shift.append(coordinate - near // step)
            if len(runs) == 1 and sizes[a] > 1 and len(line) > 1:
                return None  # a part of it, stretched
    if sizes is None and (place.ndim < 2 or min(scale) < 2):
        return None  # rows of a matrix have no axes of their own
    if max(scale) == 1 and _is_larger((0, 0, *place.shape), root):
        return None
    channel, place = (_cut(x, scale, first) for x in (channel, place[None]))
    if 0 in channel.shape:
        return None
    table = channel
    for n in channel.shape[1 : place.ndim // 2 + 1]:
        table = table[:, n // 2]  # of the block in the middle
    if not _mostly_alike(channel, place[0], table, shift, sizes):
        return None
    parts = zip(shift, first, scale, strict=False)  # of a matrix, no shift is known
    moved = tuple(s - start / step for s, start, step in parts)  # pixel 0 may be within a block
    if max(scale) > 1:
        return Operand(0, (), shift=moved, table=table)
    kept = torch.equal(table.flatten(), torch.arange(len(table)))
    return Operand(0, (), same=kept, shift=moved)


def _all_within(alike: Tensor, filled: Tensor, scale: Sequence[int]) -> bool:
    """Whether all blocks are alike but those of zeros around them and of a thin border."""
    for a in range(alike.ndim):
        lines = filled.movedim(a, 0).reshape(filled.shape[a], -1)
        used = lines.any(1).nonzero().flatten().tolist()
        if not used:  # only the border is filled
            return False
        first, length = used[0], used[-1] + 1 - used[0]
        border = min(max(2, BORDER // scale[a]), (length - 1) // 2)
        inner = (a, first + border, length - 2 * border)
        alike, filled = alike.narrow(*inner), filled.narrow(*inner)
    return bool(alike.all())


def _cut(x: Tensor, scale: list[int], first: list[int]) -> Tensor:
    """(C, *size) to (C, *blocks, *scale)."""
    for a, (s, start) in enumerate(zip(scale, first, strict=True)):
        whole = (x.shape[1 + a] - start) // s
        x = x.narrow(1 + a, start, whole * s).unflatten(1 + a, (whole, s)).movedim(2 + a, -1)
    return x


def _mostly_alike(
    channel: Tensor, place: Tensor, table: Tensor, shift: list[int], sizes: tuple[int, ...] | None
) -> bool:
    """Whether most blocks are like the middle one, each of a pixel of its own."""
    axes = place.ndim // 2
    scale, blocks = place.shape[axes:], place.shape[:axes]
    pixel = place.flatten(axes).amax(-1)
    alike = (place < 0) | (place == pixel[(..., *[None] * axes)])
    alike = alike.flatten(axes).all(-1)
    # At the borders there may be padding.
    alike &= (channel == table[(slice(None), *[None] * axes)]).flatten(axes + 1).all(-1).all(0)
    if sizes is None:
        if len(pixel.flatten()) == 1:
            return False  # a vector made into an image: there is nothing to repeat
    else:
        for a, size in enumerate(sizes):
            stride = torch.Size(sizes[a + 1 :]).numel()
            expected = torch.arange(blocks[a]) + shift[a]
            expected = expected.reshape(-1, *[1] * (axes - 1 - a))
            alike &= pixel // stride % size == expected
    filled = (channel >= 0).flatten(axes + 1).any(-1).any(0)
    if max(scale) > 1 and not _all_within(alike, filled, scale):
        return False
    return bool(alike.float().mean() >= MOSTLY)
