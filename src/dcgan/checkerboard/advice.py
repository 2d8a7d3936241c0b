"""What helps against a layer's checkerboard, in words and as code."""

import math

from dcgan.checkerboard.recording import Node
from dcgan.checkerboard.replay import weight_of
from dcgan.checkerboard.torus import per_axis
from dcgan.checkerboard.traversal import Upsampling
from dcgan.checkerboard.verdicts import LayerDiagnosis, cell

BALANCE = "dcgan.checkerboard.balance(network) removes the grid without extra operations"


def cure_of(found: Upsampling, row: LayerDiagnosis, *, padded: bool) -> str:
    """The cure of an uneven layer, whose geometry `row` has.

    Args:
        padded: whether the layer's padding is known.
    """
    balance = BALANCE
    if found.layer is None:
        balance = "dcgan.checkerboard.balance cures only torch.nn's convolutions"
    elif found.shuffled and not found.is_pixel_shuffle():
        balance = "dcgan.checkerboard.balance would cure it before an nn.PixelShuffle"
    if found.norm is not None:
        return f"put {found.norm} after the shuffle, then {balance}"
    if row.coverage is None:
        return f"the weights are uneven: {balance}"
    if row.coverage == 1:
        return f"coverage is even, but the kernel's phase sums differ: {balance}"
    even, last = "a kernel size divisible by the stride", found.steps[-1]
    if padded and isinstance(last, Node) and last.op == "convolution":
        even = _evenly_covering(last)
    if row.coverage == math.inf:
        geometry = map(cell, (row.kernel_size, row.stride, row.dilation))
        why = "kernel {}, stride {}, dilation {}: some outputs get no tap".format(*geometry)
        return f"{why}; use {even}, then {BALANCE}"
    if balance != BALANCE:
        return f"coverage is uneven: use {even}; {balance}"
    return f"{balance}, but coverage stays uneven; to make it even, use {even}"


def _evenly_covering(node: Node) -> str:
    """Code of a transposed convolution of the same output size whose strides divide its kernel.

    Output size − stride·(input size − 1) is 1 + d(k − 1) − 2p + op along every axis.
    """
    weight, groups = weight_of(node), node.args[8]
    given = (per_axis(node.args[i], weight.ndim - 2) for i in (3, 4, 7, 5))
    axes = zip(weight.shape[2:], *given, strict=True)
    geometry = []
    for k, s, p, op, d in axes:
        extent = 1 + d * (k - 1) - 2 * p + op
        even = -(-max(k, extent) // s) * s
        padding = -(-(even - extent) // 2)
        geometry.append((even, s, padding, 2 * padding - (even - extent)))
    words = [f"{weight.shape[0]}, {weight.shape[1] * groups}"]
    names = ("kernel_size", "stride", "padding", "output_padding")
    for name, values in zip(names, zip(*geometry, strict=True), strict=True):
        if any(values):
            words.append(f"{name}={values[0] if len(set(values)) == 1 else values}")
    words += [f"groups={groups}"] * (groups > 1) + ["bias=False"] * (node.args[2] is None)
    return f"nn.ConvTranspose{len(geometry)}d({', '.join(words)})"
