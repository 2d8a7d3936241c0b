"""Networks that enlarge in unusual ways, each judged against its response to constants."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import prune

from dcgan.checkerboard import LayerDiagnosis, diagnose, diagnosis, replay

WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "pixel shuffle": lambda y: F.pixel_shuffle(y, 2),
    "by hand": lambda y: (
        y.view(len(y), -1, 2, 2, *y.shape[2:])
        .permute(0, 1, 4, 2, 5, 3)
        .reshape(len(y), -1, 2 * y.shape[2], 2 * y.shape[3])
    ),
    "fold": lambda y: F.fold(
        y.flatten(2), (2 * y.shape[2], 2 * y.shape[3]), kernel_size=2, stride=2
    ),
}


class Block(nn.Module):
    """A function after a convolution, or before it."""

    def __init__(self, way: Callable[[Tensor], Tensor], *, last: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.way, self.last = way, last

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (N, C, 2H, 2W)."""
        return self.conv(self.way(x)) if self.last else self.way(self.conv(x))


def spread(network: nn.Module, size: int = 20) -> float:
    """How far the phases' responses to a constant are apart; 0: no checkerboard."""
    with torch.no_grad():
        y = network.eval()(torch.ones(1, 8, size, size))
    phases = torch.stack([y[..., 8 + a, 8 + b] for a in (0, 1) for b in (0, 1)])
    return float(phases.std(0).mean() / (phases.abs().mean() + 1e-9))


def only(network: nn.Module, example: Tensor | None = None) -> LayerDiagnosis:
    (row,) = diagnose(network, example).layers
    return row


X = torch.randn(2, 8, 12, 12, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("way", WAYS)
def test_channels_moved_into_pixels_are_judged_with_their_convolution(way: str) -> None:
    network = Block(WAYS[way])
    row = only(network, X)
    assert (row.name, row.verdict, row.stride) == ("conv", "grid", (2, 2))
    assert row.kind.startswith("Conv2d + ")
    with torch.no_grad():  # four equal filters and biases
        for x in network.conv.parameters():
            x.copy_(x[::4].repeat_interleave(4, 0))
    assert only(network, X).rho == pytest.approx(0, abs=1e-9)
    assert spread(network) < 1e-5


def zeros_between(x: Tensor) -> Tensor:
    y = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    y[..., ::2, ::2] = x
    return y


def test_zeros_written_between_pixels_are_judged_with_the_convolution_after_them() -> None:
    network = Block(zeros_between, last=True)
    row = only(network, X)
    layer = nn.ConvTranspose2d(8, 8, 3, 2, 1, 1)  # the same, written as a layer
    with torch.no_grad():
        layer.weight.copy_(network.conv.weight.transpose(0, 1).flip(2, 3))
        layer.bias = network.conv.bias
        torch.testing.assert_close(layer(X), network(X))
    assert row.kind == "zeros between pixels"
    assert row.rho == pytest.approx(only(layer, X).rho)
    assert row.kappa == pytest.approx(only(layer, X).kappa)


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        (
            lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3),
            "repeated pixels",
        ),
        (lambda x: F.interpolate(x, size=(24, 24), mode="bicubic"), "Upsample(bicubic)"),
    ],
)
def test_copied_and_interpolated_pixels_are_clean(
    way: Callable[[Tensor], Tensor], kind: str
) -> None:
    row = only(Block(way, last=True), X)
    assert (row.verdict, row.kind, row.stride) == ("clean", kind, (2, 2))


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (
            lambda x: F.max_unpool2d(*F.max_pool2d_with_indices(x, [2, 2]), [2, 2]),
            "depends on the input",
        ),
        (lambda x: x.repeat(1, 1, 2, 2), "not understood"),
        (lambda x: torch.ones(30, 12) @ x @ torch.ones(12, 30), "made larger"),
        (lambda x: torch.fft.irfft2(torch.fft.rfft2(x), s=(30, 30)), "not a known way"),
        (lambda x: F.pixel_shuffle(F.instance_norm(x), 2).repeat(1, 4, 1, 1), "statistics"),
    ],
)
def test_what_cannot_be_known_is_not_judged(way: Callable[[Tensor], Tensor], reason: str) -> None:
    rows = diagnose(Block(way, last=True), X).layers
    assert [row.verdict for row in rows] == ["not judged"]
    assert reason in rows[0].advice or "before" in rows[0].advice


def test_padding_and_windows_enlarge_nothing() -> None:
    def way(x: Tensor) -> Tensor:
        x = F.pad(F.pad(x, (2, 2, 2, 2)), (1, 1, 1, 1), mode="reflect")
        windows = x.unflatten(2, (3, 6)).unflatten(4, (3, 6)).permute(0, 2, 4, 3, 5, 1)
        mixed = F.softmax(windows @ windows.mT, -1) @ windows
        back: Tensor = mixed.permute(0, 5, 1, 3, 2, 4)
        return back.reshape(x.shape)

    diagnosis = diagnose(Block(way, last=True), X)
    assert str(diagnosis) == "No upsampling layer found: nothing enlarges an image."


class TwoPaths(nn.Module):
    """The shuffled convolution is not the one that ran last."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.shortcut = nn.Conv2d(8, 16, 3, padding=1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (N, 4, 2H, 2W)."""
        y, s = self.main(x), self.shortcut(x)
        return F.pixel_shuffle(y, 2) + F.interpolate(s, scale_factor=2)


def test_each_path_gets_its_own_convolution() -> None:
    network = TwoPaths()
    with torch.no_grad():
        nn.init.zeros_(list(network.main.parameters())[1])
    shuffled, resized = diagnose(network, X).layers
    assert (shuffled.name, shuffled.verdict, resized.verdict) == ("main", "grid", "clean")
    with torch.no_grad():
        network.main.weight.copy_(network.main.weight[::4].repeat_interleave(4, 0))
    assert diagnose(network, X).layers[0].rho == pytest.approx(0, abs=1e-9)


def test_a_shuffle_after_resizing_is_judged_too() -> None:
    network = nn.Sequential(
        nn.Upsample(scale_factor=2), nn.Conv2d(8, 16, 3, padding=1), nn.PixelShuffle(2)
    )
    assert [x.verdict for x in diagnose(network, X).layers] == ["clean", "grid"]
    assert [x.verdict for x in diagnose(network).layers] == ["clean", "grid"]


@pytest.mark.parametrize("example", [None, X])
def test_the_weights_are_those_that_the_layer_computes_now(example: Tensor | None) -> None:
    def normed(layer: nn.Module) -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return nn.utils.weight_norm(layer)

    def layer() -> nn.ConvTranspose2d:
        return nn.ConvTranspose2d(8, 8, 4, 2, 1, bias=False)

    even = layer()
    with torch.no_grad():
        taps = torch.tensor([0.25, 0.75, 0.75, 0.25])
        even.weight.copy_(torch.outer(taps, taps) * torch.eye(8)[..., None, None])
    clean, grid = normed(layer()), normed(layer())
    clean.load_state_dict(normed(even).state_dict())  # a hook recomputes the weight when it runs
    assert only(clean, example).verdict == "clean"
    assert only(grid, example).verdict == "grid"
    pruned = layer()
    prune.custom_from_mask(pruned, "weight", torch.zeros_like(pruned.weight))
    assert only(pruned, example).rho == 0


def test_a_subclass_is_judged_by_what_it_computes() -> None:
    class Blurred(nn.ConvTranspose2d):
        def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: ARG002
            w = F.pad(self.weight, (1, 1, 1, 1))
            w = w[..., 1:, :] + w[..., :-1, :]
            w = w[..., 1:] + w[..., :-1]
            return F.conv_transpose2d(x, w, None, 2, 1)

    network = Blurred(8, 8, 3, 2, bias=False)
    for row in (only(network), only(network, X)):
        assert (row.verdict, row.coverage) == ("clean", 1)
    assert spread(network) < 1e-5


@pytest.mark.parametrize("example", [None, X])
def test_what_is_linear_around_a_layer_counts(example: Tensor | None) -> None:
    biased = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))
    with torch.no_grad():
        weight, bias = biased[0].parameters()
        weight.copy_(weight[::4].repeat_interleave(4, 0))
        bias.copy_(torch.tensor([1.0, -1, -1, 1]).repeat(3))
    assert 0.6 < (only(biased, example).rho or 0) < 0.9
    blurred = nn.Sequential(nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.AvgPool2d(2, 1))
    assert only(blurred, example).rho == pytest.approx(0, abs=1e-9)
    one_slope = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.PReLU(), nn.PixelShuffle(2))
    assert only(one_slope, example).verdict == "grid"
    slopes = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.PReLU(12), nn.PixelShuffle(2))
    assert only(slopes, example).verdict == "not judged"


def test_half_of_a_pattern_survives_a_stride() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(8, 4, 4, 4), nn.AvgPool2d(2))
    with torch.no_grad():
        y = network(torch.ones(1, 8, 6, 6))
    assert not torch.allclose(y[..., 2, 2], y[..., 3, 3])
    assert only(network, X).verdict == "grid"
    network[1] = nn.AvgPool2d(4)
    assert only(network, X).rho == pytest.approx(0, abs=1e-9)


def test_equal_gains_with_uneven_energy_are_a_finding_of_their_own() -> None:
    network = nn.ConvTranspose2d(16, 16, 3, 2, 1, 1, bias=False)
    with torch.no_grad():
        phases = [network.weight[..., a::2, b::2] for a in (0, 1) for b in (0, 1)]
        sums = [phase.sum((-1, -2)) for phase in phases]
        mean = sum(sums, torch.zeros(())) / 4
        for phase, total in zip(phases, sums, strict=True):
            phase -= ((total - mean) / phase[0, 0].numel())[..., None, None]
    diagnosis = diagnose(network)
    assert diagnosis.layers[0].rho == pytest.approx(0, abs=1e-9)
    assert diagnosis.layers[0].verdict == "uneven energy"
    assert "Uneven energy: ConvTranspose2d (κ" in diagnosis.verdict


def test_a_path_that_fits_is_not_broken_by_the_advice() -> None:
    there, back = nn.Conv2d(8, 8, 3, 2, 1), nn.ConvTranspose2d(8, 8, 3, 2, 1, 1)
    diagnosis = diagnose(nn.Sequential(there, back), torch.randn(1, 8, 16, 16))
    (row,) = diagnosis.layers
    assert row.needs_shift
    assert "keeps the path aligned" in row.advice
    assert "nn.ConvTranspose2d(" not in row.advice
    assert diagnosis.alignment == []
    diagnosis = diagnose(nn.Sequential(nn.AvgPool2d(2), back), torch.randn(1, 8, 16, 16))
    assert diagnosis.alignment == ["the output lies -0.5, -0.5 px from where the input does"]
    assert "nn.ConvTranspose2d(8, 8, kernel_size=4, stride=2, padding=1)" in str(diagnosis)


class Shared(nn.Module):
    """One PixelShuffle, used twice; one layer that does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(8, 32, 3, padding=1), nn.Conv2d(8, 32, 3, padding=1)
        self.p, self.unused = nn.PixelShuffle(2), nn.ConvTranspose2d(8, 8, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (N, 8, 4H, 4W)."""
        return self.p(self.b(self.p(self.a(x))))  # type: ignore[no-any-return]


def test_a_shared_shuffle_has_two_rows_and_what_did_not_run_is_listed() -> None:
    rows = diagnose(Shared(), X).layers
    assert [row.name for row in rows] == ["a", "b", "unused"]
    assert rows[2].problem == "defined, but it did not run on this example"
    alone = diagnose(Shared()).layers
    assert [(row.name, row.verdict) for row in alone] == [("p", "not judged"), ("unused", "grid")]
    assert "only with an example" in alone[0].advice


def test_names_stay_short() -> None:
    class Many(nn.Module):
        def forward(self, x: Tensor) -> list[Tensor]:
            return [F.interpolate(x, size=(13, 13 + i)) for i in range(3)]

    rows = diagnose(nn.Sequential(Many()), X).layers
    assert [row.name for row in rows] == ["0.interpolate", "0.interpolate 2", "0.interpolate 3"]


def test_torchscript_is_seen_by_its_operations() -> None:
    part = torch.jit.script(nn.Sequential(nn.ConvTranspose2d(8, 8, 3, 2, 1, 1)))
    network = nn.Sequential(part, nn.Upsample(scale_factor=2), nn.Conv2d(8, 3, 3, padding=1))
    rows = diagnose(network).layers
    assert rows[0].problem == "TorchScript hides its layers: give an example input"
    rows = diagnose(network, X).layers
    assert [(row.name, row.verdict) for row in rows] == [
        ("0.conv_transpose2d", "grid"),
        ("1", "clean"),
    ]


def test_each_layers_effect_on_the_output_is_measured_and_ranked() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()
    )
    before = {name: x.clone() for name, x in network.state_dict().items()}
    diagnosis = diagnose(network, X)
    first, last = diagnosis.layers
    assert last.gain > first.gain
    (two, _) = last.effects
    assert two.ratio[0] > 3 > two.ratio[1]
    assert two.amplitude[0] > 1 > two.amplitude[1]
    assert diagnosis.ranking()[0].startswith("1. 2: R₂")
    for name, x in network.state_dict().items():
        assert torch.equal(x, before[name])


def test_ways_to_give_the_input() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(8, 8, 4, 2, 1)

        def forward(self, image: Tensor, *, scale: float) -> dict[str, Tensor]:
            return {"image": self.up(image) * scale}

        def decode(self, x: Tensor) -> Tensor:
            return self.up(x)  # type: ignore[no-any-return]

    network = Named()
    state = torch.get_rng_state()
    rows = [
        only_of(diagnose(network, X, kwargs={"scale": 2.0}).layers),
        only_of(diagnose(network, {"image": X, "scale": 2.0}).layers),
        only_of(diagnose(network, X, forward=Named.decode).layers),
        only_of(diagnose(network, X, forward=lambda net, x: net.decode(x)).layers),
    ]
    assert torch.equal(torch.get_rng_state(), state)
    assert {row.name for row in rows} == {"up"}
    assert rows[0].rho == pytest.approx(rows[1].rho)
    with pytest.raises(ValueError, match="forward needs an example"):
        diagnose(network, forward=lambda net: net.decode(X))
    with pytest.raises(ValueError, match="nothing depends on the example"):
        diagnose(network, X, forward=lambda net, _: net.decode(torch.ones(2, 8, 4, 4)))
    with pytest.raises(ValueError, match="the example is empty"):
        diagnose(network, torch.zeros(0, 8, 4, 4))


def only_of(rows: Sequence[LayerDiagnosis]) -> LayerDiagnosis:
    (row,) = rows
    return row


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


class Caching(nn.Module):
    """What it runs first differs from what it runs later."""

    def __init__(self, *, multiplies: bool = False) -> None:
        super().__init__()
        self.conv, self.up = nn.Conv2d(8, 8, 3, padding=1), nn.ConvTranspose2d(8, 3, 4, 2, 1)
        self.grid: Tensor | None = None
        self.multiplies = multiplies

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (N, 3, 2H, 2W)."""
        if self.grid is None:
            self.grid = torch.linspace(0, 1, 12)
            x = self.conv(x) if self.multiplies else x
        return self.up(self.conv(x) + self.grid)  # type: ignore[no-any-return]


def test_a_cache_shifts_nothing_and_a_changed_run_is_told() -> None:
    diagnosis = diagnose(Caching(), X)
    assert only_of(diagnosis.layers).on_real_inputs
    assert only_of(diagnosis.layers).effects
    with torch.autocast("cpu", dtype=torch.bfloat16):  # keeps the cast weights
        network = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ConvTranspose2d(8, 3, 4, 2, 1))
        assert only(network, X).on_real_inputs
    diagnosis = diagnose(Caching(multiplies=True), X)
    row = only_of(diagnosis.layers)
    assert (row.verdict, row.on_real_inputs, row.effects) == ("grid", False, [])
    assert "does not run the same operations each time" in str(diagnosis)


class Twice(nn.Module):
    """One layer, called twice; the first time on zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 3, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, 3, 4H, 4W)."""
        return self.up(self.up(x).relu_())  # type: ignore[no-any-return]


def test_a_layer_used_twice_is_measured_and_balanced_both_times() -> None:
    torch.manual_seed(0)
    network = Twice()
    row = only(network, torch.zeros(1, 3, 12, 12))
    assert row.on_real_inputs
    row = only(network, torch.randn(1, 3, 12, 12))
    (two, _) = row.effects
    assert two.ratio[0] > 3 > two.ratio[1]


def test_the_example_is_left_alone() -> None:
    network = nn.ConvTranspose2d(8, 3, 4, 2, 1)
    x = X.clone()
    row = only_of(diagnose(network, x, forward=lambda net, x: net(x.mul_(2))).layers)
    assert torch.equal(x, X)
    assert row.rho == pytest.approx(only(network, 2 * X).rho)


def test_a_pattern_of_period_3_has_no_effect_on_periods_2_and_4() -> None:
    network = nn.ConvTranspose2d(8, 3, 3, 3)
    x = torch.randn(1, 8, 16, 16)
    row = only(network, x)
    assert (row.verdict, row.effects) == ("grid", [])
    assert only(nn.ConvTranspose2d(8, 3, 4, 4), x).effects


def test_integer_images_move_as_others_do() -> None:
    def way(x: Tensor) -> Tensor:
        y = x.mul(100).byte().repeat_interleave(2, 2).repeat_interleave(2, 3)
        return F.pad(torch.cat([y, y], 1)[:, :8], (1, 1, 1, 1)).float()

    row = only(Block(way, last=True), X)
    assert (row.kind, row.verdict) == ("repeated pixels", "clean")


def test_what_is_added_at_an_index_is_not_moved() -> None:
    def way(x: Tensor) -> Tensor:
        y = F.interpolate(x, scale_factor=2)
        i = torch.arange(0, 24, 2)
        y.index_put_((torch.tensor([0]), torch.tensor([0]), i, i), x[0, 0, 0], accumulate=True)
        return y

    rows = diagnose(Block(way, last=True), X).layers
    assert [row.kind for row in rows] == ["Upsample(nearest)"]


def test_a_middle_of_repeated_pixels_says_nothing_about_the_sides() -> None:
    class Sides(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 32, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            shuffled = F.pixel_shuffle(y, 2)
            repeated = y[:, ::4].repeat_interleave(2, 2).repeat_interleave(2, 3)
            return torch.cat([shuffled[..., :6], repeated[..., 6:18], shuffled[..., 18:]], -1).exp()

    assert only(Sides(), X).verdict == "not judged"


@pytest.mark.parametrize(
    "way",
    [
        lambda x: F.interpolate(x, scale_factor=2),
        lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3),
    ],
)
def test_a_mask_after_clean_upsampling_is_not_judged(way: Callable[[Tensor], Tensor]) -> None:
    mask = torch.zeros(24, 24)
    mask[::2, ::2] = 1
    row = only(Block(lambda x: way(x).relu() * mask, last=True), X)
    assert row.verdict == "not judged"
    assert "differ from pixel to pixel" in row.advice
    alike = torch.rand(8, 1, 1)
    assert only(Block(lambda x: way(x) * alike, last=True), X).verdict == "clean"


def test_what_follows_and_cannot_be_measured_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.conv = nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.up(x)) * torch.linspace(0, 1, 24)  # type: ignore[no-any-return]

    assert only(Masked(), X).kappa is not None
    # A torus of 2x2 pixels remains possible, of those that κ needs none.
    monkeypatch.setattr(replay, "MAX_COST", 9 * 4 * 72 * 8 * 8)
    row = only(Masked(), X)
    assert (row.verdict, row.kappa) == ("grid", None)


def test_whatever_a_layer_raises_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("stride")

    monkeypatch.setattr(diagnosis, "stamp_of", fail)
    assert only(nn.ConvTranspose2d(8, 8, 4, 2, 1)).verdict == "not judged"


@pytest.mark.parametrize("way", [WAYS["pixel shuffle"], lambda x: x.repeat_interleave(2, 2)])
def test_an_odd_padding_moves_by_half_a_block(way: Callable[[Tensor], Tensor]) -> None:
    def padded(x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(way(x), (3, 3, 3, 3), mode="reflect"), 7, 1)

    assert diagnose(Block(padded), X).alignment == []
    assert diagnose(Block(lambda x: padded(x)[..., 1:]), X).alignment != []
