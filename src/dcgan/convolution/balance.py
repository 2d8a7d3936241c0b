"""Kernels that cannot make a checkerboard ("balanced"), and a filter that removes one ("notch").

A kernel is balanced (order 1) if its polyphase gains are equal: it turns a constant into a
constant. If it is balanced of order 2, it also turns a ramp into a ramp.
"""

import math
from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor


def balancing_projection(
    kernel_size: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int] | None = None,
    order: int = 1,
) -> Tensor:
    """The matrix P that maps a kernel to the nearest balanced one: (taps, taps) float64.

    P = 1 − A⁺A (Penrose, 1955), where A·w = 0 says that the kernel's frequency response has a zero
    of this order at every image frequency ω = 2πm/s other than 0: Σ_t e^{iω·dt} t^a w_t = 0 for all
    powers a, one per axis, with |a| < order. P is symmetric, and P·P = P.

    Args:
        kernel_size, stride, dilation: one entry per axis, in 1 to 3 dimensions.
        order: 1 removes the pattern from constants, 2 from ramps as well.

    Raises:
        ValueError: a phase has no tap, or every balanced kernel has the sum 0, which would remove
            all brightness.
    """
    dilation = dilation or [1] * len(stride)
    for k, s, d in zip(kernel_size, stride, dilation, strict=True):
        if k < s or math.gcd(s, d) > 1:
            raise ValueError(f"kernel {k}, stride {s}, dilation {d}: some outputs get no tap")
    # Positions are counted from the kernel's center only to keep the numbers small.
    axes = [
        (torch.arange(k).double() - (k - 1) / 2) * d
        for k, d in zip(kernel_size, dilation, strict=True)
    ]
    positions = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    powers = [a for a in product(range(order), repeat=len(axes)) if sum(a) < order]
    rows = []
    for m in list(product(*map(range, stride)))[1:]:
        angles = positions @ (2 * math.pi * torch.tensor(m).double() / torch.tensor(stride))
        for power in powers:
            weights = positions.pow(torch.tensor(power)).prod(1)
            rows += [weights * angles.cos(), weights * angles.sin()]
    identity = torch.eye(len(positions), dtype=torch.float64)
    if not rows:  # stride 1
        return identity
    conditions = torch.stack(rows)
    projection: Tensor = identity - torch.linalg.pinv(conditions, rtol=1e-9) @ conditions
    if projection.sum() < 1e-6:  # it is ‖P·1‖²: 0 if every balanced kernel has the sum 0
        sizes = "x".join(map(str, kernel_size))
        raise ValueError(f"order {order} leaves nothing of kernel {sizes} that keeps brightness")
    return projection


def notch_taps(order: int) -> Tensor:
    """A filter that removes little but the frequency of period 2: (2m + 1,) float64.

    h_m(ω) = 1 − sin^{2m}(ω/2) has a double zero at ω = π; at ω = 0 it is 1 and flat. Its taps are
    δ_n − (−1)^n·C(2m, m + n)/4^m for n = −m … m. m = 1 is [1 2 1]/4; a larger m removes less.

    Raises:
        ValueError: `order` is below 1.
    """
    if order < 1:
        raise ValueError(f"order {order}: must be at least 1")
    n = range(-order, order + 1)
    taps = [(i == 0) - (-1) ** i * math.comb(2 * order, order + i) / 4**order for i in n]
    return torch.tensor(taps, dtype=torch.float64)
