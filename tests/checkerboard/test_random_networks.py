"""Random small networks: each verdict against the response to constants, fed through all of it."""

from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import diagnose
from dcgan.checkerboard.verdicts import CLEAN

CHANNELS = 3


class Way(nn.Module):
    """One way of doubling the size."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.conv = nn.Conv2d(CHANNELS, 4 * CHANNELS, 3, padding=1)
        self.weight = nn.Parameter(torch.randn(CHANNELS, CHANNELS, 4, 4))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, 3, 2H, 2W)."""
        if self.way == "shuffle":
            return F.pixel_shuffle(self.conv(x), 2)
        if self.way == "hand":
            y = self.conv(x).unflatten(1, (CHANNELS, 2, 2)).permute(0, 1, 4, 2, 5, 3)
            shape = len(x), CHANNELS, 2 * x.shape[2], 2 * x.shape[3]
            moved: Tensor = y.reshape(shape)
            return moved
        if self.way == "function":
            return F.conv_transpose2d(x, self.weight, stride=2, padding=1)
        if self.way == "zeros":
            y = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
            y[..., 1::2, ::2] = x
            return y
        if self.way == "repeat":
            return x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return F.interpolate(x, scale_factor=2, mode=self.way)


def transposed(kernel: int) -> nn.Module:
    """Of a size that doubles."""
    padding = (kernel - 1) // 2
    return nn.ConvTranspose2d(CHANNELS, CHANNELS, kernel, 2, padding, 2 + 2 * padding - kernel)


def even(part: nn.Module) -> nn.Module:
    """Equal filters and biases for all phases, or a box."""
    with torch.no_grad():
        for name, x in part.named_parameters():
            if name.startswith("conv."):
                x.copy_(x[::4].repeat_interleave(4, 0))
            elif x.ndim == 4:
                x.copy_(x.mean((2, 3), keepdim=True).expand_as(x))
    return part


WAYS = ("shuffle", "hand", "function", "zeros", "repeat", "nearest", "bilinear")
AFTER = ("nothing", "norm", "blur", "convolution", "pad", "bias")


def following(kind: str) -> list[nn.Module]:
    if kind == "norm":
        norm = nn.BatchNorm2d(CHANNELS)
        with torch.no_grad():
            for x in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
                assert x is not None
                x.uniform_(0.5, 1.5)
        return [norm]
    layers: dict[str, list[nn.Module]] = {
        "blur": [nn.AvgPool2d(2, 1)],
        "convolution": [nn.Conv2d(CHANNELS, 2, 3, padding=1)],
        "pad": [nn.ReflectionPad2d(1)],
        "bias": [nn.Conv2d(CHANNELS, CHANNELS, 1)],
    }
    return layers.get(kind, [])


@st.composite
def networks(draw: Any) -> nn.Sequential:
    torch.manual_seed(draw(st.integers(0, 10_000)))
    way = draw(st.sampled_from([*WAYS, "k2", "k3", "k4", "k5"]))
    part = transposed(int(way[1])) if way in ("k2", "k3", "k4", "k5") else Way(way)
    if draw(st.booleans()):
        even(part)
    before = [nn.Conv2d(CHANNELS, CHANNELS, 1), nn.ReLU()] * draw(st.integers(0, 1))
    after = following(draw(st.sampled_from(AFTER)))
    return nn.Sequential(*before, part, *after).eval().double()


def uneven_share(network: nn.Module) -> float:
    """Of the energy of the network's responses to constants, per phase, away from borders."""
    constants = torch.randn(16, CHANNELS, 1, 1, dtype=torch.float64).expand(-1, -1, 16, 16)
    with torch.no_grad():
        y = network(constants)[..., 8:24, 8:24]
    phases = torch.stack([y[..., a::2, b::2].mean((2, 3)) for a in (0, 1) for b in (0, 1)])
    whole = phases.square().mean()
    return float(phases.var(0, correction=0).mean() / whole) if whole > 0 else 0.0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks())
def test_the_verdict_is_clean_if_and_only_if_constants_stay_constant(
    network: nn.Sequential,
) -> None:
    example = torch.randn(4, CHANNELS, 12, 12, dtype=torch.float64)
    (row,) = diagnose(network, example).layers
    assert row.rho is not None
    share = uneven_share(network)
    if row.rho < 1e-9:
        assert share < 1e-9
    else:
        assert share > 1e-9
    if not isinstance(network[0], nn.Conv2d):  # the layer sees the constants themselves
        assert (row.rho < CLEAN) == (share < CLEAN)
