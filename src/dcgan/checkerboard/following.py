"""What a network does with an enlarged image: what is linear after it, and what hides it."""

from collections.abc import Collection

from torch import Tensor

from dcgan.checkerboard.rearrangement import Operand
from dcgan.checkerboard.recording import OUTPUT, Node
from dcgan.checkerboard.replay import NORMS, POINTWISE, is_convolution, upsampling_stride

AFFINE = {"add", "sub", "mul", "div", *NORMS}
MASKS = ("mul", "div", "masked_fill", "where")
SOFTMAX = "_softmax"
ROUGH = 0.1  # second differences of a mask, relative to its largest value, that make a pattern
Uses = list[tuple[int, Operand]]


class Followers:
    """Which operations of a run read which."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self._uses: dict[int, Uses] = {}
        for i, node in enumerate(nodes):
            for operand in node.operands:
                self._uses.setdefault(operand.node, []).append((i, operand))

    def of(self, i: int) -> Uses:
        """The operations that read node i, each with what it reads."""
        return self._uses.get(i, [])

    def linear(self, uses: Uses, passed: Collection[str] = ()) -> tuple[list[Node], Uses]:
        """The linear operations that follow, and what reads the last of them.

        They end where something else reads what is between. Those named `passed` may lie between.
        """
        found: list[Node] = []
        while len(uses) == 1:
            i, operand = uses[0]
            node = self.nodes[i]
            linear = is_convolution(node) or node.op in AFFINE or node.op.startswith("avg_pool")
            if not (linear or node.op in passed) or upsampling_stride(node):
                break
            if not operand.alone or len(node.operands) > 1:
                break
            # The first reads what is enlarged: perhaps a shuffle's own table.
            if (found or operand.table is None) and not self._keeps_channels(operand):
                break
            if node.channel_last or node.op == OUTPUT:
                break
            found.append(node)
            uses = self.of(i)
        return found, uses

    def _keeps_channels(self, operand: Operand) -> bool:
        """Whether it is all channels of a node, in their order."""
        shape = self.nodes[operand.node].shape
        all_of_them = len(operand.shape) != len(shape) or operand.shape[1:2] == shape[1:2]
        return operand.same and all_of_them

    def obstacle(self, uses: Uses) -> str | None:
        """Why the block alone does not tell what becomes of a constant."""
        chain, last = self.linear(uses, {*POINTWISE, *MASKS})
        if any(operand.scattered for _, operand in [*uses, *last]):
            return "what follows replaces some of its pixels"
        if any(map(_masks, chain)):
            return "what follows multiplies it by values that differ from pixel to pixel"
        return None

    def purpose(self, uses: Uses) -> str | None:
        """What its values are for, if they are no image: all that they lead to must agree."""
        found, seen = set[str](), set[int]()
        waiting = [(i, operand, False) for i, operand in uses]
        while waiting:
            i, operand, weighs = waiting.pop()
            node = self.nodes[i]
            weighs = weighs or node.op == SOFTMAX
            if node.op.startswith("grid_sampler") and operand.shape == node.args[1].shape:
                found.add("it decides where pixels are taken from, not their values")
            elif weighs and node.op in ("mul", "bmm") and len(node.operands) > 1:
                found.add("a softmax makes weights of it, for the values of other pixels")
            elif node.op not in {SOFTMAX, *AFFINE, *POINTWISE}:
                return None
            elif i not in seen:
                seen.add(i)
                waiting += [(j, x, weighs) for j, x in self.of(i)]
        return min(found) if found else None


def _masks(node: Node) -> bool:
    """Whether the node multiplies or replaces pixels by constants with a pattern."""
    return node.op in MASKS and any(
        isinstance(x, Tensor) and not (x.is_meta or x.is_complex()) and _rough(x, node)
        for x in node.args
    )


def _rough(mask: Tensor, node: Node) -> bool:
    """Whether pixels differ from their neighbors, away from borders, not only gradually."""
    mask = mask.double().reshape((1,) * (len(node.shape) - mask.ndim) + tuple(mask.shape))
    first = 1 if node.channel_last else 2
    for axis in range(first, first + len(node.shape) - 2):
        size = mask.shape[axis]
        if size > 1:
            middle = mask.narrow(axis, size // 4, -(-size // 2))
            bends = middle.diff(n=min(2, middle.shape[axis] - 1), dim=axis).abs()
            if bends.numel() and bool((bends > ROUGH * mask.abs().max()).any()):
                return True
    return False
