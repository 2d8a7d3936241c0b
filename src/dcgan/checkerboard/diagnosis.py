"""Find the layers of any network that leave a checkerboard, and say what helps.

from dcgan.checkerboard import diagnose
print(diagnose(network, example_input))
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dcgan.checkerboard.layers import (
    PLAIN,
    TRANSPOSED,
    input_moments,
    measure_stamp,
    step_imbalance,
    tap_contrast,
)
from dcgan.checkerboard.traversal import SHUFFLE, Upsampling, evaluating, find_upsampling, inputs_of
from dcgan.convolution.alignment import image_shift
from dcgan.convolution.coverage import coverage_ratio
from dcgan.errors import first_line

CLEAN = 1e-3  # ρ below this: a period-2 pattern too faint for the image scores
ROUNDING = 1e-12  # printed as 0
STRONG = 0.1  # ρ above this: clearly visible


@dataclass
class LayerDiagnosis:
    """One row: an upsampling layer and what it does to an image."""

    name: str
    kind: str  # such as ConvTranspose2d, or Upsample + Conv2d
    kernel_size: tuple[int, ...] = ()
    stride: tuple[float, ...] = ()  # output size ÷ input size
    dilation: tuple[int, ...] = ()
    coverage: float | None = None  # most ÷ fewest taps that reach an output pixel; 1 is even
    shift: tuple[float, ...] = ()  # output pixels by which the image moves, per axis
    rho: float | None = None  # non-constant share of the response to a constant; None: not judged
    kappa: float | None = None  # tap energy, strongest ÷ weakest phase
    on_real_inputs: bool = False  # ρ is weighted by the layer's inputs, not by the identity
    problem: str | None = None  # why the layer could not be judged
    cure: str = ""  # what to do about a checkerboard

    @property
    def verdict(self) -> str:
        """One of: not judged, clean, faint grid, grid."""
        if self.rho is None:
            return "not judged"
        if self.rho < CLEAN:
            return "clean"
        return "grid" if self.rho > STRONG else "faint grid"

    @property
    def advice(self) -> str:
        """The cure if one is needed, and anything else worth knowing."""
        words = [self.problem] if self.problem else []
        if self.verdict.endswith("grid"):
            words.append(self.cure)
        if any(self.shift):
            moved = ", ".join(f"{shift:+g}" for shift in self.shift)
            words.append(f"moves the picture by {moved} px")
        return "; ".join(words)


@dataclass(frozen=True)
class Diagnosis:
    """All upsampling layers of a network, in the order they run (or are defined)."""

    layers: Sequence[LayerDiagnosis]
    watched: bool = True  # the network was run on an example, so functional calls were seen too

    @property
    def verdict(self) -> str:
        """One sentence."""
        if not self.layers:
            hint = " Functional calls such as F.interpolate are found only with an example input."
            nothing = "No upsampling layer found: ConvTranspose, Upsample or PixelShuffle."
            return nothing if self.watched else nothing + hint
        uneven = [f"{x.name} (ρ {x.rho:.2g})" for x in self.layers if x.verdict.endswith("grid")]
        unjudged = [x.name for x in self.layers if x.rho is None]
        judged = len(self.layers) - len(unjudged)
        sentences = []
        if uneven:
            sentences.append(f"Uneven: {', '.join(uneven)}.")
        elif judged:
            sentences.append(
                f"No checkerboard from {judged} of {len(self.layers)} upsampling layers."
            )
        if unjudged:
            sentences.append(f"Not judged: {', '.join(unjudged)}.")
        return " ".join(sentences)

    def __str__(self) -> str:
        """A table, advice on layers that need it, and the verdict."""
        header = ("layer", "kind", "kernel", "stride", "coverage", "shift px", "ρ", "κ", "verdict")
        rows: list[tuple[str, ...]] = [header]
        for x in self.layers:
            numbers = (x.kernel_size, x.stride, x.coverage, x.shift, x.rho, x.kappa)
            rows.append((x.name, x.kind, *map(_cell, numbers), x.verdict))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        advised: dict[str, list[str]] = {}
        for layer in self.layers:
            advised.setdefault(layer.advice, []).append(layer.name)
        notes = [f"{', '.join(names)}: {advice}." for advice, names in advised.items() if advice]
        parts = (table if self.layers else "", "\n".join(notes), self.verdict)
        return "\n\n".join(part for part in parts if part)


def diagnose(module: nn.Module, example: Any = None) -> Diagnosis:
    """Find every upsampling layer of a network and judge which leave a checkerboard.

    Detects ConvTranspose1d/2d/3d with a stride above 1, Upsample with the convolution after it, and
    PixelShuffle with the convolution before it. The network is left unchanged.

    Args:
        example: an input, or a tuple of inputs, on which the network is run twice in eval mode.
            Layers are then listed in the order they run, functional calls (F.interpolate,
            F.pixel_shuffle) are detected too, and ρ is weighted by each layer's real inputs.
            Without one, layers are listed as defined and ρ is weighted by the identity.

    Raises:
        ValueError: the network is a TorchScript module.
    """
    inputs = inputs_of(example)
    with evaluating(module):
        found = find_upsampling(module, inputs)
        moments: dict[str, Tensor] = {}
        if inputs is not None:
            watched = {u.name: u.convolution for u in found if u.convolution is not None}
            with input_moments(watched) as moments, torch.no_grad():
                module(*inputs)
        rows = [_diagnose_layer(u, moments.get(u.name)) for u in found]
        return Diagnosis(rows, watched=inputs is not None)


def _diagnose_layer(found: Upsampling, moment: Tensor | None) -> LayerDiagnosis:
    row = LayerDiagnosis(found.name, found.kind, problem=found.obstacle)
    convolution: Any = found.convolution
    if convolution is None:
        row.stride = found.scale or ()
        row.coverage, row.shift = 1.0, (0.0,) * len(row.stride)
        if not row.problem:
            row.rho, row.kappa = 0.0, 1.0  # interpolation preserves constants
        return row
    row.kernel_size, row.dilation = convolution.kernel_size, convolution.dilation
    row.stride = found.scale or convolution.stride
    if moment is not None and not moment.any():
        moment = None  # an example of zeros says nothing about the layer
    row.on_real_inputs = moment is not None
    # Third-party layers may raise anything; report it and go on to the other layers.
    try:
        if not row.problem:
            stamp = measure_stamp(_linear_part(found))
            rho = step_imbalance(stamp, moment)
            if math.isfinite(rho):
                row.rho, row.kappa = rho, tap_contrast(stamp)
            else:
                row.problem = "its weights or its inputs are not finite"
        row.coverage, row.shift = _geometry(found)
        row.cure = _cure(found, row)
    except (ValueError, RuntimeError, TypeError, AttributeError, AssertionError) as error:
        row.problem = first_line(error)
    return row


def _geometry(found: Upsampling) -> tuple[float, tuple[float, ...]]:
    """Coverage, and the shift per axis."""
    convolution: Any = found.convolution
    k, padding, dilation = convolution.kernel_size, convolution.padding, convolution.dilation
    if isinstance(convolution, TRANSPOSED):
        stride = convolution.stride
        shift = tuple(map(image_shift, k, stride, padding, dilation))
        return coverage_ratio(k, stride, dilation), shift
    none = (0.0,) * len(k)
    if padding == "same":
        return 1.0, none
    own = none if padding == "valid" else padding
    # A padding layer lists the last axis first, and for each axis the padding before and after.
    extra = none if found.padding is None else found.padding.padding[::2][::-1]
    # A convolution shifts an image by its leading padding minus half its extent; before a pixel
    # shuffle this happens at the small size.
    scale = (found.scale or none) if found.mode == SHUFFLE else (1.0,) * len(k)
    axes = zip(scale, own, extra, dilation, k, strict=True)
    return 1.0, tuple(s * (before + more - d * (n - 1) / 2) for s, before, more, d, n in axes)


def _cure(found: Upsampling, row: LayerDiagnosis) -> str:
    balance = "dcgan.checkerboard.balance(network) cures it at no cost"
    if found.norm is not None:
        return f"put {type(found.norm).__name__} after the shuffle, then {balance}"
    if row.coverage == 1:
        return f"coverage is even but the weights are not: {balance}"
    even = _evenly_covering(found.convolution)
    if row.coverage == math.inf:
        geometry = map(_cell, (row.kernel_size, row.stride, row.dilation))
        why = "kernel {}, stride {}, dilation {}: some outputs get no tap".format(*geometry)
        return f"{why}; use {even}, then {balance}"
    return f"uneven coverage: {balance}; for even coverage too, use {even}"


def _evenly_covering(given: Any) -> str:
    """Code of a transposed convolution of the same output size whose strides divide its kernel.

    Output size − stride·(input size − 1) is 1 + d(k − 1) − 2p + op along every axis.
    """
    names = ("kernel_size", "stride", "padding", "output_padding", "dilation")
    geometry = []
    for k, s, p, op, d in zip(*(getattr(given, name) for name in names), strict=True):
        extent = 1 + d * (k - 1) - 2 * p + op
        even = -(-max(k, extent) // s) * s
        padding = -(-(even - extent) // 2)
        geometry.append((even, s, padding, 2 * padding - (even - extent)))
    words = [f"{given.in_channels}, {given.out_channels}"]
    for name, values in zip(names[:-1], zip(*geometry, strict=True), strict=True):
        if any(values):
            words.append(f"{name}={values[0] if len(set(values)) == 1 else values}")
    words += [f"groups={given.groups}"] * (given.groups > 1) + ["bias=False"] * (given.bias is None)
    return f"nn.ConvTranspose{len(geometry)}d({', '.join(words)})"


def _linear_part(found: Upsampling) -> nn.Module:
    """The layer's linear part, built from fresh torch modules without hooks or parametrizations."""
    given: Any = found.convolution
    if isinstance(given.weight, UninitializedParameter):
        raise ValueError("its weight has no shape yet: run the network once")  # noqa: TRY004
    names = ["in_channels", "out_channels", "kernel_size", "stride", "dilation", "groups"]
    kinds: Any = PLAIN
    options: dict[str, Any] = {"padding": "same"}  # away from borders the padding does not matter
    if isinstance(given, TRANSPOSED):
        kinds = TRANSPOSED
        names += ["padding", "output_padding"]
    options |= {name: getattr(given, name) for name in names}
    convolution = kinds[len(given.kernel_size) - 1](**options, bias=False)
    convolution.weight = nn.Parameter(given.weight.detach().cpu().double())
    if found.norm is not None:
        norm = copy.deepcopy(found.norm).cpu().double().eval()
        convolution = fuse_conv_bn_eval(convolution.eval(), norm)
    scale: Any = found.scale
    if found.mode is None:
        return convolution  # type: ignore[no-any-return]
    if found.mode == SHUFFLE:
        return nn.Sequential(convolution, nn.PixelShuffle(int(scale[0])))
    return nn.Sequential(nn.Upsample(scale_factor=scale, mode=found.mode), convolution)


def _cell(value: Sequence[float] | float | None) -> str:
    """– for an unknown value, 3 for (3, 3), 3x5 for (3, 5)."""
    if value is None or value == ():
        return "–"
    if isinstance(value, Sequence):
        sizes = [f"{size:g}" for size in value]
        return sizes[0] if len(set(sizes)) == 1 else "x".join(sizes)
    return f"{value:.3g}" if value > ROUNDING else "0"
