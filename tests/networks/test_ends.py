"""The first layer of G and the last of D equal the convolutions that they replace."""

import pytest
import torch
from torch import Tensor, nn

from dcgan.networks.discriminator import Readout
from dcgan.networks.generator import Projection


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ("layer", "plain", "shape"),
    [
        (Projection(5, 3, 4), nn.ConvTranspose2d, (2, 5, 1, 1)),
        (Readout(3, 1, 4, bias=False), nn.Conv2d, (2, 3, 4, 4)),
        (Readout(3, 2, 4, bias=True), nn.Conv2d, (2, 3, 4, 4)),
    ],
    ids=["projection", "readout", "readout with bias"],
)
def test_values_and_gradients_equal_the_convolutions(
    layer: nn.Module,
    plain: type[nn.Module],
    shape: tuple[int, ...],
    memory_format: torch.memory_format,
) -> None:
    layer = layer.double().to(memory_format=memory_format)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)

    def result_of(forward: object) -> list[Tensor]:
        assert callable(forward)
        y = forward(x)
        inputs = [x, *layer.parameters()]
        return [y, *torch.autograd.grad(y.square().sum(), inputs)]

    expected = result_of(lambda x: plain.forward(layer, x))
    for ours, theirs in zip(result_of(layer), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
