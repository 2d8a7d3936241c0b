"""Networks as files or tables of weights, made into modules that can be diagnosed without data."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.checkerboard.layers import PLAIN, TRANSPOSED

CONVOLUTIONS = dict(enumerate(zip(PLAIN, TRANSPOSED, strict=True), 3))  # by the weight's ndim


class ConvTranspose(nn.ConvTranspose2d):
    """Stands for one whose weight is not stored."""

    def __init__(self) -> None:
        super().__init__(1, 1, 2, 2, device="meta")

    def forward(self, *_: Any) -> Tensor:
        """Raises ValueError."""
        raise ValueError("its weight is computed by other operations of the file")


def modules_of(stored: Any, strides: Mapping[str, Any] | None) -> nn.Module:
    """The upsampling layers of a state dict or of an .onnx file, by name.

    Raises:
        ValueError: it is something else, or what is needed to read it is missing.
    """
    if isinstance(stored, Mapping):
        return _from_state_dict(stored, strides or {})
    if isinstance(stored, str | os.PathLike):
        return _from_onnx(Path(stored))
    if isinstance(stored, torch.export.ExportedProgram):
        raise ValueError("an exported program: diagnose its .module(), with an example input")  # noqa: TRY004
    raise ValueError(f"{type(stored).__name__}: not an nn.Module, a state dict or an .onnx file")


def _named(modules: Mapping[str, nn.Module]) -> nn.Module:
    """Modules under names that may have dots."""
    root = nn.Module()
    root._modules.update(modules)  # add_module refuses dots, and names such as train
    return root


def _convolution(weight: Tensor, stride: Any, transposed: bool, **options: Any) -> nn.Module:
    groups = options.get("groups", 1)
    given, made = weight.shape[0], weight.shape[1] * groups
    channels = (given, made) if transposed else (made, given)
    kind: Any = CONVOLUTIONS[weight.ndim][transposed]
    layer: nn.Module = kind(
        *channels, tuple(weight.shape[2:]), stride, bias=False, device="meta", **options
    )
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer


def _from_state_dict(weights: Mapping[str, Any], strides: Mapping[str, Any]) -> nn.Module:
    kernels = [
        name
        for name, x in weights.items()
        if isinstance(x, Tensor) and x.ndim in CONVOLUTIONS and max(x.shape[2:]) > 1
    ]
    if not strides:
        named = ", ".join(kernels[:3]) + ", …" * (len(kernels) > 3)
        raise ValueError(
            "a state dict does not say which layers enlarge: give strides={name: stride} of its"
            f" transposed convolutions (kernels here: {named or 'none'})"
        )
    missing = [name for name in strides if name not in kernels]
    if missing:
        raise ValueError(f"strides: no convolution's weight is called {', '.join(missing)}")
    for name, stride in strides.items():
        axes = weights[name].ndim - 2
        each = stride if isinstance(stride, tuple | list) else (stride,) * axes
        if len(each) != axes or not all(type(s) is int and s > 0 for s in each):
            raise ValueError(
                f"strides: {name}: {stride!r} is not a positive integer, nor one for each axis"
            )
    return _named(
        {
            name.removesuffix(".weight"): _convolution(weights[name], stride, transposed=True)
            for name, stride in strides.items()
        }
    )


def _from_onnx(path: Path) -> nn.Module:
    try:
        import onnx
    except ImportError:
        raise ValueError("ONNX files need the onnx package: pip install 'dcgan[onnx]'") from None
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        graph = onnx.load(path).graph
    except Exception as error:
        raise ValueError(f"{path}: not a readable ONNX file ({type(error).__name__})") from error
    made_by = {name: node for node in graph.node for name in node.output}
    shuffled = [made_by.get(x.input[0]) for x in graph.node if x.op_type == "DepthToSpace"]
    upsampling = [x for x in graph.node if x.op_type == "ConvTranspose" or x in shuffled]
    read = {name for node in upsampling for name in node.input[1:]}
    weights = {
        stored.name: torch.from_numpy(onnx.numpy_helper.to_array(stored).astype("float32"))
        for stored in graph.initializer
        if stored.name in read  # a large file has many others
    }
    modules: dict[str, nn.Module] = {}
    for i, node in enumerate(graph.node):
        name = (node.name or f"{node.op_type}_{i}").strip("/").replace("/", ".")
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "ConvTranspose":
            known = node.input[1] in weights
            modules[name] = (
                _onnx_convolution(node, weights, attributes) if known else ConvTranspose()
            )
        elif node.op_type in ("Resize", "Upsample"):
            modules[name] = nn.Upsample(size=(12, 12))  # clean whatever its scale
        elif node.op_type == "DepthToSpace":
            before = made_by.get(node.input[0])
            modules[name] = _onnx_shuffle(before, weights, attributes, onnx)
    return _named(modules)


def _onnx_convolution(node: Any, weights: Mapping[str, Tensor], attributes: Any) -> nn.Module:
    weight = weights[node.input[1]]
    axes = weight.ndim - 2
    dilation = tuple(attributes.get("dilations", [1] * axes))
    options = {"groups": attributes.get("group", 1), "dilation": dilation}
    stride = tuple(attributes.get("strides", [1] * axes))
    transposed = node.op_type == "ConvTranspose"
    # The padding before an image decides where it lies; that after it, only how large it is.
    padding = attributes.get("pads", [0] * 2 * axes)
    automatic = attributes.get("auto_pad", b"")
    if automatic in (b"SAME_UPPER", b"SAME_LOWER"):  # stride times as large, or as small
        extents = zip(weight.shape[2:], stride, dilation, strict=True)
        total = [max(0, d * (k - 1) + 1 - s) for k, s, d in extents]
        less, more = [n // 2 for n in total], [n - n // 2 for n in total]
        padding = less + more if automatic == b"SAME_UPPER" else more + less
    options["padding"] = tuple(padding[:axes])
    if transposed:
        output_padding = attributes.get("output_padding", [0] * axes)
        each = zip(output_padding, padding[:axes], padding[axes:], stride, strict=True)
        options["output_padding"] = tuple(min(max(0, o + p - q), s - 1) for o, p, q, s in each)
    layer = _convolution(weight, stride, transposed, **options)
    if len(node.input) > 2 and node.input[2] in weights:
        layer.bias = nn.Parameter(weights[node.input[2]], requires_grad=False)
    return layer


def _onnx_shuffle(
    before: Any, weights: Mapping[str, Tensor], attributes: Any, onnx: Any
) -> nn.Module:
    scale = attributes["blocksize"]
    shuffle: nn.Module = nn.PixelShuffle(scale)
    if before is None or before.op_type != "Conv" or before.input[1] not in weights:
        return shuffle
    given = {a.name: onnx.helper.get_attribute_value(a) for a in before.attribute}
    phases_first = attributes.get("mode", b"DCR") == b"DCR"
    if phases_first and given.get("group", 1) > 1:  # then no order of the filters fits PixelShuffle
        return shuffle
    convolution = _onnx_convolution(before, weights, given)
    if phases_first:
        for name, x in list(convolution.named_parameters()):
            ordered = x.unflatten(0, (scale**2, -1)).transpose(0, 1).flatten(0, 1)
            setattr(convolution, name, nn.Parameter(ordered, requires_grad=False))
    return nn.Sequential(convolution, shuffle)
