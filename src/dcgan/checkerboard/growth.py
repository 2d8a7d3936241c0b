"""Images that are larger than all that they were made from, whatever made them."""

import math
from collections.abc import Sequence
from dataclasses import replace

from dcgan.checkerboard.rearrangement import MUCH_LARGER, Operand
from dcgan.checkerboard.recording import OUTPUT, Node

READERS = (  # in the names of operations that read images
    *("convolution", "upsample_", "pool", "batch_norm", "group_norm", "grid_sampler", "col2im"),
    OUTPUT,
)
Size = tuple[float, ...]  # pixels of the batch, and along each axis; (): not known


def find_grown(nodes: Sequence[Node], told: Sequence[bool | None]) -> list[Node]:
    """The nodes that made images or sequences larger, by means that are not known.

    An axis must have grown, and so must the pixels of the batch, as operations may move pixels
    into the batch for a while.

    Args:
        told: for each node, whether it enlarges in a way that is understood; None: it does not
            enlarge. What is not understood is told by others, and not followed further.
    """
    found: list[Node] = []
    sizes: list[Size] = []
    for node, understood in zip(nodes, told, strict=True):
        before = [_enlarged(sizes[x.node], x) for x in node.operands]
        axes = max(map(len, before), default=0)
        most = tuple(map(max, zip(*(s for s in before if len(s) == axes), strict=True)))
        lost = understood is False or any(x.problem for x in node.operands)
        reads = bool(node.operands) and any(map(node.op.__contains__, READERS))
        if reads and not lost:
            maker = nodes[node.operands[0].node]
            if _is_larger(_read(node, maker), most) and not any(x is maker for x in found):
                found.append(maker)
        own = reads or understood or not node.operands
        sizes.append(() if lost else _size(node) if own else most)
    return found


def _read(node: Node, maker: Node) -> Size:
    """The size of the image or sequence that a node reads, without padding."""
    shape = node.operands[0].shape
    if not maker.operands and shape != maker.shape and sorted(shape) == sorted(maker.shape):
        return ()  # an input with its channels last
    alike = len(shape) == len(maker.shape) and shape[:2] == maker.shape[:2]
    if node.operands[0].same and alike:
        shape = tuple(map(min, shape, maker.shape))
    return _size(replace(node, shape=shape))


def _size(node: Node) -> Size:
    axes = node.shape[1:-1] if node.channel_last else node.shape[2:]
    if not node.operands and len(node.shape) == 3:
        axes = (max(node.shape[1:]),)  # which axis has the channels is not known
    return (math.prod(axes) * node.shape[0], *axes) if axes else ()


def _enlarged(size: Size, operand: Operand) -> Size:
    """The size after pixels were moved."""
    if operand.table is None or operand.table.ndim != len(size):
        return size
    scale = operand.table.shape[1:]
    return tuple(n * s for n, s in zip(size, (math.prod(scale), *scale), strict=True))


def _is_larger(now: Size, before: Size) -> bool:
    """Whether an image has grown along an axis of more than one pixel, and its batch, too."""
    if not now or len(now) != len(before):
        return False
    batch, *axes = (n > MUCH_LARGER * m > MUCH_LARGER for n, m in zip(now, before, strict=True))
    return batch and any(axes)
