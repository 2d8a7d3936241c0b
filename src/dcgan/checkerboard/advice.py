"""What helps against a layer's checkerboard, in words and as code."""

import math
from dataclasses import replace

from torch import nn

from dcgan.checkerboard.cure import problem_of
from dcgan.checkerboard.recording import Node
from dcgan.checkerboard.replay import geometry_of, weight_of
from dcgan.checkerboard.torus import per_axis
from dcgan.checkerboard.traversal import Upsampling
from dcgan.checkerboard.verdicts import LayerDiagnosis, cell

BALANCE = "dcgan.checkerboard.balance(network) removes the grid without extra operations"


def cure_of(found: Upsampling, row: LayerDiagnosis, network: nn.Module, *, padded: bool) -> str:
    """The cure of an uneven layer, whose geometry `row` has.

    Args:
        padded: whether the layer's padding is known.
    """
    problem = problem_of(replace(found, norm=None), network)  # the norm can be moved
    cannot = f"dcgan.checkerboard.balance cannot cure it ({problem})"
    balance = BALANCE if problem is None else cannot
    if found.norm is not None and problem is None:
        return f"put {found.norm} after the shuffle, then {BALANCE}"
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
    if problem is not None:
        return f"coverage is uneven: use {even}; {balance}"
    return f"{balance}, but coverage stays uneven; to make it even, use {even}"


def _evenly_covering(node: Node) -> str:
    """Code of a transposed convolution of the same output size whose strides divide its kernel.

    Output size − stride·(input size − 1) is 1 + d(k − 1) − 2p + op along every axis.
    """
    weight = weight_of(node)
    shape = geometry_of(node, weight.ndim - 2)
    added = per_axis(node.args[7], weight.ndim - 2)
    axes = zip(shape.kernel_size, shape.stride, shape.padding, added, shape.dilation, strict=True)
    geometry = []
    for k, s, p, op, d in axes:
        extent = 1 + d * (k - 1) - 2 * p + op
        even = -(-max(k, extent) // s) * s
        if s == 1:  # torch allows no output padding there
            even += (even - extent) % 2
        padding = -(-(even - extent) // 2)
        geometry.append((even, s, padding, 2 * padding - (even - extent)))
    words = [f"{weight.shape[0]}, {weight.shape[1] * shape.groups}"]
    names = ("kernel_size", "stride", "padding", "output_padding")
    for name, values in zip(names, zip(*geometry, strict=True), strict=True):
        if any(values):
            words.append(f"{name}={values[0] if len(set(values)) == 1 else values}")
    words += [f"groups={shape.groups}"] * (shape.groups > 1)
    words += ["bias=False"] * (node.args[2] is None)
    return f"nn.ConvTranspose{len(geometry)}d({', '.join(words)})"
