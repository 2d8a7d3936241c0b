"""Claim "alignment" for any stride and dilation."""

from itertools import product

import pytest
import torch

from dcgan.convolution.alignment import (
    doubling_padding,
    image_shift,
    index_shift,
    stacked_shift,
)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [3, 4, 5])
def test_the_shift_matches_the_center_of_the_footprint(
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


def test_the_claims_examples() -> None:
    shifts = {k: image_shift(k, 2, doubling_padding(k)[0]) for k in range(2, 7)}
    assert shifts == {2: 0, 3: -0.5, 4: 0, 5: -0.5, 6: 0}
    assert stacked_shift(-0.5, 2, 3) == -3.5
    for k, p in product(range(1, 7), range(3)):  # in input pixels
        assert index_shift(k, p) / 2 == (k - 1 - 2 * p) / 4


@pytest.mark.parametrize("kernel_size", range(1, 9))
def test_one_padding_doubles_every_size(kernel_size: int) -> None:
    def size(n: int, padding: int, output_padding: int) -> int:
        shape = torch.nn.ConvTranspose1d(
            1, 1, kernel_size, 2, padding, output_padding, device="meta"
        )(torch.empty(1, 1, n, device="meta")).shape
        return int(shape[-1])

    pairs = product(range(5), range(2))
    doubling = [pair for pair in pairs if [size(n, *pair) for n in (6, 9)] == [12, 18]]
    assert doubling == [doubling_padding(kernel_size)]
