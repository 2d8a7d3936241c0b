"""Replay recorded linear operations on a small periodic image: what they do away from borders.

The image is one impulse per input channel on a torus of a few pixels, so nothing has borders. On a
torus of one pixel the impulse is a constant.

Responses are (in_channels + 1, channels, *size): to an impulse in each input channel, and last to
none (the biases). Until channels are mixed, one image (1, 1, *size) stands for all channels'.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.checkerboard.rearrangement import Operand
from dcgan.checkerboard.recording import Input, Node
from dcgan.checkerboard.torus import Geometry, per_axis, stamped, swept, wrapped

# Pointwise functions that treat all channels alike: they keep equal phases equal.
POINTWISE = {
    *("relu", "leaky_relu", "_prelu_kernel", "elu", "celu", "selu", "gelu", "silu", "mish"),
    *("sigmoid", "tanh", "hardtanh", "hardsigmoid", "hardswish", "softplus", "threshold", "clamp"),
    *("clamp_min", "clamp_max", "dropout", "native_dropout", "abs", "rsqrt", "sin", "softsign"),
}
KERNELS = ("convolution", "col2im", "avg_pool", "max_pool", "quantized_max_pool")  # they have one
NORMS = ("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
REACH = 3  # input pixels around an interpolated one: bicubic reads 2
MAX_COST = 4e9  # multiplications; a replay that takes more is refused
SAME = 1e-6  # relative difference of factors that counts as none


class NotLinearError(ValueError):
    """An operation that cannot be replayed."""


class TooCostlyError(NotLinearError):
    """A replay that would take too long."""


def impulse(size: Sequence[int]) -> Tensor:
    """A 1 in pixel 0 of each channel."""
    values = torch.zeros(1, 1, *size, dtype=torch.float64)
    values[(0, 0, *[0] * len(size))] = 1
    return values


def is_convolution(node: Node) -> bool:
    """Whether the node mixes channels with weights that do not depend on the example."""
    if node.op == "convolution":
        return isinstance(node.args[0], Input) and isinstance(node.args[1], Tensor)
    return node.op in ("addmm", "mm") and isinstance(node.args[-1], Tensor)


def weight_of(node: Node) -> Tensor:
    """A convolution's weight as torch has it; a matrix product's as that of a 1x1 convolution."""
    if node.op == "convolution":
        weight: Tensor = node.args[1]
        return weight
    matrix: Tensor = node.args[-1]
    return matrix.T[:, :, None, None]


def geometry_of(node: Node, axes: int) -> Geometry:
    """How a convolution, a pooling or a fold moves its kernel; of others, that of one tap."""
    kernel_size: Any = 1
    moved, transposed, groups = (1, 0, 1), False, 1
    if node.op == "convolution":
        kernel_size, moved = node.args[1].shape[2:], node.args[3:6]
        transposed, groups = bool(node.args[6]), node.args[8]
    elif node.op == "col2im":
        kernel_size, dilation, padding, stride = node.args[2:6]
        moved, transposed = (stride, padding, dilation), True
    elif node.op.startswith(KERNELS):
        kernel_size, stride, padding = [*node.args[1:4], [], []][:3]
        moved = stride or kernel_size, padding or 0, 1
    kernel_size, stride, padding, dilation = (per_axis(x, axes) for x in (kernel_size, *moved))
    return Geometry(kernel_size, stride, padding, dilation, transposed, groups)


def upsampling_stride(node: Node) -> tuple[int, ...]:
    """The stride of a transposed convolution; () for other nodes and for stride 1."""
    if node.op != "convolution" or not node.args[6]:
        return ()
    stride = geometry_of(node, len(node.args[1].shape) - 2).stride
    return stride if max(stride) > 1 else ()


def replay_node(values: Tensor, node: Node) -> Tensor:
    """The responses after an operation.

    Raises:
        NotLinearError: it is none of those that are known to be linear.
    """
    if is_convolution(node):
        return _convolve(values, node)
    if node.op in NORMS:
        return _normalize(values, node)
    if node.op in ("add", "sub", "mul", "div"):
        return _affine(values, node)
    if node.op.startswith("avg_pool"):
        return _pool(values, node)
    if node.op.startswith("upsample_"):
        return _resize(values, node)
    if node.op == "col2im":
        return _fold(values, node)
    raise NotLinearError(node.op)


def rearrange(values: Tensor, operand: Operand) -> Tensor:
    """The responses after their pixels were moved."""
    table, size = operand.table, values.shape[2:]
    if table is None:
        return values
    if len(values) == 1:  # the same for every channel
        if not operand.spaced:
            raise NotLinearError("mixes channels")
        table = table[:1].clamp(max=0)
    blocks = values[:, table.clamp(min=0)] * (table >= 0)[(None, ..., *[None] * len(size))]
    axes = table.ndim - 1  # (N, C, *scale, *size): each scale goes behind its size
    order = [0, 1] + [axis for a in range(axes) for axis in (2 + axes + a, 2 + a)]
    enlarged = [n * s for n, s in zip(size, table.shape[1:], strict=True)]
    return blocks.permute(order).reshape(*blocks.shape[:2], *enlarged)


def _expanded(values: Tensor, channels: int) -> Tensor:
    """(channels + 1, channels, *size) of one image that stands for every channel's own."""
    if len(values) > 1:
        return values
    eye = torch.eye(channels + 1, channels, dtype=torch.float64)
    return eye[(..., *[None] * (values.ndim - 2))] * values


def _number(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        if value.is_meta:
            raise NotLinearError("its weights are on the meta device: they have no values")
        return value.detach().cpu().double()
    return torch.tensor(float(value), dtype=torch.float64)


def _convolve(values: Tensor, node: Node) -> Tensor:
    weight, axes = _number(weight_of(node)), values.ndim - 2
    shape = geometry_of(node, axes)
    weight = weight.reshape(*weight.shape[:2], *shape.kernel_size)  # perhaps of a matrix product
    if len(values) == 1:
        values = stamped(values, weight, shape)
    else:
        filters = 1 if shape.transposed else weight.shape[0] / shape.groups / weight.shape[1]
        _check_cost(values.numel() * weight[0].numel() * filters)
        values = swept(values, weight, shape)
    bias = None if node.op == "mm" else node.args[0 if node.op == "addmm" else 2]
    if isinstance(bias, Tensor):
        values[-1] += _number(bias).reshape(-1, *[1] * axes)
    return values


def _check_cost(cost: float) -> None:
    if cost > MAX_COST:
        raise TooCostlyError("too many channels to measure")


def _scaled(values: Tensor, channels: int, scale: Tensor, shift: Tensor) -> Tensor:
    """Scale and shift each channel; numbers or (channels,)."""
    if len(values) == 1 and scale.numel() == 1 and not shift.any():
        return values * scale
    ones = [1] * (values.ndim - 2)
    values = _expanded(values, channels) * scale.reshape(-1, *ones)
    values[-1] += shift.reshape(-1, *ones)
    return values


def _normalize(values: Tensor, node: Node) -> Tensor:
    weight, bias, mean, variance = node.args[1:5]
    if node.args[5] is True or not isinstance(mean, Tensor):
        raise NotLinearError("normalizes by the statistics of its own input")
    scale = (_number(variance) + node.args[-1]).rsqrt()
    if weight is not None:
        scale = scale * _number(weight)
    shift = -_number(mean) * scale
    return _scaled(values, len(scale), scale, shift if bias is None else shift + _number(bias))


def _affine(values: Tensor, node: Node) -> Tensor:
    """Add or multiply a number, or one for each channel."""
    given = [x for x in node.args[:2] if not isinstance(x, Input)]
    if len(given) != 1 or (node.op == "div" and isinstance(node.args[1], Input)):
        raise NotLinearError("combines two activations")
    (shape,) = [x.shape for x in node.args[:2] if isinstance(x, Input)]
    value = _number(given[0])
    axis = len(shape) - 1 if node.channel_last else 1
    if value.numel() > 1:
        value = value.reshape((1,) * (len(shape) - value.ndim) + tuple(value.shape))
    for a, size in enumerate(value.shape):
        if size > 1 and (a != axis or size != shape[a]):
            # Away from borders it may be the same everywhere.
            middle = value.narrow(a, size // 4, -(-size // 2)) if a > 0 else value
            value = value.narrow(a, size // 2, 1)
            if bool(((middle - value).abs() > SAME * value.abs()).any()):
                raise NotLinearError("differs from pixel to pixel")
    value = value.flatten()
    one, zero = torch.ones(1).double(), torch.zeros(1).double()
    first_is_constant = not isinstance(node.args[0], Input)
    if node.op in ("mul", "div"):
        return _scaled(values, shape[axis], value if node.op == "mul" else 1 / value, zero)
    scale = -one if node.op == "sub" and first_is_constant else one
    shift = -value if node.op == "sub" and not first_is_constant else value
    return _scaled(values, shape[axis], scale, shift)


def _pool(values: Tensor, node: Node) -> Tensor:
    """Average pooling: a convolution of each channel."""
    shape = geometry_of(node, values.ndim - 2)
    taps = math.prod(shape.kernel_size)
    box = torch.full((1, 1, *shape.kernel_size), 1 / taps, dtype=torch.float64)
    each = values.flatten(0, 1)[:, None]
    pooled: Tensor = swept(each, box, shape)[:, 0].unflatten(0, values.shape[:2])
    return pooled


def _fold(values: Tensor, node: Node) -> Tensor:
    """F.fold: a transposed convolution with a kernel that is one tap for each channel."""
    shape = geometry_of(node, values.ndim - 2)
    taps = math.prod(shape.kernel_size)
    groups = values.shape[1] // taps
    weight = torch.eye(taps, dtype=torch.float64).repeat(groups, 1)
    weight = weight.reshape(-1, 1, *shape.kernel_size)
    return swept(values, weight, replace(shape, groups=groups))


def resized_scale(node: Node) -> tuple[float, ...]:
    """Output size ÷ input size."""
    before, after = node.args[0].shape[2:], node.shape[2:]
    return tuple(new / old for new, old in zip(after, before, strict=True))


def interpolation_mode(node: Node) -> str:
    """As nn.Upsample has it, such as nearest or bilinear."""
    mode = re.sub("[123]d(_aa)?$", "", node.op.removeprefix("upsample_"))
    return mode.replace("_", "-")


def has_aligned_corners(node: Node) -> bool:
    """Whether a resizing maps corner pixels to corner pixels, instead of corners to corners."""
    return not interpolation_mode(node).startswith("nearest") and node.args[2] is True


def _resize(values: Tensor, node: Node) -> Tensor:
    scale, mode, size = resized_scale(node), interpolation_mode(node), values.shape[2:]
    aligned = has_aligned_corners(node)
    if aligned or any(s % 1 for s in scale):
        raise NotLinearError(f"its scale factors {scale} are not integers")
    values = wrapped(values, [(-REACH, n + REACH) for n in size])
    _check_cost(values.numel() * math.prod(scale))
    values = F.interpolate(values, scale_factor=list(scale), mode=mode)
    for a, (n, s) in enumerate(zip(size, map(int, scale), strict=True)):
        values = values.narrow(2 + a, REACH * s, n * s)
    return values
