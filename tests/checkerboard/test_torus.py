"""Convolutions on a torus, against torch's on an image that is repeated many times."""

from itertools import product
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from dcgan.checkerboard.torus import Geometry, stamped, swept


@pytest.mark.parametrize("transposed", [False, True])
def test_both_ways_agree_with_a_large_image(transposed: bool) -> None:
    torch.manual_seed(0)
    for kernel, stride, padding, dilation, groups in product(
        (2, 3), (1, 2), (0, 2), (1, 2), (1, 2)
    ):
        shape = Geometry(
            (kernel,) * 2, (stride,) * 2, (padding,) * 2, (dilation,) * 2, transposed, groups
        )
        channels = (4, 4 // groups)  # as many out as in
        weight = torch.randn(*channels, kernel, kernel, dtype=torch.float64)
        impulse = torch.zeros(1, 1, 4, 4).double()
        impulse[0, 0, 1, 2] = 2
        each = torch.eye(4).double()[..., None, None] * impulse
        function: Any = F.conv_transpose2d if transposed else F.conv2d
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        y = function(each.repeat(1, 1, 9, 9), weight, **options)
        size = 4 * stride if transposed else 4 // stride
        start = 4 * size
        expected = y[..., start : start + size, start : start + size]
        torch.testing.assert_close(swept(each, weight, shape), expected)
        torch.testing.assert_close(stamped(impulse, weight, shape)[:-1], expected)
