"""What is seen of a run, however the network is called or written."""

import pytest
import torch
from torch import Tensor, nn

from dcgan.checkerboard import diagnose
from tests.checkerboard.networks import X, only, only_of


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


def test_the_example_is_left_alone() -> None:
    network = nn.ConvTranspose2d(8, 3, 4, 2, 1)
    x = X.clone()
    row = only_of(diagnose(network, x, forward=lambda net, x: net(x.mul_(2))).layers)
    assert torch.equal(x, X)
    assert row.rho == pytest.approx(only(network, 2 * X).rho)


def test_operations_of_inference_mode_are_seen_in_parts() -> None:
    up = nn.ConvTranspose2d(8, 3, 4, 2, 1)
    row = only_of(diagnose(up, X, forward=torch.inference_mode()(lambda net, x: net(x))).layers)
    assert (row.verdict, row.rho, row.on_real_inputs) == ("grid", only(up, X).rho, True)


def test_the_gradient_of_a_strided_convolution_is_a_transposed_one() -> None:
    down = nn.Conv2d(3, 8, 3, 2, 1, bias=False)

    def gradient(net: nn.Module, x: Tensor) -> Tensor:
        image = torch.zeros(2, 3, 24, 24, requires_grad=True)
        with torch.enable_grad():
            return torch.autograd.grad(net(image), image, x)[0]

    up = nn.ConvTranspose2d(8, 3, 3, 2, 1, 1, bias=False)
    up.weight = down.weight
    row, other = only_of(diagnose(down, X, forward=gradient).layers), only(up, X)
    assert (row.rho, row.kappa, row.coverage) == (other.rho, other.kappa, other.coverage)


def test_weights_without_a_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="no shape yet: run the network once"):
        diagnose(nn.LazyConvTranspose2d(3, 4, 2, 1), X)


@pytest.mark.filterwarnings("ignore")  # torch.ao is deprecated
@pytest.mark.skipif(torch.backends.quantized.engine == "none", reason="no int8 kernels here")
def test_quantized_layers_are_judged_by_the_weights_that_they_have() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        torch.ao.quantization.QuantStub(),
        nn.ConvTranspose2d(8, 8, 4, 2, 1),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.PixelShuffle(2),
    ).eval()
    plain = [row.rho for row in diagnose(network, X).layers]
    config = torch.ao.quantization.QConfig(
        activation=torch.ao.quantization.default_observer,
        weight=torch.ao.quantization.default_weight_observer,
    )
    torch.ao.quantization.propagate_qconfig_(network, {"": config})
    quantized = torch.ao.quantization.prepare(network)
    quantized(X)
    quantized = torch.ao.quantization.convert(quantized)
    rows = diagnose(quantized, X).layers
    assert [row.verdict for row in rows] == ["grid", "clean", "grid"]
    assert [row.rho for row in rows] == pytest.approx(plain, abs=0.02)
    assert all(row.on_real_inputs for row in (rows[0], rows[2]))
    alone = diagnose(quantized).layers
    assert [row.verdict for row in alone] == ["not judged", "clean", "not judged"]
    dynamic = torch.ao.nn.quantized.dynamic.ConvTranspose2d(8, 3, 4, 2, 1)
    weight = torch.quantize_per_tensor(torch.randn(8, 3, 4, 4), 0.02, 0, torch.qint8)
    dynamic.set_weight_bias(weight, None)
    assert only(nn.Sequential(dynamic), X).verdict == "grid"


def test_sparse_matrices_may_take_part() -> None:
    double = torch.eye(8).to_sparse()
    up = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def mixed(net: nn.Module, x: Tensor) -> Tensor:
        y: Tensor = net(torch.sparse.mm(double, x[0].flatten(1)).reshape(1, 8, 12, 12))
        return y

    assert only_of(diagnose(up, X, forward=mixed).layers).verdict == "grid"
