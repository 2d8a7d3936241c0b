"""Find what enlarges images in a recorded run, and what is linear around it."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.checkerboard.layers import PLAIN, TRANSPOSED
from dcgan.checkerboard.rearrangement import MUCH_LARGER, Operand
from dcgan.checkerboard.recording import OUTPUT, SHUFFLE, Node, Recording
from dcgan.checkerboard.replay import (
    NORMS,
    POINTWISE,
    interpolation_mode,
    is_convolution,
    resized_scale,
    upsampling_stride,
    weight_of,
)

LARGER = MUCH_LARGER**2
IMAGES = ("convolution", "upsample_", "pool", "batch_norm", "group_norm", "grid_sampler", "col2im")
AFFINE = {"add", "sub", "mul", "div", *NORMS}
PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "_fft_c2r", "_fft_r2c", "_fft_c2c"}


@dataclass
class Upsampling:
    """An enlarging operation, and what is linear around it."""

    name: str
    kind: str
    scale: tuple[float, ...] = ()  # output size ÷ input size, where known
    source: Node | None = None  # the convolution whose weights decide, or what is enlarged
    steps: list[Node | Operand] = field(default_factory=list)  # from the source to the enlarging
    after: list[Node] = field(default_factory=list)  # linear operations that follow
    layer: nn.Module | None = None  # the source's module, where it is one of torch's own
    clean: bool = False  # it copies or interpolates pixels, which keeps constants
    norm: Any = None  # a batch norm between the convolution and a shuffle
    obstacle: str | None = None  # why it cannot be judged
    place: int = 0  # in the order of the run
    calls: list[Node] = field(default_factory=list)  # each time that the source runs

    @property
    def shuffled(self) -> bool:
        """Whether pixels are moved after the convolution."""
        return any(isinstance(step, Operand) for step in self.steps)

    def is_pixel_shuffle(self) -> bool:
        """Whether they are moved as by nn.PixelShuffle."""
        table = self.steps[-1].table if self.steps and self.shuffled else None  # type: ignore[union-attr]
        return table is not None and torch.equal(table.flatten(), torch.arange(table.numel()))


def find_recorded(recording: Recording) -> list[Upsampling]:
    """Every enlarging operation of a run; one that ran several times is listed once."""
    finder = _Finder(recording.nodes)
    grown = finder.grown()
    found: dict[Any, Upsampling] = {}
    for i, node in enumerate(recording.nodes):
        for operand in node.operands:
            if operand.table is not None or operand.problem is not None:
                key = finder.identity(operand)
                if key not in found:
                    found[key] = finder.rearranged(operand)
        upsampling = finder.computed(i)
        upsampling = upsampling or grown.get(i)
        if upsampling is not None:
            upsampling.place = node.index
            found.setdefault(_key(node), upsampling)
    runs: dict[Any, list[Node]] = {}
    for node in recording.nodes:
        runs.setdefault(_key(node), []).append(node)
    for up in found.values():
        if up.source is not None:
            up.calls = runs[_key(up.source)]
    return _numbered(sorted(found.values(), key=lambda up: up.place))


def _key(node: Node) -> tuple[str, str, int]:
    """The same each time that a layer runs."""
    return node.path, node.op, node.call


def _numbered(found: Iterable[Upsampling]) -> list[Upsampling]:
    """Equal names get numbers."""
    counts: dict[str, int] = {}
    result = list(found)
    for each in result:
        counts[each.name] = number = counts.get(each.name, 0) + 1
        if number > 1:
            each.name = f"{each.name} {number}"
    return result


class _Finder:
    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.uses: dict[int, list[tuple[int, Operand]]] = {}
        for i, node in enumerate(nodes):
            for operand in node.operands:
                self.uses.setdefault(operand.node, []).append((i, operand))

    def identity(self, operand: Operand) -> Any:
        """The same for all that read the same rearrangement, and each time that it runs."""
        node = self.nodes[operand.node]
        if operand.problem is not None:
            return operand.maker, operand.problem
        assert operand.table is not None
        return (
            *_key(node),
            tuple(operand.table.flatten().tolist()),
            operand.table.shape,
        )

    def computed(self, i: int) -> Upsampling | None:
        """A node that enlarges by itself."""
        node = self.nodes[i]
        stride = upsampling_stride(node)
        if stride:
            kind = type(node.layer).__name__ if isinstance(node.layer, TRANSPOSED) else "function"
            kind = f"ConvTranspose{len(stride)}d ({kind})" if kind == "function" else kind
            up = Upsampling(_name(node, TRANSPOSED), kind, stride, node, [node])
            if not is_convolution(node):
                up.obstacle = "its weights depend on the input"
            up.layer = _own_layer(node, TRANSPOSED)
            up.after = self.after(self.uses.get(i, []))
            return up
        if node.op.startswith(("upsample_", "_upsample_")):
            scale = resized_scale(node)
            kind = f"Upsample({interpolation_mode(node)})"
            name = _name(node, (nn.Upsample,))
            layer = _own_layer(node, (nn.Upsample,))
            if max(scale) <= 1:
                return None
            up = Upsampling(name, kind, scale, clean=True, layer=layer)
            return self.kept(up, self.uses.get(i, []))
        if node.op == "col2im":
            stride = tuple(node.args[5])
            up = Upsampling(_name(node, (nn.Fold,)), "fold", tuple(map(float, stride)))
            if max(stride) == 1:
                return None
            return self.with_source(up, node.operands[0], node, self.uses.get(i, []))
        return self.unknown(i)

    def unknown(self, i: int) -> Upsampling | None:
        """Any other node whose output is larger than its inputs by more than padding."""
        node = self.nodes[i]
        shapes = [x.shape for x in node.operands if len(x.shape) == len(node.shape) > 2]
        if not shapes or node.op in PRODUCTS or node.op.startswith("_scaled_dot"):
            return None
        before = [max(sizes) for sizes in zip(*(shape[2:] for shape in shapes), strict=True)]
        after = node.shape[2:]
        if all(  # an axis of one pixel is broadcast
            b == 1 or a < MUCH_LARGER * b or (node.op == "convolution" and a - b <= _extent(node))
            for a, b in zip(after, before, strict=True)
        ):
            return None
        scale = tuple(a / b for a, b in zip(after, before, strict=True))
        clean = node.op.startswith("grid_sampler")
        why = None if clean else f"{node.op} is not a known way of enlarging"
        if node.op.startswith("max_unpool"):
            why = "where it puts each pixel depends on the input"
        up = Upsampling(_name(node, ()), node.op, scale, clean=clean, obstacle=why)
        return self.kept(up, self.uses.get(i, [])) if clean else up

    def grown(self) -> dict[int, Upsampling]:
        """Images that are larger than all that they were made from, by other operations.

        Both the pixels of an image and those of the batch must have grown, as operations may move
        pixels into the batch for a while.
        """
        found: dict[int, Upsampling] = {}
        sizes: list[tuple[float, float] | None] = []
        for i, node in enumerate(self.nodes):
            before = [
                (area * growth, total * growth)
                for x in node.operands
                for area, total in [sizes[x.node] or (0, 0)]
                for growth in [1 if x.table is None else x.table[0].numel()]
                if area
            ]
            most = (max(a for a, _ in before), max(t for _, t in before)) if before else None
            now = _pixels(node.operands[0].shape) if node.operands else None
            read = any(word in node.op for word in IMAGES) or node.op == OUTPUT
            if not (read and most and now) or most[0] == 1 or node.operands[0].problem:
                pass
            elif now[0] > LARGER * most[0] and now[1] > LARGER * most[1]:
                maker = self.nodes[node.operands[0].node]
                why = f"it reads an image that {_function_name(maker)} made larger"
                found[i] = Upsampling(_name(maker, ()), "other operations", obstacle=why)
            told = self.unknown(i) is not None or any(x.problem for x in node.operands)
            own = node.op == "input" or read or told
            sizes.append(_pixels(node.shape) if own else most)
        return found

    def rearranged(self, operand: Operand) -> Upsampling:
        """Pixels of a larger image that come from the channels of a smaller one."""
        op, path = operand.maker
        by = "PixelShuffle" if op == SHUFFLE else "rearranged pixels"
        name = f"{path}.{op}" if path and op != SHUFFLE else path or op
        uses = [
            (i, x)
            for i, x in self.uses[operand.node]
            if x.table is not None and operand.table is not None and x.table.equal(operand.table)
        ]
        up = Upsampling(name, by, place=self.nodes[operand.node].index)
        if operand.table is None:
            up.obstacle = f"it {operand.problem}"
            return up
        table = operand.table
        up.scale = tuple(map(float, table.shape[1:]))
        flat = table.flatten(1)
        if bool((flat == flat[:, :1]).all()):
            up.kind, up.clean = "repeated pixels", True
            return self.kept(up, uses)
        own = torch.where(flat >= 0, torch.arange(len(flat))[:, None], -1)
        if torch.equal(own, flat):
            up.kind, up.source, up.steps = (
                "zeros between pixels",
                self.nodes[operand.node],
                [operand],
            )
            up.after = self.after(uses)
            return up
        return self.with_source(up, operand, operand, uses)

    def with_source(
        self,
        up: Upsampling,
        operand: Operand,
        enlarging: Node | Operand,
        uses: list[tuple[int, Operand]],
    ) -> Upsampling:
        """Fill in the convolution before it, and what is linear in between and after."""
        node, between = self.nodes[operand.node], list[Node | Operand]()
        while not is_convolution(node):
            up.obstacle = _obstacle(node)
            if up.obstacle is not None:
                return up
            if node.op in AFFINE:
                between.insert(0, node)
                up.norm = node.layer if node.op in NORMS else up.norm
            node = self.nodes[node.operands[0].node]
        up.name, up.source = _name(node, (*PLAIN, *TRANSPOSED, nn.Linear)), node
        own = type(node.layer).__name__ if up.name == node.path else "convolution"
        up.kind = f"{own if up.name else type(node.layer).__name__} + {up.kind}"
        up.layer, up.place = _own_layer(node, PLAIN), node.index
        up.steps = [node, *between, enlarging]
        up.after = self.after(uses)
        return up

    def kept(self, up: Upsampling, uses: list[tuple[int, Operand]]) -> Upsampling:
        """A clean upsampling, unless a mask follows."""
        if any(map(_masks, self.after(uses, POINTWISE))):
            up.obstacle = "what follows multiplies it by values that differ from pixel to pixel"
        return up

    def after(self, uses: list[tuple[int, Operand]], passed: Collection[str] = ()) -> list[Node]:
        """The linear operations that follow, as long as nothing else reads what is between.

        Args:
            passed: other operations that may lie between.
        """
        found: list[Node] = []
        while len(uses) == 1:
            i, operand = uses[0]
            node = self.nodes[i]
            if found and not operand.same:
                break
            linear = is_convolution(node) or node.op in AFFINE or node.op.startswith("avg_pool")
            linear = linear or node.op in passed
            if not operand.alone or len(node.operands) > 1 or upsampling_stride(node):
                break
            if not linear or node.channel_last or node.op == OUTPUT:
                break
            found.append(node)
            uses = self.uses.get(i, [])
        return found


def _masks(node: Node) -> bool:
    """Whether the node multiplies pixels by constants that are not all alike."""
    axes = len(node.shape) - 2
    factors = [x for x in node.args[:2] if isinstance(x, Tensor) and x.ndim and not x.is_meta]
    flat = [x.flatten(-min(axes, x.ndim)) for x in factors if node.op in ("mul", "div")]
    return any(bool((x != x[..., :1]).any()) for x in flat)


def _pixels(shape: tuple[int, ...]) -> tuple[float, float] | None:
    """Of an image, and of the batch; None for other tensors."""
    area = math.prod(shape[2:])
    return (area, area * shape[0]) if len(shape) > 3 else None


def _extent(node: Node) -> int:
    """By how much a convolution of stride 1 may enlarge by padding."""
    reach: int = max(weight_of(node).shape[2:])
    return 2 * reach + 2 * int(max(node.args[4]))


def _obstacle(node: Node) -> str | None:
    """Why the search for the convolution cannot pass this node."""
    named = type(node.layer).__name__ if node.layer and not list(node.layer.children()) else node.op
    if node.op in ("input", "max_pool2d_with_indices"):
        return "found no convolution before it"
    if len(node.operands) == 1 and node.operands[0].same:
        slopes = node.args[1] if node.op == "_prelu_kernel" else None
        if node.op in POINTWISE and (slopes is None or slopes.numel() == 1):
            return None
        if node.op in AFFINE and (node.op not in NORMS or node.args[5] is not True):
            return None
    if node.op == "mul" and len(node.operands) > 1:
        return "it gates the channels that are shuffled"
    if "norm" in node.op or node.op == "_prelu_kernel":
        return f"{named} before the shuffle scales its phases"
    return f"found no convolution before it, but {named}"


def _name(node: Node, owners: tuple[type[nn.Module], ...]) -> str:
    """The module's path if it is one of `owners`; else its path and the operation."""
    if isinstance(node.layer, owners):
        return node.path or type(node.layer).__name__
    op = _function_name(node)
    name = f"{node.path}.{op}" if node.path else op
    return name if node.call == 0 else f"{name} {node.call + 1}"


def _function_name(node: Node) -> str:
    """The operation as torch.nn.functional calls it."""
    if node.op == "convolution":
        kind = "conv_transpose" if node.args[6] else "conv"
        return f"{kind}{len(node.args[3])}d"
    if "upsample_" in node.op:
        return "interpolate"
    return {"addmm": "linear", "mm": "linear", "col2im": "fold"}.get(node.op, node.op)


def _own_layer(node: Node, kinds: tuple[type[nn.Module], ...]) -> nn.Module | None:
    """The module that ran the node, if it is one of torch's own with torch's own forward."""
    for kind in kinds:
        if isinstance(node.layer, kind) and type(node.layer).forward is kind.forward:
            return node.layer
    return None
