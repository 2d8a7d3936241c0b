"""balance() and bake() on all kinds of networks, judged by their response to a constant."""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import bake, balance, diagnose
from dcgan.checkerboard.images import grid_peak


class UNet(nn.Module):
    """Two levels, with transposed convolutions in the decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)])
        self.up = nn.ModuleList(
            [nn.ConvTranspose2d(16, 8, 2, 2), nn.ConvTranspose2d(16, 3, 4, 2, 1)]
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to the same shape."""
        skip = F.relu(self.down[0](x))
        up = F.relu(self.up[0](F.relu(self.down[1](skip))))
        output: Tensor = self.up[1](torch.cat([skip, up], 1))
        return output


class ShuffledByFunction(nn.Module):
    """Sub-pixel convolution without a PixelShuffle module."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, 3, 2H, 2W)."""
        return F.pixel_shuffle(self.expand(x), 2)


class Then(nn.Module):
    """A convolution, then a function."""

    def __init__(self, layer: nn.Module, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.function = layer, function

    def forward(self, x: Tensor) -> Tensor:
        """Whatever the function makes of the layer's output."""
        return self.function(self.layer(x))


def along_width(y: Tensor) -> Tensor:
    """Move pairs of channels into pairs of columns."""
    n, c, h, w = y.shape
    return y.view(n, c // 2, 2, h, w).permute(0, 1, 3, 4, 2).reshape(n, c // 2, h, 2 * w)


def along_height(y: Tensor) -> Tensor:
    """Move pairs of channels into pairs of rows."""
    n, c, h, w = y.shape
    return y.view(n, c // 2, 2, h, w).permute(0, 1, 3, 2, 4).reshape(n, c // 2, 2 * h, w)


def along_length(y: Tensor) -> Tensor:
    """Move pairs of channels into pairs of elements of a sequence."""
    n, c, t = y.shape
    return y.view(n, c // 2, 2, t).permute(0, 1, 3, 2).reshape(n, c // 2, 2 * t)


def folded(y: Tensor) -> Tensor:
    """Sub-pixel convolution by nn.Fold, of images of 12x12."""
    return F.fold(y.flatten(2), (24, 24), 2, stride=2)


def unevenness(network: nn.Module, channels: int, axes: int = 2) -> float:
    """Relative variation of the response to a constant, away from borders."""
    with torch.no_grad():
        output: Tensor = network.eval()(
            torch.full((1, channels, *[40 if axes < 3 else 24] * axes), 0.7)
        )
    inside = output[(slice(None), slice(None), *[slice(16, -16)] * axes)]
    spread = inside.flatten(2).std(2).max() / output.abs().mean()
    return float(spread)


NETWORKS = {
    "1-D": (nn.Sequential(nn.ConvTranspose1d(3, 4, 5, 2), nn.ConvTranspose1d(4, 2, 4, 2)), 3, 1),
    "3-D": (nn.Sequential(nn.ConvTranspose3d(2, 3, 4, 2, 1)), 2, 3),
    "sub-pixel, biases": (nn.Sequential(nn.Conv2d(3, 27, 3, padding=1), nn.PixelShuffle(3)), 3, 2),
    "grouped": (nn.Sequential(nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2)), 4, 2),
    "sub-pixel, grouped": (
        nn.Sequential(nn.Conv2d(4, 16, 3, padding=1, groups=2), nn.PixelShuffle(2)),
        4,
        2,
    ),
    "U-Net": (UNet(), 3, 2),
    "stride 3, kernel 5": (nn.Sequential(nn.ConvTranspose2d(3, 3, 5, 3)), 3, 2),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_balanced_networks_preserve_constants(name: str, order: int) -> None:
    network, channels, axes = copy.deepcopy(NETWORKS[name])
    if isinstance(network, UNet) and order == 2:  # order 2 would leave nothing of kernel 2
        network.up[0] = nn.ConvTranspose2d(16, 8, 3, 2, 1, 1)
    assert unevenness(network, channels, axes) > 1e-3
    layers = balance(network, order=order)
    assert layers
    assert all(layer.problem is None for layer in layers)
    assert unevenness(network, channels, axes) < 1e-5

    before = copy.deepcopy(network)
    assert bake(network) == [layer.name for layer in layers]
    x = torch.randn(2, channels, *[24] * axes)
    assert torch.equal(network(x), before(x))
    assert set(network.state_dict()) == set(NETWORKS[name][0].state_dict())
    assert bake(network) == []


def test_an_unbalanceable_layer_is_left_unchanged_with_a_reason() -> None:
    network = nn.Sequential(
        nn.ConvTranspose2d(3, 8, 1, 2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.PixelShuffle(2),
        nn.Flatten(2),
        nn.Unflatten(2, (4, 4)),
        nn.PixelShuffle(2),
    )
    before = copy.deepcopy(network.state_dict())
    problems = [layer.problem or "" for layer in balance(network)]
    assert [problem.split(":")[0] for problem in problems] == [
        "kernel 1, stride 2, dilation 1",
        "needs no cure",
        "BatchNorm2d before the shuffle scales its phases",
        "found no convolution before it",
    ]
    assert set(network.state_dict()) == set(before)


def test_balancing_twice_changes_nothing_and_gives_the_reason() -> None:
    network = nn.ConvTranspose2d(3, 3, 4, 2, 1)
    optimizer = torch.optim.SGD(
        network.parameters(), 0.1
    )  # created before balancing, but must still work
    balance(network)
    weight = network.weight.detach().clone()
    (layer,) = balance(network, order=2)
    assert layer.problem == "already balanced: bake it first to change that"
    assert torch.equal(network.weight, weight)
    network(torch.randn(2, 3, 8, 8)).square().mean().backward()
    optimizer.step()
    assert not torch.equal(network.weight, weight)
    assert unevenness(network, 3) < 1e-5


def shuffled(convolution: nn.Module, *between: nn.Module) -> nn.Sequential:
    return nn.Sequential(convolution, *between, nn.PixelShuffle(2))


@pytest.mark.parametrize(
    ("network", "order", "problem"),
    [
        (
            shuffled(nn.Conv2d(8, 8, 3, groups=8)),
            1,
            "each group needs a multiple of 4 channels",
        ),
        (shuffled(nn.Conv2d(8, 8, 3, dilation=2)), 2, "order 2 before a shuffle needs dilation 1"),
        (shuffled(nn.Conv2d(8, 8, 3, stride=2)), 2, "order 2 before a shuffle needs dilation 1"),
        (shuffled(nn.Conv2d(8, 8, 3), nn.GroupNorm(8, 8, affine=False)), 1, "GroupNorm before"),
    ],
)
def test_an_unbalanceable_sub_pixel_convolution_gives_the_reason(
    network: nn.Module, order: int, problem: str
) -> None:
    (layer,) = balance(network, order=order)
    assert layer.problem is not None
    assert layer.problem.startswith(problem)
    assert bake(network) == []


FACTORS = torch.linspace(1, 5, 12)[:, None, None]


@pytest.mark.parametrize(
    ("layer", "function", "problem"),
    [
        (nn.Conv2d(8, 12, 3, padding=1), folded, "its pixels are not moved as by nn.PixelShuffle"),
        (nn.Conv2d(8, 8, 3, padding=1), along_width, "its pixels are not moved as by"),
        (nn.Conv2d(8, 8, 3, padding=1), along_height, "its pixels are not moved as by"),
        (nn.Conv1d(8, 8, 3, padding=1), along_length, "its pixels are not moved as by"),
        (
            nn.Conv2d(8, 12, 3, padding=1),
            lambda y: F.pixel_shuffle(y * FACTORS, 2),
            "mul before the shuffle scales its phases",
        ),
    ],
)
def test_other_ways_to_move_pixels_are_diagnosed_but_not_balanced(
    layer: nn.Module, function: Callable[[Tensor], Tensor], problem: str
) -> None:
    axes = 1 if isinstance(layer, nn.Conv1d) else 2
    network, x = Then(layer, function), torch.randn(2, 8, *[12] * axes)
    before = copy.deepcopy(network.state_dict())
    (row,) = diagnose(network, x).layers
    assert row.verdict == "grid"
    (balanced,) = balance(network, x)
    assert balanced.problem is not None
    assert balanced.problem.startswith(problem)
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_old_style_hooks_and_invalid_orders_are_reported() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        network = nn.utils.weight_norm(nn.ConvTranspose2d(3, 3, 4, 2, 1))
    (layer,) = balance(network)
    assert "old-style hook" in str(layer)
    with pytest.raises(ValueError, match="order 0: must be 1 or 2"):
        balance(network, order=0)


def test_running_an_example_changes_no_statistics_or_modes() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(3, 4, 4, 2, 1), nn.BatchNorm2d(4)).train()
    before = copy.deepcopy(network[1].state_dict())
    balance(network, torch.randn(2, 3, 8, 8))
    assert network.training
    assert all(torch.equal(before[k], v) for k, v in network[1].state_dict().items())


def test_a_functional_shuffle_needs_an_example() -> None:
    network = ShuffledByFunction()
    assert balance(network) == []
    (layer,) = balance(network, torch.randn(1, 3, 8, 8))
    assert layer.problem is None
    assert unevenness(network, 3) < 1e-5


def test_fine_tuning_starts_close_to_the_trained_network() -> None:
    """Balancing changes a trained network little, and fine-tuning keeps it balanced."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.ConvTranspose2d(3, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 3, 4, 2, 1)
    )
    images = torch.randn(64, 3, 16, 16)
    target = F.interpolate(images, scale_factor=4, mode="bilinear")

    def learn(steps: int) -> float:
        optimizer = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(steps):
            loss = F.mse_loss(network(images), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    start, trained = learn(1), learn(60)
    balance(network)
    with torch.no_grad():
        changed = F.mse_loss(network(images), target).item()
    assert trained < changed < start
    assert learn(60) < changed
    assert unevenness(network, 3) < 1e-4
    with torch.no_grad():
        assert grid_peak(network(images), 2).ratio < 3


def test_keep_norm_preserves_the_initial_norm() -> None:
    free = nn.ConvTranspose2d(32, 32, 4, 2, 1)
    kept, nearest = copy.deepcopy(free), copy.deepcopy(free)
    balance(kept, keep_norm=True)
    balance(nearest)
    assert kept.weight.norm().item() == pytest.approx(free.weight.norm().item(), rel=1e-5)
    assert nearest.weight.norm() < free.weight.norm()


def test_a_shared_weight_is_left_alone() -> None:
    down, up = nn.Conv2d(3, 8, 4, 2, 1), nn.ConvTranspose2d(8, 3, 4, 2, 1)
    up.weight = down.weight
    before = down.weight.clone()
    (layer,) = balance(nn.Sequential(down, up))
    assert "shares its weight" in str(layer)
    assert torch.equal(down.weight, before)


def test_channels_beside_a_shuffle_are_left_alone() -> None:
    network = Then(nn.Conv2d(3, 16, 3, padding=1), lambda y: F.pixel_shuffle(y[:, :12], 2))
    (layer,) = balance(network, torch.randn(1, 3, 8, 8))
    assert layer.problem == "only some of its channels are shuffled"
    (row,) = diagnose(network, torch.randn(1, 3, 8, 8)).layers
    assert not row.effects


def test_weights_without_values_are_left_alone() -> None:
    (layer,) = balance(nn.ConvTranspose2d(3, 3, 4, 2, 1, device="meta"))
    assert layer.problem is not None
    assert "meta device" in layer.problem


def test_an_example_may_have_names_and_is_not_changed() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(3, 3, 4, 2, 1)

        def forward(self, *, image: Tensor) -> Tensor:
            output: Tensor = self.up(image.mul_(2))
            return output

    image = torch.ones(1, 3, 8, 8)
    compiled: Any = torch.compile(Named())
    (layer,) = balance(compiled, {"image": image})
    assert str(layer) == "up (ConvTranspose2d): balanced"
    assert image.eq(1).all()
