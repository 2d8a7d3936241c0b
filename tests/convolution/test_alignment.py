"""Theory's claim 13 in image geometry."""

import pytest
import torch

from dcgan.convolution.alignment import image_shift, index_shift, stacked_shift


@pytest.mark.parametrize(
    ("kernel_size", "padding", "shift"),
    [(2, 0, 0), (4, 1, 0), (6, 2, 0), (3, 1, -0.5), (5, 2, -0.5)],
)
def test_the_doubling_triples(kernel_size: int, padding: int, shift: float) -> None:
    assert image_shift(kernel_size, 2, padding) == shift


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [3, 4, 5])
def test_the_shift_is_where_a_stamp_lands(
    kernel_size: int, stride: int, padding: int, dilation: int
) -> None:
    layer = torch.nn.ConvTranspose1d(1, 1, kernel_size, stride, padding, dilation=dilation)
    torch.nn.init.ones_(layer.weight)
    impulse = torch.zeros(1, 1, 21)
    impulse[0, 0, 10] = 1
    with torch.no_grad():
        stamp = layer(impulse)[0, 0] - layer(torch.zeros(1, 1, 21))[0, 0]
    center = (stamp * torch.arange(len(stamp))).sum() / stamp.sum()
    belongs = stride * 10 + (stride - 1) / 2
    assert center.item() - belongs == pytest.approx(
        image_shift(kernel_size, stride, padding, dilation), abs=1e-3
    )


def test_the_two_conventions() -> None:
    for k, p in ((3, 1), (4, 1), (5, 2)):
        assert index_shift(k, p) / 2 == (k - 1 - 2 * p) / 4  # input pixels, the textbook's
    for k, p, op in ((1, 0, 1), (2, 0, 0), (3, 1, 1), (4, 1, 0), (5, 2, 1), (6, 2, 0)):
        assert image_shift(k, 2, p) == -op / 2  # where the layer doubles exactly
    assert stacked_shift(image_shift(3, 2, 1), 2, 3) == -3.5
