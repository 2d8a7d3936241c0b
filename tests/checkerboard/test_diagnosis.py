"""Diagnosing networks written in many different ways."""

import math
import re
import warnings
from itertools import product

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import diagnose
from dcgan.checkerboard.layers import measure_stamp, step_imbalance, tap_contrast
from dcgan.convolution.coverage import coverage_ratio


class UNet(nn.Module):
    """A skip connection, new and old weight norm, functional calls instead of modules."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Conv2d(
            16, 3, 3, padding=1
        )  # deliberately defined in another order than it runs
        self.encode = nn.Conv2d(3, 8, 3, padding=1)
        self.down = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1))
        self.up = nn.utils.parametrizations.weight_norm(nn.ConvTranspose2d(8, 8, 2, 2))
        self.shuffled = nn.utils.spectral_norm(nn.Conv2d(3, 12, 3, padding=1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            self.old = nn.utils.weight_norm(nn.ConvTranspose2d(3, 3, 4, 2, 1, groups=3))
        self.head = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        encoded = self.encode(x)
        y = self.out(torch.cat([encoded, self.up(self.down(encoded))], 1))
        y = self.old(F.pixel_shuffle(self.shuffled(y), 2))
        resized: Tensor = self.head(F.interpolate(y, scale_factor=2, mode="bilinear"))
        return resized


def test_all_kinds_of_layers_in_sequence() -> None:
    network = nn.Sequential(
        nn.ConvTranspose2d(10, 8, 4),  # stride 1: no upsampling
        nn.ConvTranspose2d(8, 8, 3, 2, 1, 1),
        nn.BatchNorm2d(8),
        nn.Upsample(scale_factor=2),
        nn.ReflectionPad2d(1),
        nn.Conv2d(8, 8, 3),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.PixelShuffle(2),
    )
    for example in (None, torch.randn(2, 10, 1, 1)):
        first, resized, shuffled = diagnose(network, example).layers
        assert (first.name, first.kind, first.coverage) == ("1", "ConvTranspose2d", 4)
        assert first.shift == (-0.5, -0.5)
        assert first.verdict == "grid"
        assert "nn.ConvTranspose2d(8, 8, kernel_size=4, stride=2, padding=1)" in first.advice
        assert (resized.name, resized.kind) == ("3", "Upsample(nearest)")
        assert (resized.verdict, resized.advice, resized.shift) == ("clean", "", (0, 0))
        assert (shuffled.name, shuffled.kind) == ("6", "Conv2d + PixelShuffle")
        assert shuffled.verdict == "grid"
        assert first.on_real_inputs == (example is not None)


@pytest.mark.parametrize(
    "block",
    [
        nn.ConvTranspose2d(5, 3, 3, 2, 1, 1),
        nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(3, 3, 3, padding=1)),
    ],
)
def test_rho_and_kappa_match_the_layer(block: nn.Module) -> None:
    (row,) = diagnose(block).layers
    stamp = measure_stamp(block)
    constant = torch.eye(stamp.gains.shape[-1] + 1, dtype=torch.float64)
    assert row.rho == pytest.approx(step_imbalance(stamp, constant), abs=1e-12)
    if not row.kind.startswith("Upsample"):  # what is known to be clean is not measured
        assert row.kappa == pytest.approx(tap_contrast(stamp))


def test_the_network_is_left_unchanged() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(4, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.Dropout(0.5))
    network[2].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    diagnose(network, torch.randn(3, 4, 8, 8))
    assert [part.training for part in network] == [True, True, False]
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert not network[0]._forward_pre_hooks


@pytest.mark.parametrize(
    ("build", "kinds"),
    [
        ("deeplabv3_mobilenet_v3_large", ["Upsample(bilinear)"] * 2),
        ("lraspp_mobilenet_v3_large", ["Upsample(bilinear)"] * 2),
    ],
)
def test_torchvision_segmentation_resizes_and_is_clean(build: str, kinds: list[str]) -> None:
    network = getattr(torchvision.models.segmentation, build)(weights=None, weights_backbone=None)
    diagnosis = diagnose(network, torch.randn(1, 3, 32, 32))
    assert [layer.kind for layer in diagnosis.layers] == kinds
    assert diagnosis.verdict.startswith("No checkerboard")


def test_the_transposed_convolution_of_a_mask_head_is_found() -> None:
    network = torchvision.models.detection.mask_rcnn.MaskRCNNPredictor(8, 8, 3)
    (row,) = diagnose(network).layers
    assert (row.name, row.kernel_size, row.coverage) == ("conv5_mask", (2, 2), 1)
    assert row.verdict == "grid"
    assert "balance(network) removes the grid" in row.advice


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        (nn.LazyConvTranspose2d(4, 3, 2), "no shape yet"),
        (nn.Sequential(nn.LazyConv2d(12, 3), nn.PixelShuffle(2)), "no shape yet"),
        (nn.ConvTranspose2d(4, 4, 4, 2, 1, device="meta"), "meta"),
        (nn.PixelShuffle(2), "no convolution"),
        (nn.Sequential(nn.Conv2d(1, 4, 1), nn.GroupNorm(2, 4), nn.PixelShuffle(2)), "GroupNorm"),
    ],
)
def test_an_unjudged_layer_gives_the_reason(layer: nn.Module, problem: str) -> None:
    diagnosis = diagnose(layer)
    (row,) = diagnosis.layers
    assert (row.rho, row.kappa) == (None, None)
    assert row.verdict == "not judged"
    assert problem in row.advice
    assert diagnosis.verdict.startswith("Not judged")


def test_a_layer_without_a_weight_yet_does_not_hide_the_others() -> None:
    chain = nn.Sequential(
        nn.LazyConvTranspose2d(8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1)
    )
    verdicts = {row.name: row.verdict for row in diagnose(chain).layers}
    assert verdicts == {"0": "not judged", "2": "grid"}


def test_a_container_is_not_mistaken_for_the_layer_that_its_name_resembles() -> None:
    class ConvTransposeBlock(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(8, 8, 3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.up(x))

    assert [row.name for row in diagnose(ConvTransposeBlock()).layers] == ["up"]


@pytest.mark.parametrize(
    "layer",
    [nn.FractionalMaxPool2d(2, output_size=8), nn.LPPool2d(2, 2), nn.AdaptiveAvgPool2d(5)],
)
def test_any_pooling_may_come_before(layer: nn.Module) -> None:
    network = nn.Sequential(layer, nn.ConvTranspose2d(8, 3, 3, 2, 1, 1))
    (row,) = diagnose(network, torch.randn(2, 8, 12, 12)).layers
    assert row.verdict == "grid"


def test_geometry_may_be_given_once_for_all_axes() -> None:
    class Direct(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            weight = torch.ones(8, 3, 3, 3)
            return torch.convolution(x, weight, None, [2], [1], [1], True, [1], 1)

    (row,) = diagnose(Direct(), torch.randn(2, 8, 12, 12)).layers
    assert (row.verdict, row.coverage) == ("grid", 4)
    assert "kernel_size=4" in row.advice
    assert row.effects != []


def test_an_example_reveals_a_scale_given_as_a_size() -> None:
    network = nn.Sequential(nn.Upsample(size=(16, 16)), nn.Conv2d(3, 3, 3, padding=1))
    assert diagnose(network).layers[0].stride == ()
    (row,) = diagnose(network, torch.randn(1, 3, 8, 8)).layers
    assert (row.stride, row.verdict) == ((2, 2), "clean")


def test_one_and_three_dimensions_and_dead_zones() -> None:
    network = nn.Sequential(
        nn.ConvTranspose1d(4, 4, 8, 4, 2),
        nn.Upsample(scale_factor=2, mode="linear"),
        nn.Conv1d(4, 4, 5, padding="same"),
    )
    transposed, resized = diagnose(network).layers
    assert (transposed.kernel_size, transposed.stride) == ((8,), (4,))
    assert resized.verdict == "clean"
    (volume,) = diagnose(nn.ConvTranspose3d(2, 2, 3, (1, 2, 2), 1, (0, 1, 1))).layers
    assert (volume.coverage, volume.shift) == (4, (0, -0.5, -0.5))
    (sparse,) = diagnose(nn.ConvTranspose2d(4, 4, 2, 3)).layers
    assert sparse.coverage == math.inf
    assert "kernel_size=3" in sparse.advice


def test_batch_norm_before_a_shuffle_affects_the_verdict() -> None:
    """Its four scales can make equal filters unequal."""
    convolution, norm = nn.Conv2d(2, 4, 1, bias=False), nn.BatchNorm2d(4).eval()
    nn.init.ones_(convolution.weight)
    network = nn.Sequential(convolution, norm, nn.PixelShuffle(2))
    assert diagnose(network).layers[0].verdict == "clean"
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 1.0, 1.0, 5.0]))
    assert diagnose(network).layers[0].verdict == "grid"


def test_an_example_reveals_functional_calls_and_the_table_lists_each_layer_once() -> None:
    network = UNet()
    assert [layer.name for layer in diagnose(network).layers] == ["up", "old"]
    diagnosis = diagnose(network, torch.randn(2, 3, 16, 16))
    assert [layer.verdict for layer in diagnosis.layers] == ["grid", "grid", "grid", "clean"]
    assert diagnosis.layers[3].kind == "Upsample(bilinear)"
    lines = str(diagnosis).splitlines()
    assert lines[0].split() == [
        *("layer", "kind", "kernel", "stride", "coverage", "shift", "px", "ρ", "κ", "verdict")
    ]
    assert [line.split()[0] for line in lines[1:5]] == ["up", "shuffled", "old", "interpolate"]
    assert lines[-1].startswith("Grid: up (ρ")
    nothing = str(diagnose(nn.Linear(2, 2)))
    assert nothing.startswith("No upsampling layer found")
    assert "only with an example input" in nothing
    assert "example" not in str(diagnose(nn.Linear(2, 2), torch.zeros(1, 2)))


def test_an_example_of_zeros_does_not_hide_a_checkerboard() -> None:
    layer = nn.ConvTranspose2d(4, 4, 3, 2, 1, 1, bias=False)
    (row,) = diagnose(layer, torch.zeros(1, 4, 8, 8)).layers
    assert row.verdict == "grid"
    assert not row.on_real_inputs


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_non_finite_values_are_not_judged(bad: float) -> None:
    layer, broken = nn.ConvTranspose2d(4, 4, 4, 2, 1), nn.ConvTranspose2d(4, 4, 4, 2, 1)
    nn.init.constant_(broken.weight, bad)
    for diagnosis in (diagnose(broken), diagnose(layer, torch.full((1, 4, 8, 8), bad))):
        (row,) = diagnosis.layers
        assert row.verdict == "not judged"
        assert row.problem == "its weights or its inputs are not finite"


def test_dilation_is_named_if_it_is_the_cause() -> None:
    for kernel_size in (3, 4):
        (row,) = diagnose(nn.ConvTranspose2d(2, 2, kernel_size, 2, dilation=2)).layers
        assert row.coverage == math.inf
        assert "dilation 2" in row.advice


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_suggested_layer_has_even_coverage_and_the_same_output_size(dimensions: int) -> None:
    kind, tried = f"ConvTranspose{dimensions}d", 0
    kernels = range(1, 7) if dimensions == 2 else (3, 5)
    for k, s, p, op, d in product(kernels, (2, 3), range(3), range(2), (1, 2)):
        if op >= max(s, d) or 5 * s + d * (k - 1) + 1 - 2 * p + op < s:
            continue
        layer = getattr(nn, kind)(2, 4, k, s, p, op, groups=2, bias=False, dilation=d)
        (row,) = diagnose(layer).layers
        if row.coverage == 1:
            continue
        (code,) = re.findall(r"nn\.ConvTranspose.*bias=False\)", row.cure)
        replacement = eval(code, {"nn": nn})
        x = torch.zeros(1, 2, *[6] * dimensions)
        assert replacement(x).shape == layer(x).shape
        assert coverage_ratio(replacement.kernel_size, replacement.stride) == 1
        assert (replacement.groups, replacement.bias) == (2, None)
        tried += 1
    assert tried > 15


def test_the_suggested_layer_needs_no_output_padding_where_the_stride_is_1() -> None:
    layer = nn.ConvTranspose2d(4, 4, (2, 3), (1, 2), padding=1, dilation=(2, 1), bias=False)
    (row,) = diagnose(layer).layers
    (code,) = re.findall(r"nn\.ConvTranspose.*bias=False\)", row.cure)
    x = torch.zeros(1, 4, 8, 8)
    assert eval(code, {"nn": nn})(x).shape == layer(x).shape


def test_custom_padding_keyword_calls_and_unbatched_inputs_are_handled() -> None:
    class MyPad(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.pad(x, (1, 1, 1, 1))

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(4, 4, 4, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.up(input=x)  # type: ignore[no-any-return]

    padded = nn.Sequential(nn.Upsample(scale_factor=2), MyPad(), nn.Conv2d(4, 4, 3))
    assert diagnose(padded, torch.randn(1, 4, 8, 8)).layers[0].verdict == "clean"
    batch = torch.randn(1, 4, 4, 4)
    named = Named()
    (one,), (other,) = (diagnose(named, example).layers for example in (batch, batch[0]))
    assert one.on_real_inputs
    assert one.rho == pytest.approx(other.rho)
    volume = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv3d(2, 2, 3, padding=1))
    assert diagnose(volume).layers[0].stride == (2, 2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        traced = torch.jit.trace(named, batch)
    with pytest.raises(ValueError, match="TorchScript"):
        diagnose(traced)


def test_squeeze_and_excitation_is_not_mistaken_for_the_convolution() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(4, 16, 3, padding=1)
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 16, 1), nn.Sigmoid())
            self.shuffle = nn.PixelShuffle(2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.convolution(x)
            shuffled: Tensor = self.shuffle(x * self.gate(x))
            return shuffled

    (row,) = diagnose(Block(), torch.randn(2, 4, 8, 8)).layers
    assert (row.verdict, row.problem) == ("not judged", "it gates the channels that are shuffled")


def test_the_default_device_does_not_matter() -> None:
    shuffle = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2))
    network, example = nn.Sequential(shuffle, UNet()), torch.randn(2, 3, 16, 16)
    expected = str(diagnose(network, example))
    torch.set_default_device("meta")  # stands for a GPU
    try:
        found = str(diagnose(network, example))
    finally:
        torch.set_default_device(None)
    assert found == expected
