"""What follows an enlarged image, and can hide it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import diagnose
from tests.checkerboard.networks import Block, X, only, only_of


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


PATTERN = (torch.arange(24)[:, None] + torch.arange(24)) % 2


def box() -> nn.ConvTranspose2d:
    """Turns constants into constants."""
    layer = nn.ConvTranspose2d(8, 8, 4, 2, 1)
    with torch.no_grad():
        layer.weight.copy_(layer.weight.mean((2, 3), keepdim=True).expand_as(layer.weight))
    return layer


def _blanked(y: Tensor) -> Tensor:
    y[..., ::2, ::2] = 0
    return y


def _doubled(y: Tensor) -> Tensor:
    y[..., ::2, :] *= 2
    return y


@pytest.mark.parametrize(
    "mask",
    [
        lambda y: y * PATTERN,
        lambda y: torch.where(PATTERN.bool(), y, 0.0),
        lambda y: y.relu().masked_fill(PATTERN.bool(), 0.0),
        _blanked,
        _doubled,
    ],
)
@pytest.mark.parametrize("up", [box(), nn.Upsample(scale_factor=2)])
def test_a_pattern_written_over_the_pixels_is_not_judged(
    up: nn.Module, mask: Callable[[Tensor], Tensor]
) -> None:
    assert only(Block(up, last=True), X).verdict == "clean"
    rows = diagnose(Block(lambda x: mask(up(x)), last=True), X).layers
    assert {row.verdict for row in rows} == {"not judged"}


def test_a_gradual_mask_changes_no_verdict() -> None:
    window = torch.hann_window(24) * torch.linspace(1, 2, 24)[:, None]
    for up, verdict in ((box(), "clean"), (nn.ConvTranspose2d(8, 8, 3, 2, 1, 1), "grid")):
        network = nn.Sequential(up, nn.Identity())
        masked = diagnose(network, X, forward=lambda net, x: net(x) * window).layers
        assert [row.verdict for row in masked] == [verdict]


def test_weights_of_other_pixels_and_places_to_take_them_from_are_no_images() -> None:
    kernels, offsets = nn.Conv2d(8, 36, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
    same = torch.eye(2, 3)[None]

    def reassembled(x: Tensor) -> Tensor:  # Wang et al., 2019: CARAFE
        weights = F.softmax(F.pixel_shuffle(kernels(x), 2), 1)
        near = F.unfold(x, 3, padding=1).unflatten(2, x.shape[2:])
        near = F.interpolate(near, scale_factor=2).unflatten(1, (8, 9))
        mixed: Tensor = (near * weights[:, None]).sum(2)
        return mixed

    def sampled(x: Tensor) -> Tensor:  # Liu et al., 2023: DySample
        grid = F.affine_grid(same.expand(len(x), -1, -1), [len(x), 8, 24, 24], False)
        moved = grid + 0.1 * F.pixel_shuffle(offsets(x), 2).permute(0, 2, 3, 1)
        return F.grid_sample(x, moved, padding_mode="border", align_corners=False)

    for way, reason in ((reassembled, "a softmax makes weights"), (sampled, "taken from")):
        rows = diagnose(Block(way, last=True), X).layers
        assert {row.verdict for row in rows} == {"clean", "not judged"}
        assert any(reason in row.advice for row in rows)


def test_a_mask_that_is_even_away_from_borders_is_a_factor() -> None:
    ends = torch.ones(24)
    ends[[0, 1, -1]] = torch.tensor([0.2, 0.9, 0.4])
    network = nn.Sequential(nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.AvgPool2d(2, 1))
    row = only_of(diagnose(network, X, forward=lambda net, x: net[1](net[0](x) * ends)).layers)
    assert row.rho == pytest.approx(0, abs=1e-9)  # the pooling is reached


def test_one_channel_may_become_three() -> None:
    layer, colors = nn.ConvTranspose2d(8, 1, 4, 2, 1), torch.rand(1, 3, 1, 1)
    row = only_of(diagnose(layer, X, forward=lambda net, x: net(x) + colors).layers)
    assert row.verdict == "grid"


def test_a_constant_in_the_memory_of_an_activation_is_a_constant() -> None:
    def constant_added(net: nn.Module, x: Tensor) -> Tensor:
        y: Tensor = net(x)
        return y + y.clone().fill_(0.5)

    layer = nn.ConvTranspose2d(8, 3, 4, 2, 1)
    row = only_of(diagnose(layer, X, forward=constant_added).layers)
    assert row.rho == pytest.approx(only_of(diagnose(layer, X).layers).rho)


@pytest.mark.parametrize(
    "moved", [lambda y: y.flip(1), lambda y: y[:, :6], lambda y: F.pixel_unshuffle(y, 2)]
)
def test_other_channels_than_the_layers_end_what_is_judged_with_it(
    moved: Callable[[Tensor], Tensor],
) -> None:
    up = nn.ConvTranspose2d(8, 8, 4, 2, 1)
    channels = moved(torch.zeros(1, 8, 4, 4)).shape[1]
    network = nn.Sequential(up, Block(lambda y: nn.functional.conv2d(moved(y), weight)))
    network[1].conv, weight = nn.Identity(), torch.rand(3, channels, 1, 1)
    row = next(row for row in diagnose(network, X).layers if row.name == "0")
    assert row.rho == pytest.approx(only(up, X).rho)
