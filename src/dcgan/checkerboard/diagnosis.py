"""Find the layers of any network that leave a checkerboard, and say what helps.

from dcgan.checkerboard import diagnose
print(diagnose(network, example_input))
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.utils._pytree import tree_leaves, tree_map

from dcgan.checkerboard.definition import evaluating, find_defined, inputs_of, is_upsampling
from dcgan.checkerboard.effects import effect_of, input_moments_of, picture_of
from dcgan.checkerboard.frames import frame_of, frames_of, misfits, shift_of
from dcgan.checkerboard.layers import Stamp, stamp_of, step_imbalance, tap_contrast
from dcgan.checkerboard.recording import OUTPUT, Node, Recording, record, same_random_state
from dcgan.checkerboard.replay import (
    NotLinearError,
    TooCostlyError,
    is_convolution,
    upsampling_stride,
    weight_of,
)
from dcgan.checkerboard.rerunning import NotRepeatedError
from dcgan.checkerboard.stored import modules_of
from dcgan.checkerboard.torus import per_axis
from dcgan.checkerboard.traversal import Upsampling, find_recorded
from dcgan.checkerboard.verdicts import Diagnosis, LayerDiagnosis, cell, signed
from dcgan.convolution.alignment import image_shift
from dcgan.convolution.coverage import coverage_ratio
from dcgan.errors import first_line

BALANCE = "dcgan.checkerboard.balance(network) removes the grid without extra operations"
NOT_REPEATED = (
    "the network does not run the same operations each time, so some of the layers' real inputs"
    " and effects on the output are not measured"
)


def diagnose(
    network: Any,
    example: Any = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    forward: Callable[..., Any] | None = None,
    strides: Mapping[str, Any] | None = None,
) -> Diagnosis:
    """Find everything that enlarges images in a network and judge which leave a checkerboard.

    The network, its modes and torch's random state are left unchanged.

    Args:
        network: an nn.Module; or a state dict, with `strides`; or the path of an .onnx file.
        example: an input, a tuple of positional inputs, or a dict of keyword inputs, on which the
            network runs twice in eval mode, and once more for each uneven layer. Every operation is
            then seen, ρ is weighted by each layer's real inputs, and the effect on the output is
            measured. Without one, ConvTranspose, Upsample and PixelShuffle modules are judged
            alone or with their neighbors in an nn.Sequential, with equal, independent inputs.
        kwargs: keyword inputs beside the example.
        forward: what to run instead of the network itself; called as
            forward(network, *inputs, **kwargs).
        strides: of a state dict: name → stride of each transposed convolution.

    Raises:
        ValueError: there is nothing that could be run or read, such as an empty batch.
    """
    padded = not isinstance(network, Mapping)  # a state dict holds no padding
    if not isinstance(network, nn.Module):
        network = modules_of(network, strides)
    network = getattr(network, "_orig_mod", network)  # of torch.compile
    keywords = dict(kwargs or {})
    if isinstance(example, Mapping):
        keywords, example = {**example, **keywords}, ()
    inputs = inputs_of(example)
    if any(x.numel() == 0 for x in tree_leaves((inputs, keywords)) if isinstance(x, Tensor)):
        raise ValueError("the example is empty: give at least one image")
    with evaluating(network), same_random_state():
        if inputs is None and not keywords:
            if forward is not None:
                raise ValueError("forward needs an example: the inputs that it is called with")
            rows = [_row(up, None, padded=padded) for up in find_defined(network)]
            return Diagnosis(rows, watched=False)
        if any(isinstance(x, UninitializedParameter) for x in network.parameters()):
            raise ValueError(
                "some weights have no shape yet: run the network once, then diagnose it"
            )
        call = network if forward is None else lambda *a, **k: forward(network, *a, **k)
        return _watch(network, call, (inputs or (), keywords))


def _copied(given: Any) -> Any:
    """The example anew: a network may write into its input."""
    return tree_map(lambda x: x.detach().clone() if isinstance(x, Tensor) else x, given)


def _watch(network: nn.Module, call: Callable[..., Any], given: Any) -> Diagnosis:
    outputs: list[Any] = []
    positional, keywords = first = _copied(given)

    def keep() -> Any:
        outputs.append(call(*positional, **keywords))
        return outputs[0]

    def again() -> Any:
        positional, keywords = _copied(given)
        return call(*positional, **keywords)

    recording = record(network, keep, first)
    found, remarks = find_recorded(recording), []
    try:
        moments = input_moments_of(recording, found, again, given)
    except NotRepeatedError:
        moments = [None] * len(found)
        remarks = [NOT_REPEATED]
    rows = [_row(up, moment) for up, moment in zip(found, moments, strict=True)]
    picture = picture_of(outputs[0])
    for up, row in zip(found, rows, strict=True):
        if picture is not None and not remarks and row.verdict.endswith("grid"):
            try:
                row.effects = effect_of(recording, up, picture, again)
            except NotRepeatedError:
                remarks = [NOT_REPEATED]
    alignment = _align(recording, rows)
    for name, module in network.named_modules():
        if is_upsampling(module) and not _took_part(module, recording):
            why = "defined, but it did not run on this example"
            rows.append(LayerDiagnosis(name, type(module).__name__, problem=why))
    return Diagnosis(rows, alignment=alignment, remarks=remarks)


def _took_part(module: nn.Module, recording: Recording) -> bool:
    weight = getattr(module, "weight", None)
    used = any(arg is weight for node in recording.nodes for arg in node.args if arg is not None)
    return module in recording.ran or used or isinstance(module, torch.jit.ScriptModule)


def _align(recording: Recording, rows: list[LayerDiagnosis]) -> list[str]:
    """Say where the path does not fit; where it does, the layers' shifts are part of that."""
    nodes = recording.nodes
    frames = frames_of(nodes)
    lines = misfits(nodes, frames)
    ends = [node for node in nodes if node.op == OUTPUT and len(node.shape) > 3]
    placed = [frame for node in ends for frame in [frame_of(node.operands[0], frames)] if frame]
    from_image = any(node.op == "input" and len(node.shape) > 3 for node in nodes)
    if not from_image or not placed:
        return lines
    shift = shift_of(placed[0])
    if any(abs(s) > 1e-6 for s in shift):
        lines.append(f"the output lies {signed(shift)} px from where the input does")
    elif not lines:
        for row in rows:
            row.needs_shift = any(row.shift)
            if row.needs_shift and "balance(network)" in row.cure:
                row.cure = f"{BALANCE} and keeps the path aligned"
    return lines


def _row(found: Upsampling, moment: Tensor | None, *, padded: bool = True) -> LayerDiagnosis:
    row = LayerDiagnosis(found.name, found.kind, stride=found.scale, problem=found.obstacle)
    if found.clean and not found.obstacle:
        # Copying and interpolating turn a constant into the same constant, whatever the size.
        row.rho, row.coverage, row.shift = 0.0, 1.0, (0.0,) * len(found.scale)
        return row
    if found.source is None:
        return row
    # Third-party layers may raise anything; report it and go on to the other layers.
    try:
        if found.source.op == "convolution" and is_convolution(found.source):
            _add_geometry(row, found, found.source)
        row.shift = row.shift if padded else ()
        if not row.problem:
            _judge(row, found, moment)
        row.cure = _cure(found, row, padded=padded)
    except (
        *(ValueError, RuntimeError, TypeError, AttributeError, AssertionError),
        LookupError,
    ) as error:
        row.problem = first_line(error)
    return row


def _judge(row: LayerDiagnosis, found: Upsampling, moment: Tensor | None) -> None:
    stamp = _stamp(found)
    channels = stamp.gains.shape[-1]
    if moment is None or len(moment) != channels + 1 or not moment[:-1, :-1].any():
        moment = torch.eye(channels + 1, dtype=torch.float64)  # zeros say nothing about the layer
    else:
        row.on_real_inputs = True
    rho = step_imbalance(stamp, moment)
    if not math.isfinite(rho):
        raise ValueError("its weights or its inputs are not finite")
    row.rho = rho
    row.kappa = None if stamp.energy is None else tap_contrast(stamp)


def _stamp(found: Upsampling) -> Stamp:
    """The response, with what follows as far as that is linear."""
    after, with_energy = list(found.after), True
    while True:
        try:
            return stamp_of([*found.steps, *after], len(found.scale), with_energy=with_energy)
        except NotLinearError as error:
            if with_energy and isinstance(error, TooCostlyError):
                with_energy = False
            elif after:
                after.pop()
            else:
                raise


def _add_geometry(row: LayerDiagnosis, found: Upsampling, node: Node) -> None:
    row.kernel_size = tuple(weight_of(node).shape[2:])
    axes = len(row.kernel_size)
    padding, dilation = (per_axis(node.args[i], axes) for i in (4, 5))
    row.dilation = dilation
    stride = upsampling_stride(node)
    if stride and not found.shuffled:
        row.coverage = coverage_ratio(row.kernel_size, stride, dilation)
        row.shift = tuple(map(image_shift, row.kernel_size, stride, padding, dilation))
        return
    row.coverage = 1.0
    # A convolution shifts an image by its leading padding minus half its extent; before a pixel
    # shuffle this happens at the small size.
    extra = node.operands[0].shift or (0,) * axes
    each = zip(found.scale, padding, extra, dilation, row.kernel_size, strict=True)
    row.shift = tuple(s * (p - e - d * (k - 1) / 2) for s, p, e, d, k in each)


def _cure(found: Upsampling, row: LayerDiagnosis, *, padded: bool) -> str:
    balance = BALANCE
    if found.layer is None:
        balance = "dcgan.checkerboard.balance would cure it if it were a layer of torch.nn"
    elif found.shuffled and not found.is_pixel_shuffle():
        balance = "dcgan.checkerboard.balance would cure it before an nn.PixelShuffle"
    if found.norm is not None:
        return f"put {found.norm} after the shuffle, then {balance}"
    if row.coverage == 1 or row.coverage is None:
        return f"coverage is even but the weights are not: {balance}"
    assert found.source is not None
    even = _evenly_covering(found.source) if padded else "a kernel size that the stride divides"
    if row.coverage == math.inf:
        geometry = map(cell, (row.kernel_size, row.stride, row.dilation))
        why = "kernel {}, stride {}, dilation {}: some outputs get no tap".format(*geometry)
        return f"{why}; use {even}, then {balance}"
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
