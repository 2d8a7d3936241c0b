"""Where the pixels of each activation lie in the first image of the path (half-pixel centers)."""

from dcgan.checkerboard.rearrangement import Operand
from dcgan.checkerboard.recording import OUTPUT, Node
from dcgan.checkerboard.replay import KERNELS, geometry_of, has_aligned_corners, resized_scale
from dcgan.checkerboard.verdicts import signed

Axis = tuple[float, float]  # distance between pixels, and the place of pixel 0
Frame = tuple[Axis, ...]


def alignment_of(nodes: list[Node]) -> tuple[list[str], bool]:
    """Where images do not lie on each other, and whether the whole path is known to fit."""
    frames = frames_of(nodes)
    lines = misfits(nodes, frames)
    ends = [node for node in nodes if node.op == OUTPUT and is_image(node)]
    placed = [f for f in (frame_of(node.operands[0], frames) for node in ends) if f]
    if not reads_image(nodes) or not placed:
        return lines, False
    # Own pixels by which the image lies further down and right than it should.
    shift = [((pitch - 1) / 2 - start) / pitch for pitch, start in placed[0]]
    if any(abs(s) > 1e-6 for s in shift):
        lines.append(f"the output is shifted by {signed(shift)} px relative to the input")
    return lines, not lines


def frames_of(nodes: list[Node]) -> list[Frame | None]:
    """For each node's output; None: it is no image, or its place is not known.

    Without an image among the inputs, what the first convolutions read counts as one.
    """
    frames: list[Frame | None] = []
    starts = not reads_image(nodes)
    for node in nodes:
        axes = len(node.shape) - 2
        if node.op == "input":
            frames.append(((1.0, 0.0),) * axes if is_image(node) else None)
            continue
        before = [frame_of(operand, frames) for operand in node.operands]
        frame = next((frame for frame in before if frame), None)
        if frame is not None and len(frame) != axes and node.op != OUTPUT:
            frame = None  # no longer an image, or one with other axes
        if frame is None and starts and node.op == "convolution":
            frame = ((1.0, 0.0),) * axes
        frames.append(_after(node, frame))
    return frames


def is_image(node: Node) -> bool:
    """Whether a node's output has pixels: one alone is a vector."""
    return len(node.shape) > 3 and max(node.shape[2:]) > 1


def reads_image(nodes: list[Node]) -> bool:
    """Whether the network has an image among its inputs."""
    return any(node.op == "input" and is_image(node) for node in nodes)


def frame_of(operand: Operand, frames: list[Frame | None]) -> Frame | None:
    """Of what an operation reads."""
    frame = frames[operand.node]
    if frame is None or not (operand.same or operand.shift):
        return None
    scale = (1,) * len(frame) if operand.table is None else operand.table.shape[1:]
    moved = operand.shift or (0,) * len(frame)
    if not len(frame) == len(moved) == len(scale):
        return None  # other axes
    axes = zip(frame, moved, scale, strict=True)
    return tuple(
        (pitch / s, start + pitch * shift - (s - 1) / 2 * pitch / s)
        for (pitch, start), shift, s in axes
    )


def misfits(nodes: list[Node], frames: list[Frame | None]) -> list[str]:
    """Where two images meet that do not lie on each other."""
    found = []
    for node in nodes:
        met = [f for f in (frame_of(operand, frames) for operand in node.operands) if f]
        for frame in met[1:]:
            if len(frame) != len(met[0]) or [p for p, _ in frame] != [p for p, _ in met[0]]:
                continue
            apart = [(b - a) / p for (p, a), (_, b) in zip(met[0], frame, strict=True)]
            if any(abs(d) > 1e-6 for d in apart):
                found.append(f"{node.path or node.op}: two images meet {signed(apart)} px apart")
    return list(dict.fromkeys(found))


def _after(node: Node, frame: Frame | None) -> Frame | None:
    if node.op == OUTPUT:
        return frame
    if node.op.startswith("upsample_"):
        if frame is None or has_aligned_corners(node):
            return None  # aligned corners move pixels by different distances
        axis = zip(frame, resized_scale(node), strict=True)
        return tuple((p / s, a - (s - 1) / 2 * p / s) for (p, a), s in axis)
    if node.op.endswith("_backward") or not node.op.startswith(KERNELS):
        before = node.operands[0].shape if node.operands else ()
        return frame if before[2:] == node.shape[2:] else None
    shape = geometry_of(node, len(node.shape) - 2)
    if frame is None or len(frame) != len(shape.stride):
        return None
    reach = [d * (k - 1) / 2 for d, k in zip(shape.dilation, shape.kernel_size, strict=True)]
    each = zip(frame, shape.stride, shape.padding, reach, strict=True)
    if shape.transposed:
        return tuple((p / s, a + (pad - r) * p / s) for (p, a), s, pad, r in each)
    return tuple((p * s, a + (r - pad) * p) for (p, a), s, pad, r in each)
