"""Claim 16 against its definition: balanced kernels, their projection, its parametrization."""

import copy
import math
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from dcgan.convolution import coverage, frequency_response, polyphase_gains, triangular_kernel
from dcgan.convolution.balance import (
    Balanced,
    BalancedSubpixel,
    EqualBiases,
    balancing_projection,
    keep_balanced,
    make_plain,
)
from dcgan.convolution.equivalence import resize_as_transposed, subpixel_as_transposed

TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
# Every geometry in 1-D, and some that differ by axis in 2-D and 3-D: kernel, stride, dilation.
GEOMETRIES = [
    *(([k], [s], [d]) for k, s, d in product(range(1, 8), range(1, 5), (1, 2, 3))),
    *(([k, k], [2, 2], [1, 1]) for k in range(2, 7)),
    ([4, 3], [2, 3], [1, 2]),
    ([5, 5], [3, 3], [1, 1]),
    ([4, 4], [4, 4], [1, 1]),
    ([3, 3, 3], [2, 2, 2], [1, 1, 1]),
    ([1, 4, 4], [1, 2, 2], [1, 1, 1]),
]
POSSIBLE = [
    (k, s, d)
    for k, s, d in GEOMETRIES
    if all(a >= b and math.gcd(b, c) == 1 for a, b, c in zip(k, s, d, strict=True))
]


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def response(taps: Tensor, image: Tensor, stride: list[int], dilation: list[int]) -> Tensor:
    """What a kernel paints of an image, away from borders."""
    axes = len(stride)
    reach = [d * (k - 1) // s + 1 for k, s, d in zip(taps.shape, stride, dilation, strict=True)]
    painted = TRANSPOSE[axes](image[None, None], taps[None, None], None, stride, 0, 0, 1, dilation)
    inside = [
        slice(r * s, n * s - r * s) for r, s, n in zip(reach, stride, image.shape, strict=True)
    ]
    return painted[0, 0][tuple(inside)]


@pytest.mark.parametrize(("kernel_size", "stride", "dilation"), POSSIBLE)
def test_it_is_the_orthogonal_projection_to_the_kernels_that_keep_a_constant(
    kernel_size: list[int], stride: list[int], dilation: list[int]
) -> None:
    projection = balancing_projection(kernel_size, stride, dilation)
    torch.testing.assert_close(projection @ projection, projection, rtol=0, atol=1e-12)
    torch.testing.assert_close(projection, projection.T, rtol=0, atol=1e-12)
    # So many conditions as there are phases, but for one: nothing is taken that need not be.
    assert projection.trace().item() == pytest.approx(
        math.prod(kernel_size) - math.prod(stride) + 1, abs=1e-9
    )
    taps = (projection @ random(math.prod(kernel_size))).reshape(kernel_size)
    size = [2 * d * k // s + 4 for k, s, d in zip(kernel_size, stride, dilation, strict=True)]
    constant = response(taps, torch.ones(size, dtype=torch.float64), stride, dilation)
    assert constant.numel() > 1
    assert (constant - constant.mean()).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("k", "s", "dilation"), [(*k, *s, *d) for k, s, d in POSSIBLE if len(k) == 1]
)
def test_it_is_the_formula_of_least_squares(k: int, s: int, dilation: int) -> None:
    """w'_t = w_t + (c − g_r)/n_r with c = Σ(g_r/n_r) / Σ(1/n_r), per phase r."""
    taps = random(k)
    phase = torch.arange(k) * dilation % s
    gains = torch.zeros(s, dtype=torch.float64).index_add(0, phase, taps)
    counts = coverage([k], [s], [dilation]).double()
    common = (gains / counts).sum() / (1 / counts).sum()
    expected = taps + ((common - gains) / counts)[phase]
    projection = balancing_projection([k], [s], [dilation])
    torch.testing.assert_close(projection @ taps, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("order", "free"), [(1, {2: 1, 3: 6, 4: 13, 5: 22, 6: 33}), (2, {3: 2, 4: 7, 5: 16, 6: 27})]
)
def test_so_many_numbers_stay_free(order: int, free: dict[int, int]) -> None:
    for k, count in free.items():
        projection = balancing_projection([k, k], [2, 2], order=order)
        assert projection.trace().item() == pytest.approx(count, abs=1e-9)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation"),
    [([3], [2], [1]), ([4], [2], [1]), ([5], [3], [1]), ([4, 4], [2, 2], [1, 1]),
     ([6, 6], [2, 2], [1, 1]), ([5, 4], [2, 2], [3, 1]), ([4, 4, 4], [2, 2, 2], [1, 1, 1])],
)  # fmt: skip
def test_order_2_turns_a_ramp_into_a_ramp_and_order_1_does_not(
    kernel_size: list[int], stride: list[int], dilation: list[int]
) -> None:
    size = [2 * d * k // s + 6 for k, s, d in zip(kernel_size, stride, dilation, strict=True)]
    ramp = sum(
        (axis + 1)
        * torch.arange(n).double().reshape([-1 if i == axis else 1 for i in range(len(size))])
        for axis, n in enumerate(size)
    )
    assert isinstance(ramp, Tensor)
    bends = {}
    for order in (1, 2):
        projection = balancing_projection(kernel_size, stride, dilation, order)
        taps = (projection @ random(math.prod(kernel_size))).reshape(kernel_size)
        painted = response(taps, ramp, stride, dilation)
        # The second difference of a ramp is 0 along every axis.
        bends[order] = max(
            painted.diff(n=2, dim=axis).abs().max().item() for axis in range(len(size))
        )
    assert bends[2] < 1e-10
    assert bends[1] > 1e-3


def test_examples_of_the_claim() -> None:
    def balanced(*taps: float) -> list[float]:
        return (balancing_projection([len(taps)], [2]) @ torch.tensor(taps).double()).tolist()

    assert balanced(1, 2, 1) == pytest.approx([1, 2, 1])
    assert balanced(3, 1, 3, 1) == pytest.approx([2, 2, 2, 2])
    assert balanced(1, 1, 1) == pytest.approx([2 / 3, 4 / 3, 2 / 3])
    gains = polyphase_gains(torch.tensor(balanced(3, 1, 4, 1, 5)), 2)
    assert gains[0].item() == pytest.approx(gains[1].item())
    zero = frequency_response(torch.tensor(balanced(3, 1, 4, 1, 5)).double(), [math.pi])
    assert zero.abs().item() < 1e-12


def test_resizing_and_tied_kernels_stay_as_they_are() -> None:
    nearest = resize_as_transposed(random(5, 3, 3, 3))
    torch.testing.assert_close(Balanced([4, 4], [2, 2])(nearest), nearest, rtol=0, atol=1e-6)
    taps = triangular_kernel(2, 4)
    bilinear = torch.outer(taps, taps)[None, None]
    exact = Balanced([4, 4], [2, 2], order=2).double()
    torch.testing.assert_close(exact(bilinear), bilinear, rtol=0, atol=1e-6)
    icnr = random(2, 3, 3, 3).repeat_interleave(4, dim=0)
    torch.testing.assert_close(BalancedSubpixel([3, 3], 2)(icnr), icnr, rtol=0, atol=1e-6)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("scale", [2, 3])
def test_sub_pixel_is_the_transposed_convolution_that_it_equals(scale: int, order: int) -> None:
    weight = random(scale**2 * 5, 3, 3, 3)
    parametrization = BalancedSubpixel([3, 3], scale, order).double()
    size = [3 * scale] * 2
    as_transposed = F.pixel_shuffle(weight.flip(2, 3).transpose(0, 1), scale)
    expected = Balanced(size, [scale] * 2, order=order).double()(as_transposed)
    found = F.pixel_shuffle(parametrization(weight).flip(2, 3).transpose(0, 1), scale)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    sums = parametrization(weight).sum((2, 3)).unflatten(0, (5, scale**2))
    torch.testing.assert_close(sums, sums[:, :1].expand_as(sums), rtol=0, atol=1e-6)
    if scale == 2:
        torch.testing.assert_close(as_transposed, subpixel_as_transposed(weight))


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation", "order", "reason"),
    [
        ([1, 1], [2, 2], None, 1, "kernel 1, stride 2, dilation 1: some outputs get no tap"),
        ([4, 2], [2, 3], None, 1, "kernel 2, stride 3, dilation 1: some outputs get no tap"),
        ([4, 4], [2, 2], [2, 2], 1, "kernel 4, stride 2, dilation 2: some outputs get no tap"),
        ([2, 2], [2, 2], None, 2, "order 2 leaves nothing of kernel 2x2"),
        ([3], [3], None, 2, "order 2 leaves nothing of kernel 3"),
    ],
)
def test_what_cannot_be_balanced_is_refused(
    kernel_size: list[int], stride: list[int], dilation: list[int] | None, order: int, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        balancing_projection(kernel_size, stride, dilation, order)


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose1d(4, 6, 5, 2),
        nn.ConvTranspose2d(4, 6, 4, 2, 1, groups=2),
        nn.ConvTranspose2d(4, 6, (3, 4), (2, 3), dilation=(3, 1)),
        nn.ConvTranspose3d(4, 6, 3, 2),
    ],
)
def test_a_layer_stays_balanced_while_it_learns(layer: nn.ConvTranspose2d) -> None:
    keep_balanced(layer, Balanced(layer.kernel_size, layer.stride, layer.dilation), keep_norm=False)
    optimizer = torch.optim.Adam(layer.parameters(), 0.1)
    axes = len(layer.stride)
    for seed in range(5):
        layer(random(2, 4, *[8] * axes, seed=seed).float()).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    ones = torch.ones(1, 4, *[12] * axes)
    answer = layer(ones) - (0 if layer.bias is None else layer.bias.reshape(1, -1, *[1] * axes))
    inside = answer[(..., *[slice(12, 12 + s) for s in layer.stride])].flatten(2)
    torch.testing.assert_close(inside, inside[..., :1].expand_as(inside), rtol=0, atol=1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(
            layer.weight, layer.weight.float()
        )  # the projection itself stays float32


def test_gradients_are_those_of_the_projection() -> None:
    parametrization = Balanced([3, 3], [2, 2]).double()
    weight = random(2, 3, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(parametrization, weight)
    shuffled = BalancedSubpixel([3, 3], 2, order=2).double()
    assert torch.autograd.gradcheck(shuffled, random(8, 2, 3, 3).requires_grad_())


@pytest.mark.parametrize("order", [1, 2])
def test_random_weights_keep_their_variance_if_asked(order: int) -> None:
    free = nn.ConvTranspose2d(64, 64, 4, 2, 1, bias=False)
    kept, shrunk = copy.deepcopy(free), copy.deepcopy(free)
    keep_balanced(kept, Balanced([4, 4], [2, 2], order=order), keep_norm=True)
    keep_balanced(shrunk, Balanced([4, 4], [2, 2], order=order), keep_norm=False)
    assert kept.weight.std().item() == pytest.approx(free.weight.std().item(), rel=1e-3)
    share = (13 if order == 1 else 7) / 16
    assert shrunk.weight.var().item() == pytest.approx(share * free.weight.var().item(), rel=0.02)
    by_tap = kept.weight.var((0, 1))  # order 1: each tap's, as all phases have as many taps
    if order == 1:
        assert by_tap.max() / by_tap.min() < 1.2


def test_biases_before_a_shuffle_become_equal_by_phase() -> None:
    layer = nn.Conv2d(3, 8, 3, padding=1)
    before = torch.as_tensor(layer.bias).detach().clone()
    keep_balanced(layer, BalancedSubpixel([3, 3], 2), EqualBiases(2), keep_norm=False)
    bias = torch.as_tensor(layer.bias)
    assert torch.equal(bias, bias[::4].repeat_interleave(4))
    torch.testing.assert_close(bias[::4], before.unflatten(0, (2, 4)).mean(1))


def test_making_a_copy_plain_leaves_the_original_as_it_was() -> None:
    layer = nn.ConvTranspose2d(2, 3, 4, 2, 1)
    keep_balanced(layer, Balanced([4, 4], [2, 2]), keep_norm=False)
    plain = copy.deepcopy(layer)
    make_plain(plain)
    x = torch.randn(1, 2, 5, 5)
    assert torch.equal(plain(x), layer(x))
    assert type(plain) is nn.ConvTranspose2d
    assert set(plain.state_dict()) == {"weight", "bias"}
    assert isinstance(plain.weight, nn.Parameter)
    assert set(layer.state_dict()) == {"bias", "parametrizations.weight.original"}


def test_it_stands_on_weight_normalization() -> None:
    layer = weight_norm(nn.ConvTranspose2d(2, 3, 4, 2, 1))
    keep_balanced(layer, Balanced([4, 4], [2, 2]), keep_norm=False)
    sums = F.pixel_unshuffle(layer.weight, 2).sum((2, 3)).unflatten(1, (3, 4))
    torch.testing.assert_close(sums, sums[..., :1].expand_as(sums), rtol=0, atol=1e-6)
