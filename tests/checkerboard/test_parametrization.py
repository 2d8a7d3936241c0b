"""Weights of balanced layers under optimization, in all precisions, and after copying."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from dcgan.checkerboard.parametrization import (
    Balanced,
    BalancedSubpixel,
    EqualBiases,
    keep_balanced,
    make_plain,
)
from dcgan.convolution import triangular_kernel
from dcgan.convolution.equivalence import resize_as_transposed, subpixel_as_transposed


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_resizing_and_tied_kernels_are_already_balanced() -> None:
    nearest = resize_as_transposed(random(5, 3, 3, 3))
    torch.testing.assert_close(Balanced([4, 4], [2, 2])(nearest), nearest, rtol=0, atol=1e-6)
    taps = triangular_kernel(2, 4)
    bilinear = torch.outer(taps, taps)[None, None]
    exact = Balanced([4, 4], [2, 2], order=2).double()
    torch.testing.assert_close(exact(bilinear), bilinear, rtol=0, atol=1e-6)
    icnr = random(2, 3, 3, 3).repeat_interleave(4, dim=0)
    torch.testing.assert_close(BalancedSubpixel([3, 3], 2)(icnr), icnr, rtol=0, atol=1e-6)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_the_memory_format_is_kept_and_changes_no_value(memory: torch.memory_format) -> None:
    weight, balanced = random(6, 5, 4, 4), Balanced([4, 4], [2, 2]).double()
    found = balanced(weight.to(memory_format=memory))
    assert found.is_contiguous(memory_format=memory)
    by_definition = (weight.flatten(2) @ balanced.projection).reshape(weight.shape)
    torch.testing.assert_close(found, by_definition, rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("scale", [2, 3])
def test_sub_pixel_is_balanced_like_its_equivalent_transposed_convolution(
    scale: int, order: int
) -> None:
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
    "layer",
    [
        nn.ConvTranspose1d(4, 6, 5, 2),
        nn.ConvTranspose2d(4, 6, 4, 2, 1, groups=2),
        nn.ConvTranspose2d(4, 6, (3, 4), (2, 3), dilation=(3, 1)),
        nn.ConvTranspose3d(4, 6, 3, 2),
    ],
)
def test_a_layer_stays_balanced_during_training(layer: nn.ConvTranspose2d) -> None:
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
    weight = layer.weight
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer.weight, weight)  # the projection itself stays float32


def test_gradients_pass_through_the_projection() -> None:
    parametrization = Balanced([3, 3], [2, 2]).double()
    weight = random(2, 3, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(parametrization, weight)
    shuffled = BalancedSubpixel([3, 3], 2, order=2).double()
    assert torch.autograd.gradcheck(shuffled, random(8, 2, 3, 3).requires_grad_())


@pytest.mark.parametrize("order", [1, 2])
def test_keep_norm_preserves_the_variance_of_random_weights(order: int) -> None:
    free = nn.ConvTranspose2d(64, 64, 4, 2, 1, bias=False)
    kept, shrunk = copy.deepcopy(free), copy.deepcopy(free)
    keep_balanced(kept, Balanced([4, 4], [2, 2], order=order), keep_norm=True)
    keep_balanced(shrunk, Balanced([4, 4], [2, 2], order=order), keep_norm=False)
    assert kept.weight.std().item() == pytest.approx(free.weight.std().item(), rel=1e-3)
    share = (13 if order == 1 else 7) / 16
    assert shrunk.weight.var().item() == pytest.approx(share * free.weight.var().item(), rel=0.02)
    by_tap = kept.weight.var((0, 1))  # order 1: per tap, as all phases have equally many
    if order == 1:
        assert by_tap.max() / by_tap.min() < 1.2


def test_biases_before_a_shuffle_become_equal_across_phases() -> None:
    layer = nn.Conv2d(3, 8, 3, padding=1)
    before = torch.as_tensor(layer.bias).detach().clone()
    keep_balanced(layer, BalancedSubpixel([3, 3], 2), EqualBiases(2), keep_norm=False)
    bias = torch.as_tensor(layer.bias)
    assert torch.equal(bias, bias[::4].repeat_interleave(4))
    torch.testing.assert_close(bias[::4], before.unflatten(0, (2, 4)).mean(1))


def test_unparametrizing_a_copy_leaves_the_original_unchanged() -> None:
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


def test_it_works_on_top_of_weight_normalization() -> None:
    layer = weight_norm(nn.ConvTranspose2d(2, 3, 4, 2, 1))
    keep_balanced(layer, Balanced([4, 4], [2, 2]), keep_norm=False)
    sums = F.pixel_unshuffle(layer.weight, 2).sum((2, 3)).unflatten(1, (3, 4))
    torch.testing.assert_close(sums, sums[..., :1].expand_as(sums), rtol=0, atol=1e-6)
