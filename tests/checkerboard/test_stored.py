"""Networks as state dicts, exported programs, ONNX files and without values."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from dcgan.checkerboard import diagnose
from dcgan.checkerboard.stored import _onnx_convolution, _onnx_shuffle
from tests.checkerboard.networks import X, only, only_of


def test_state_dicts_exported_programs_and_meta_devices() -> None:
    network = nn.ConvTranspose2d(8, 8, 4, 2, 1, bias=False)
    stored = diagnose(network.state_dict(), strides={"weight": 2})
    assert only_of(stored.layers).rho == pytest.approx(only(network).rho)
    with pytest.raises(ValueError, match=r"give strides=.*kernels here: weight"):
        diagnose(network.state_dict())
    with pytest.raises(ValueError, match="no convolution's weight is called up"):
        diagnose(network.state_dict(), strides={"up": 2})
    assert only_of(stored.layers).shift == ()  # the padding is not known
    assert "padding" not in str(stored)
    for stride in (0, -2, 2.0, "abc", (2, 2, 2), None):
        with pytest.raises(ValueError, match=r"strides: weight: .* not a positive integer"):
            diagnose(network.state_dict(), strides={"weight": stride})
    assert only_of(diagnose(network.state_dict(), strides={"weight": [2, 2]}).layers).rho
    with pytest.raises(ValueError, match="leave out the example"):
        diagnose(network.state_dict(), X, strides={"weight": 2})
    with pytest.raises(ValueError, match="strides: only a state dict needs them"):
        diagnose(network, X, strides={"weight": 2})
    with pytest.raises(ValueError, match=r"not an nn\.Module"):
        diagnose(3)
    exported = torch.export.export(network, (X,))
    with pytest.raises(ValueError, match="an exported program: diagnose its"):
        diagnose(exported)
    assert only(exported.module(), X).rho == pytest.approx(only(network, X).rho)
    with torch.device("meta"):
        nowhere = nn.ConvTranspose2d(8, 8, 3, 2)
    for row in (only(nowhere), only(nowhere, X.to("meta"))):
        assert "meta device" in row.advice


def test_any_names_of_weights_are_kept() -> None:
    weight = torch.randn(8, 8, 4, 4)
    for names in (["train.weight"], ["up.b.weight", "up.weight"], ["half.type.weight"]):
        found = diagnose(dict.fromkeys(names, weight), strides=dict.fromkeys(names, 2))
        assert [f"{row.name}.weight" for row in found.layers] == names


def test_onnx_files_need_their_package(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra")
    path = tmp_path / "up.onnx"
    torch.onnx.export(nn.ConvTranspose2d(8, 8, 4, 2, 1), (X,), path, dynamo=False)
    row = only_of(diagnose(path).layers)
    assert (row.verdict, row.shift) == ("grid", (0, 0))
    model = onnx.load(path)
    (pads,) = [a for a in model.graph.node[0].attribute if a.name == "pads"]
    pads.ints[:] = [1, 1, 0, 0]
    onnx.save(model, path)
    assert only_of(diagnose(path).layers).shift == (0, 0)
    model.graph.node[0].input[1] = "elsewhere"
    onnx.save(model, path)
    row = only_of(diagnose(path).layers)
    assert (row.kind, row.verdict) == ("ConvTranspose", "not judged")
    assert "computed by other operations" in row.advice


@pytest.mark.parametrize(
    ("kernel_size", "pad", "padding"), [(4, "UPPER", 1), (3, "UPPER", 0), (3, "LOWER", 1)]
)
def test_automatic_padding_of_onnx(kernel_size: int, pad: str, padding: int) -> None:
    node = SimpleNamespace(op_type="ConvTranspose", input=["x", "w"])
    weights = {"w": torch.randn(8, 8, kernel_size, kernel_size)}
    attributes = {"strides": [2, 2], "auto_pad": f"SAME_{pad}".encode()}
    layer: Any = _onnx_convolution(node, weights, attributes)
    assert (layer.stride, layer.padding) == ((2, 2), (padding, padding))
    node.op_type, attributes["strides"] = "Conv", [1, 1]
    layer = _onnx_convolution(node, weights, attributes)
    assert layer.padding == ((kernel_size - 1) // 2,) * 2


def test_a_shuffle_that_mixes_groups_is_not_judged() -> None:
    group = SimpleNamespace(name="group", value=2)
    before = SimpleNamespace(op_type="Conv", input=["x", "w"], attribute=[group])
    package: Any = SimpleNamespace(helper=SimpleNamespace(get_attribute_value=lambda a: a.value))
    weights = {"w": torch.ones(16, 2, 3, 3)}
    for mode, kind in ((b"DCR", nn.PixelShuffle), (b"CRD", nn.Sequential)):
        found = _onnx_shuffle(before, weights, {"blocksize": 2, "mode": mode}, package)
        assert type(found) is kind
