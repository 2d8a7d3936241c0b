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
from torch.utils._pytree import tree_leaves

from dcgan.checkerboard.advice import BALANCE, cure_of
from dcgan.checkerboard.definition import (
    copied,
    evaluating,
    find_defined,
    inputs_of,
    original,
    unused,
)
from dcgan.checkerboard.effects import effect_of, input_moments_of, picture_of
from dcgan.checkerboard.frames import alignment_of
from dcgan.checkerboard.layers import Stamp, stamp_of, step_imbalance, tap_contrast
from dcgan.checkerboard.rearrangement import Operand, on_cpu
from dcgan.checkerboard.recording import Node, record
from dcgan.checkerboard.replay import NotLinearError, geometry_of
from dcgan.checkerboard.rerunning import NotRepeatedError
from dcgan.checkerboard.stored import modules_of
from dcgan.checkerboard.traversal import Upsampling, find_recorded
from dcgan.checkerboard.verdicts import Diagnosis, LayerDiagnosis
from dcgan.convolution.alignment import image_shift
from dcgan.convolution.coverage import coverage_ratio
from dcgan.errors import first_line

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
    if strides and padded:
        raise ValueError("strides: only a state dict needs them")
    if not isinstance(network, nn.Module):
        network = modules_of(network, strides)
        if example is not None or kwargs or forward is not None:
            raise ValueError("stored weights cannot be run: leave out the example")
    network = original(network)
    inputs, keywords = inputs_of(example)
    keywords |= dict(kwargs or {})
    if any(x.numel() == 0 for x in tree_leaves((inputs, keywords)) if isinstance(x, Tensor)):
        raise ValueError("the example is empty: give at least one image")
    with evaluating(network):
        if inputs is None and not keywords:
            if forward is not None:
                raise ValueError("forward needs an example: the inputs that it is called with")
            rows = [_row(up, None, network, padded=padded) for up in find_defined(network)]
            return Diagnosis(rows, watched=False)
        if any(isinstance(x, UninitializedParameter) for x in network.parameters()):
            raise ValueError(
                "some weights have no shape yet: run the network once, then diagnose it"
            )
        call = network if forward is None else lambda *a, **k: forward(network, *a, **k)
        return _watch(network, call, (inputs or (), keywords))


def _watch(network: nn.Module, call: Callable[..., Any], given: Any) -> Diagnosis:
    positional, keywords = first = copied(given)

    def again() -> Any:
        positional, keywords = copied(given)
        return call(*positional, **keywords)

    recording = record(network, lambda: call(*positional, **keywords), first)
    found, remarks = find_recorded(recording), []
    try:
        moments = input_moments_of(recording, found, again, given)
    except NotRepeatedError:
        moments = [None] * len(found)
        remarks = [NOT_REPEATED]
    rows = [_row(up, moment, network) for up, moment in zip(found, moments, strict=True)]
    picture = picture_of(recording.output)
    for up, row in zip(found, rows, strict=True):
        if picture is not None and not remarks and row.verdict.endswith("grid"):
            try:
                row.effects = effect_of(recording, up, picture, again)
            except NotRepeatedError:
                remarks = [NOT_REPEATED]
    alignment, fits = alignment_of(recording.nodes)
    for row in rows if fits else ():  # the layers' shifts are part of that
        row.needs_shift = any(row.shift)
        if row.needs_shift and row.cure.startswith(BALANCE):
            row.cure = f"{BALANCE} and keeps the path aligned"
    rows += [_row(up, None, network) for up in unused(network, recording)]
    return Diagnosis(rows, alignment=alignment, remarks=remarks)


def _row(
    found: Upsampling, moment: Tensor | None, network: nn.Module, *, padded: bool = True
) -> LayerDiagnosis:
    row = LayerDiagnosis(found.name, found.kind, stride=found.scale, problem=found.obstacle)
    if found.clean and not found.obstacle:
        # Copying and interpolating turn a constant into the same constant, whatever the size.
        row.rho, row.coverage = 0.0, 1.0
        row.shift = () if found.stretches else (0.0,) * len(found.scale)
        return row
    if found.source is None:
        return row
    try:
        _fill(row, found, found.source, moment, padded=padded)
        if not row.problem:
            row.cure = cure_of(found, row, network, padded=padded)
    except Exception as error:  # noqa: BLE001 - a third-party layer may raise anything
        row.problem = first_line(error)
    return row


@on_cpu
def _fill(
    row: LayerDiagnosis, found: Upsampling, source: Node, moment: Tensor | None, *, padded: bool
) -> None:
    last, axes = found.steps[-1], len(found.scale)
    if source.op == "convolution" and source is found.steps[0] is not last:
        row.shift = _shift_before(found, source)
    if isinstance(last, Operand):
        shape = geometry_of(source, axes)
        if source.op == "convolution" and not last.spaced:  # the same taps for every phase
            row.kernel_size, row.dilation, row.coverage = shape.kernel_size, shape.dilation, 1.0
    else:
        shape = geometry_of(last, axes)
        row.kernel_size, row.dilation = shape.kernel_size, shape.dilation
        row.coverage = coverage_ratio(shape.kernel_size, shape.stride, shape.dilation)
        geometry = shape.kernel_size, shape.stride, shape.padding, shape.dilation
        own = tuple(map(image_shift, *geometry))
        row.shift = tuple(map(sum, zip(row.shift or (0,) * axes, own, strict=True)))
    row.shift = row.shift if padded else ()
    if not row.problem:
        _judge(row, found, moment)


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
    after = list(found.after)
    while True:
        try:
            return stamp_of([*found.steps, *after], len(found.scale))
        except NotLinearError:
            if not after:
                raise
            after.pop()


def _shift_before(found: Upsampling, node: Node) -> tuple[float, ...]:
    """By how much a convolution moves the image before it is enlarged, in output pixels.

    Its leading padding minus half its extent, at its own size.
    """
    shape = geometry_of(node, len(found.scale))
    extra = node.operands[0].shift or (0,) * len(found.scale)
    each = zip(found.scale, shape.padding, extra, shape.dilation, shape.kernel_size, strict=True)
    return tuple(s * (p - e - d * (k - 1) / 2) for s, p, e, d, k in each)
