"""Replay recorded linear operations on a small periodic image: what they do away from borders.

The image is one impulse per input channel on a torus of a few pixels, so nothing has borders. On a
torus of one pixel the impulse is a constant.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
NORMS = ("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
REACH = 3  # input pixels around an interpolated one: bicubic reads 2
MAX_COST = 4e9  # multiplications; a replay that takes more is refused
SAME = 1e-6  # relative difference of factors that counts as none


class NotLinearError(ValueError):
    """An operation that cannot be replayed."""


class TooCostlyError(NotLinearError):
    """A replay that would take too long."""


@dataclass(frozen=True)
class Signal:
    """Responses to an impulse in each input channel, and last the response to none (the biases).

    While `single`, it is one image (1, 1, *size) that stands for every channel's own.
    """

    values: Tensor  # (in_channels + 1, channels, *size)
    single: bool = False

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels per axis."""
        return tuple(self.values.shape[2:])


def impulse(size: Sequence[int]) -> Signal:
    """A 1 in pixel 0 of each channel."""
    values = torch.zeros(1, 1, *size, dtype=torch.float64)
    values[(0, 0, *[0] * len(size))] = 1
    return Signal(values, single=True)


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


def upsampling_stride(node: Node) -> tuple[int, ...]:
    """The stride of a transposed convolution; () for other nodes and for stride 1."""
    if node.op != "convolution" or not node.args[6]:
        return ()
    stride = per_axis(node.args[3], len(weight_of(node).shape) - 2)
    return stride if max(stride) > 1 else ()


def downsampling_stride(node: Node, axes: int) -> tuple[int, ...]:
    """By what a node divides the number of pixels."""
    if node.op == "convolution" and not node.args[6]:
        return per_axis(node.args[3], axes)
    if node.op.startswith("avg_pool"):
        return per_axis(node.args[2] if len(node.args) > 2 and node.args[2] else node.args[1], axes)
    return (1,) * axes


def replay_node(signal: Signal, node: Node) -> Signal:
    """The signal after an operation.

    Raises:
        NotLinearError: it is none of those that are known to be linear.
    """
    if is_convolution(node):
        return _convolve(signal, node)
    if node.op in NORMS:
        return _normalize(signal, node)
    if node.op in ("add", "sub", "mul", "div"):
        return _affine(signal, node)
    if node.op.startswith("avg_pool"):
        return _pool(signal, node)
    if node.op.startswith("upsample_"):
        return _resize(signal, node)
    if node.op == "col2im":
        return _fold(signal, node)
    raise NotLinearError(node.op)


def rearrange(signal: Signal, operand: Operand) -> Signal:
    """The signal after its pixels were moved."""
    table = operand.table
    if table is None:
        return signal
    if signal.single:  # the same for every channel
        if not operand.spaced:
            raise NotLinearError("mixes channels")
        table = table[:1].clamp(max=0)
    blocks = (
        signal.values[:, table.clamp(min=0)] * (table >= 0)[(None, ..., *[None] * len(signal.size))]
    )
    axes = table.ndim - 1  # (N, C, *scale, *size): each scale goes behind its size
    order = [0, 1] + [axis for a in range(axes) for axis in (2 + axes + a, 2 + a)]
    blocks = blocks.permute(order)
    size = [n * s for n, s in zip(signal.size, table.shape[1:], strict=True)]
    return replace(signal, values=blocks.reshape(*blocks.shape[:2], *size))


def _expanded(signal: Signal, channels: int) -> Tensor:
    """(channels + 1, channels, *size) of a single signal."""
    if not signal.single:
        return signal.values
    eye = torch.eye(channels + 1, channels, dtype=torch.float64)
    return eye[(..., *[None] * len(signal.size))] * signal.values


def _number(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        if value.is_meta:
            raise NotLinearError("its weights are on the meta device: they have no values")
        return value.detach().cpu().double()
    return torch.tensor(float(value), dtype=torch.float64)


def _convolve(signal: Signal, node: Node) -> Signal:
    weight, axes = _number(weight_of(node)), len(signal.size)
    if node.op == "convolution":
        bias = node.args[2]
        stride, padding, dilation = (per_axis(node.args[i], axes) for i in (3, 4, 5))
        shape = Geometry(stride, padding, dilation, bool(node.args[6]), node.args[8])
    else:
        bias = node.args[0] if node.op == "addmm" else None
        weight = weight.reshape(*weight.shape[:2], *[1] * axes)
        shape = Geometry((1,) * axes, (0,) * axes, (1,) * axes, False, 1)
    values = signal.values
    if not shape.transposed:  # whole strides
        sizes = zip(signal.size, shape.stride, strict=True)
        values = wrapped(values, [(0, math.lcm(n, s)) for n, s in sizes])
    if signal.single:
        values = stamped(values, weight, shape)
    else:
        _check_cost(
            values.numel()
            * weight[0].numel()
            * (1 if shape.transposed else weight.shape[0] / shape.groups / weight.shape[1])
        )
        values = swept(values, weight, shape)
    if isinstance(bias, Tensor):
        values[-1] += _number(bias).reshape(-1, *[1] * axes)
    return Signal(values)


def _check_cost(cost: float) -> None:
    if cost > MAX_COST:
        raise TooCostlyError("too many channels to measure")


def _scaled(signal: Signal, channels: int, scale: Tensor, shift: Tensor) -> Signal:
    """Scale and shift each channel; numbers or (channels,)."""
    if signal.single and scale.numel() == 1 and not shift.any():
        return replace(signal, values=signal.values * scale)
    values = _expanded(signal, channels) * scale.reshape(-1, *[1] * len(signal.size))
    values[-1] += shift.reshape(-1, *[1] * len(signal.size))
    return Signal(values)


def _normalize(signal: Signal, node: Node) -> Signal:
    weight, bias, mean, variance = node.args[1:5]
    if node.args[5] is True or not isinstance(mean, Tensor):
        raise NotLinearError("normalizes by the statistics of its own input")
    scale = (_number(variance) + node.args[-1]).rsqrt()
    if weight is not None:
        scale = scale * _number(weight)
    shift = -_number(mean) * scale
    return _scaled(signal, len(scale), scale, shift if bias is None else shift + _number(bias))


def _affine(signal: Signal, node: Node) -> Signal:
    """Add or multiply a number, or one for each channel."""
    given = [x for x in node.args[:2] if not isinstance(x, Input)]
    (shape,) = [x.shape for x in node.args[:2] if isinstance(x, Input)] or [()]
    if len(given) != 1 or (node.op == "div" and isinstance(node.args[1], Input)):
        raise NotLinearError("combines two activations")
    value = _number(given[0])
    axis = len(shape) - 1 if node.channel_last else 1
    wanted = [1] * len(shape)
    wanted[axis] = shape[axis]
    if value.numel() > 1:
        value = value.reshape((1,) * (len(shape) - value.ndim) + tuple(value.shape))
    for a, size in enumerate(value.shape):
        if size not in (1, wanted[a]):  # away from borders it may be the same everywhere
            middle = value.narrow(a, size // 4, -(-size // 2)) if a > 0 else value
            value = value.narrow(a, size // 2, 1)
            if bool(((middle - value).abs() > SAME * value.abs()).any()):
                raise NotLinearError("differs from pixel to pixel")
    value = value.flatten()
    one, zero = torch.ones(1).double(), torch.zeros(1).double()
    first_is_constant = not isinstance(node.args[0], Input)
    if node.op in ("mul", "div"):
        return _scaled(signal, shape[axis], value if node.op == "mul" else 1 / value, zero)
    scale = -one if node.op == "sub" and first_is_constant else one
    shift = -value if node.op == "sub" and not first_is_constant else value
    return _scaled(signal, shape[axis], scale, shift)


def _pool(signal: Signal, node: Node) -> Signal:
    """Average pooling: a convolution of each channel."""
    axes = len(signal.size)
    kernel = per_axis(node.args[1], axes)
    stride = downsampling_stride(node, axes)
    padding = per_axis(node.args[3], axes) if len(node.args) > 3 else (0,) * axes
    values = signal.values.flatten(0, 1)[:, None]
    box = torch.full((1, 1, *kernel), 1 / math.prod(kernel), dtype=torch.float64)
    args = (Input(()), box, None, stride, padding, (1,) * axes, False, (0,) * axes, 1)
    pooled = _convolve(Signal(values), Node("convolution", args)).values[:, 0]
    return replace(signal, values=pooled.unflatten(0, signal.values.shape[:2]))


def _fold(signal: Signal, node: Node) -> Signal:
    """F.fold: a transposed convolution with a kernel that is one tap for each channel."""
    _, _, kernel, dilation, padding, stride = node.args
    taps = math.prod(kernel)
    weight = torch.eye(taps, dtype=torch.float64).reshape(taps, 1, *kernel)
    channels = node.args[0].shape[1] // taps
    weight = weight.repeat(channels, 1, 1, 1)
    args = (Input(()), weight, None, stride, padding, dilation, True, (0, 0), channels)
    return _convolve(signal, Node("convolution", args))


def resized_scale(node: Node) -> tuple[float, ...]:
    """Output size ÷ input size."""
    before, after = node.args[0].shape[2:], node.shape[2:]
    return tuple(new / old for new, old in zip(after, before, strict=True))


def interpolation_mode(node: Node) -> str:
    """As nn.Upsample has it, such as nearest or bilinear."""
    mode = node.op.removeprefix("upsample_").removeprefix("_")
    return re.sub("[123]d$", "", mode)


def _resize(signal: Signal, node: Node) -> Signal:
    scale, mode = resized_scale(node), interpolation_mode(node)
    aligned = mode != "nearest" and node.args[2] is True
    if aligned or any(s % 1 for s in scale):
        raise NotLinearError(f"its scale factors {scale} are not integers")
    whole = [int(s) for s in scale]
    values = wrapped(signal.values, [(-REACH, n + REACH) for n in signal.size])
    _check_cost(values.numel() * math.prod(whole))
    values = F.interpolate(values, scale_factor=[float(s) for s in whole], mode=mode)
    for a, (n, s) in enumerate(zip(signal.size, whole, strict=True)):
        values = values.narrow(2 + a, REACH * s, n * s)
    return replace(signal, values=values)


def reach_of(node: Node) -> tuple[int, ...]:
    """Pixels of its input over which the node spreads one."""
    if node.op.startswith("upsample_"):
        return (2 * REACH,) * (len(node.shape) - 2)
    if node.op.startswith("avg_pool"):
        return per_axis(node.args[1], len(node.shape) - 2)
    if node.op != "convolution":
        return (0,) * max(1, len(node.shape) - 2)
    weight = weight_of(node)
    dilations = per_axis(node.args[5], weight.ndim - 2)
    strides = upsampling_stride(node) or (1,) * len(dilations)
    axes = zip(dilations, weight.shape[2:], strides, strict=True)
    return tuple(-(-d * (k - 1) // s) for d, k, s in axes)
