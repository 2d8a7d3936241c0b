"""Find what enlarges images in a recorded run, and what is linear around it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.checkerboard.following import AFFINE, Followers, Uses
from dcgan.checkerboard.growth import find_grown
from dcgan.checkerboard.layers import PLAIN, TRANSPOSED
from dcgan.checkerboard.rearrangement import MUCH_LARGER, Operand, on_cpu
from dcgan.checkerboard.recording import SHUFFLE, Input, Node, Recording
from dcgan.checkerboard.replay import (
    NORMS,
    POINTWISE,
    has_aligned_corners,
    interpolation_mode,
    is_convolution,
    resized_scale,
    upsampling_stride,
    weight_of,
)

LEFT_TO_GROWTH = {"mm", "addmm", "bmm", "baddbmm", "_fft_c2r", "_fft_r2c", "_fft_c2c"}


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
    stretches: bool = False  # and moves them by different distances, so it has no single shift
    norm: str | None = None  # what scales or shifts channels between the convolution and a shuffle
    obstacle: str | None = None  # why it cannot be judged
    place: int = 0  # in the order of the run
    calls: list[Node] = field(default_factory=list)  # each time that the source runs

    @property
    def shuffled(self) -> bool:
        """Whether pixels are moved after the convolution."""
        return len(self.steps) != 1 or self.steps[0] is not self.source

    def num_shuffled(self) -> int:
        """How many of the source's channels are moved as by nn.PixelShuffle; 0: in another way."""
        last = self.steps[-1] if self.steps else None
        if not isinstance(last, Operand) or last.table is None or len(set(self.scale)) > 1:
            return 0
        order = last.table.flatten()
        alike = last.table.ndim == 3 and order.equal(torch.arange(len(order), device=order.device))
        return len(order) if alike else 0


@on_cpu
def find_recorded(recording: Recording) -> list[Upsampling]:
    """Every enlarging operation of a run; one that ran several times is listed once."""
    finder = _Finder(recording.nodes)
    found: dict[Any, Upsampling] = {}
    told: list[bool | None] = []
    for i, node in enumerate(recording.nodes):
        for operand in node.operands:
            if operand.table is not None or operand.problem is not None:
                key = finder.identity(operand)
                if key not in found:
                    found[key] = finder.rearranged(operand)
        up = finder.computed(i)
        told.append(None if up is None else up.obstacle is None)
        if up is not None:
            up.place = node.index
            found.setdefault(_key(node), up)
    for maker in find_grown(recording.nodes, told):
        why = "it made an image larger, in a way that is not known"
        up = Upsampling(_name(maker, ()), "other operations", obstacle=why, place=maker.index)
        found.setdefault(_key(maker), up)
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


def _numbered(found: list[Upsampling]) -> list[Upsampling]:
    """Equal names get numbers."""
    counts = Counter[str]()
    for each in found:
        counts[each.name] += 1
        if counts[each.name] > 1:
            each.name = f"{each.name} {counts[each.name]}"
    return found


class _Finder:
    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.followers = Followers(nodes)

    def identity(self, operand: Operand) -> Any:
        """The same for all that read the same rearrangement, and each time that it runs."""
        node = self.nodes[operand.node]
        if operand.table is None:
            return operand.maker, operand.problem, node.path, node.op
        return (*_key(node), tuple(operand.table.flatten().tolist()), operand.table.shape)

    def computed(self, i: int) -> Upsampling | None:
        """A node that enlarges by itself."""
        node, uses = self.nodes[i], self.followers.of(i)
        stride = upsampling_stride(node)
        if stride and _has_one_pixel(node, stride):
            return None  # one kernel is drawn, and nothing repeats
        if stride:
            layer = _own_layer(node, TRANSPOSED)
            known = isinstance(node.layer, TRANSPOSED)
            kind = type(node.layer).__name__ if known else f"ConvTranspose{len(stride)}d (function)"
            up = Upsampling(_name(node, TRANSPOSED), kind, stride, node, [node], layer=layer)
            if not is_convolution(node):
                up.obstacle = "its weights depend on the input"
            return self.followed(up, uses)
        if node.op.startswith("upsample_"):
            scale = resized_scale(node)
            kind, name = f"Upsample({interpolation_mode(node)})", _name(node, (nn.Upsample,))
            layer = _own_layer(node, (nn.Upsample,))
            up = Upsampling(name, kind, scale, clean=True, layer=layer)
            up.stretches = has_aligned_corners(node)
            return self.followed(up, uses) if max(scale) > 1 else None
        if node.op == "col2im":
            scale = tuple(map(float, node.args[5]))
            patched = self.nodes[node.operands[0].node].shape
            if len(patched) == len(node.shape) and patched[2:] == node.shape[2:]:
                return None  # back from its own patches
            up = Upsampling(_name(node, (nn.Fold,)), "fold", scale)
            return self.with_source(up, node.operands[0], node, uses) if max(scale) > 1 else None
        return self.unknown(node, uses)

    def unknown(self, node: Node, uses: Uses) -> Upsampling | None:
        """Any other node whose output is larger than its inputs by more than padding."""
        shapes = [x.shape for x in node.operands if len(x.shape) == len(node.shape) > 2]
        weighted = node.op == "convolution" and not isinstance(node.args[0], Input)
        if not shapes or weighted or node.op in LEFT_TO_GROWTH or node.op.startswith("_scaled_dot"):
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
        return self.followed(
            Upsampling(_name(node, ()), node.op, scale, clean=clean, stretches=clean, obstacle=why),
            uses,
        )

    def rearranged(self, operand: Operand) -> Upsampling:
        """Pixels of a larger image that come from the channels of a smaller one."""
        op, path = operand.maker
        by = "PixelShuffle" if op == SHUFFLE else "rearranged pixels"
        name = f"{path}.{op}" if path and op != SHUFFLE else path or op
        name = name or _name(self.nodes[operand.node], ())
        up = Upsampling(name, by, place=self.nodes[operand.node].index)
        table = operand.table
        if table is None:
            up.obstacle = f"it {operand.problem}"
            return up
        uses = [
            (i, x)
            for i, x in self.followers.of(operand.node)
            if x.table is not None and x.table.equal(table)
        ]
        up.scale = tuple(map(float, table.shape[1:]))
        flat = table.flatten(1)
        if bool((flat == flat[:, :1]).all()):
            up.kind, up.clean = "repeated pixels", True
            return self.followed(up, uses)
        if operand.spaced:
            up.kind, up.source = "zeros between pixels", self.nodes[operand.node]
            up.steps = [operand]
            return self.followed(up, uses)
        return self.with_source(up, operand, operand, uses)

    def with_source(
        self, up: Upsampling, operand: Operand, enlarging: Node | Operand, uses: Uses
    ) -> Upsampling:
        """Fill in the convolution before it, and what is linear in between and after."""
        node, between = self.nodes[operand.node], list[Node | Operand]()
        while not is_convolution(node):
            up.obstacle = _obstacle(node)
            if up.obstacle is not None:
                return up
            if node.op in AFFINE:
                between.insert(0, node)
                if any(isinstance(x, Tensor) and x.numel() > 1 for x in node.args):
                    up.norm = type(node.layer).__name__ if node.op in NORMS else node.op
            node = self.nodes[node.operands[0].node]
        up.name, up.source = _name(node, (*PLAIN, *TRANSPOSED, nn.Linear)), node
        own = type(node.layer).__name__ if up.name == node.path else "convolution"
        up.kind = f"{own} + {up.kind}"
        up.layer, up.place = _own_layer(node, PLAIN), node.index
        up.steps = [node, *between, enlarging]
        return self.followed(up, uses)

    def followed(self, up: Upsampling, uses: Uses) -> Upsampling:
        """Fill in what follows, unless that hides the block."""
        up.obstacle = up.obstacle or self.followers.obstacle(uses)
        if not up.clean:
            up.obstacle = up.obstacle or self.followers.purpose(uses)
            up.after, _ = self.followers.linear(uses)
        return up


def _has_one_pixel(node: Node, stride: tuple[int, ...]) -> bool:
    """Whether what it enlarges has one pixel."""
    axes = zip(node.operands[0].shape[2:], stride, strict=False)
    return all(size == 1 for size, step in axes if step > 1)


def _extent(node: Node) -> int:
    """By how much a convolution of stride 1 may enlarge by padding."""
    reach: int = max(weight_of(node).shape[2:])
    return 2 * reach + 2 * int(max(node.args[4]))


def _obstacle(node: Node) -> str | None:
    """Why the search for the convolution cannot pass this node."""
    named = type(node.layer).__name__ if node.layer and not list(node.layer.children()) else node.op
    if not node.operands or node.op == "max_pool2d_with_indices":
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
