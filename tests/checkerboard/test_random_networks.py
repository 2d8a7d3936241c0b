"""Random small networks: each verdict against the response to constants, fed through all of it."""

from itertools import product
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
    """One way of doubling the size of a signal, an image or a volume."""

    def __init__(self, way: str, dims: int) -> None:
        super().__init__()
        self.way, self.dims = way, dims
        phases, kernel = 2**dims, [4] * dims
        self.conv = getattr(nn, f"Conv{dims}d")(CHANNELS, phases * CHANNELS, 3, padding=1)
        self.weight = nn.Parameter(torch.randn(CHANNELS, CHANNELS, *kernel))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, *size) to (N, 3, *twice the size)."""
        size = [2 * length for length in x.shape[2:]]
        if self.way == "function":
            transposed: Any = getattr(F, f"conv_transpose{self.dims}d")
            applied: Tensor = transposed(x, self.weight, stride=2, padding=1)
            return applied
        if self.way == "shuffle":
            return F.pixel_shuffle(self.conv(x), 2)
        if self.way == "fold":
            return F.fold(self.conv(x).flatten(2), (size[0], size[1]), 2, stride=2)
        if self.way == "hand":
            y = self.conv(x).unflatten(1, (CHANNELS, *[2] * self.dims))
            axes = [axis for i in range(self.dims) for axis in (2 + self.dims + i, 2 + i)]
            moved: Tensor = y.permute(0, 1, *axes).reshape(*x.shape[:2], *size)
            return moved
        if self.way == "zeros":
            y = x.new_zeros(*x.shape[:2], *size)
            where: Any = (..., slice(1, None, 2), *[slice(None, None, 2)] * (self.dims - 1))
            y[where] = x
            return y
        for axis in range(2, 2 + self.dims):
            if self.way == "repeat":
                x = x.repeat_interleave(2, axis)
            elif self.way == "expand":
                twice = [*x.shape[: axis + 1], 2, *x.shape[axis + 1 :]]
                x = x.unsqueeze(axis + 1).expand(twice).flatten(axis, axis + 1)
            elif self.way == "stack":
                x = torch.stack([x, x], axis + 1).flatten(axis, axis + 1)
        if self.way in ("repeat", "expand", "stack"):
            return x
        return F.interpolate(x, scale_factor=2, mode=self.way)


def transposed(kernel: int, dims: int) -> nn.Module:
    """Of a size that doubles."""
    padding = (kernel - 1) // 2
    rest = 2, padding, 2 + 2 * padding - kernel
    layer: nn.Module = getattr(nn, f"ConvTranspose{dims}d")(CHANNELS, CHANNELS, kernel, *rest)
    return layer


def even(part: nn.Module, dims: int) -> nn.Module:
    """Equal filters and biases for all phases, or a box."""
    phases = 2**dims
    with torch.no_grad():
        for name, x in part.named_parameters():
            if name.startswith("conv."):
                x.copy_(x[::phases].repeat_interleave(phases, 0))
            elif x.ndim > 1:
                x.copy_(x.flatten(2).mean(2).reshape(*x.shape[:2], *[1] * dims).expand_as(x))
    return part


ANYWHERE = ("function", "hand", "zeros", "repeat", "expand", "stack", "nearest")
WAYS = {
    1: (*ANYWHERE, "linear"),
    2: (*ANYWHERE, "shuffle", "fold", "bilinear"),
    3: (*ANYWHERE, "trilinear"),
}
AFTER = ("nothing", "norm", "blur", "convolution", "pad", "bias")


def following(kind: str, dims: int) -> list[nn.Module]:
    if kind == "norm":
        norm = getattr(nn, f"BatchNorm{dims}d")(CHANNELS)
        with torch.no_grad():
            for x in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
                x.uniform_(0.5, 1.5)
        return [norm]
    convolution = getattr(nn, f"Conv{dims}d")
    layers: dict[str, list[nn.Module]] = {
        "blur": [getattr(nn, f"AvgPool{dims}d")(2, 1)],
        "convolution": [convolution(CHANNELS, 2, 3, padding=1)],
        "pad": [getattr(nn, f"ReflectionPad{dims}d")(1)],
        "bias": [convolution(CHANNELS, CHANNELS, 1)],
    }
    return layers.get(kind, [])


@st.composite
def networks(draw: Any, dims: int) -> nn.Sequential:
    torch.manual_seed(draw(st.integers(0, 10_000)))
    way = draw(st.sampled_from([*WAYS[dims], "k2", "k3", "k4", "k5"]))
    part = transposed(int(way[1]), dims) if way[1:].isdigit() else Way(way, dims)
    if draw(st.booleans()):
        even(part, dims)
    convolution = getattr(nn, f"Conv{dims}d")
    before = [convolution(CHANNELS, CHANNELS, 1), nn.ReLU()] * draw(st.integers(0, 1))
    after = following(draw(st.sampled_from(AFTER)), dims)
    return nn.Sequential(*before, part, *after).eval().double()


def uneven_share(network: nn.Module, dims: int) -> float:
    """Of the energy of the network's responses to constants, per phase, away from borders."""
    constants = torch.randn(16, CHANNELS, *[1] * dims, dtype=torch.float64)
    with torch.no_grad():
        y = network(constants.expand(-1, -1, *[10] * dims))
    every: Any = [[slice(i, 14, 2) for i in start] for start in product((6, 7), repeat=dims)]
    phases = torch.stack([y[(..., *where)].flatten(2).mean(2) for where in every])
    whole = phases.square().mean()
    return float(phases.var(0, correction=0).mean() / whole) if whole > 0 else 0.0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 3).flatmap(lambda dims: st.tuples(networks(dims), st.just(dims))))
def test_the_verdict_is_clean_if_and_only_if_constants_stay_constant(
    case: tuple[nn.Sequential, int],
) -> None:
    network, dims = case
    example = torch.randn(4, CHANNELS, *[10] * dims, dtype=torch.float64)
    (row,) = diagnose(network, example).layers
    assert row.rho is not None
    share = uneven_share(network, dims)
    if row.rho < 1e-9:
        assert share < 1e-9
    else:
        assert share > 1e-9
    if isinstance(network[0], Way) or "Transpose" in type(network[0]).__name__:
        assert (row.rho < CLEAN) == (share < CLEAN)  # the layer sees the constants themselves


def test_a_signal_may_be_pooled() -> None:
    # torch pools a signal as an image of height 1.
    torch.manual_seed(0)
    found = []
    for size in (1, 2, 3):
        network = nn.Sequential(Way("hand", 1), nn.AvgPool1d(size, 1)).double()
        (row,) = diagnose(network, torch.randn(4, CHANNELS, 10, dtype=torch.float64)).layers
        found.append(row.rho is not None and row.rho < CLEAN)
    assert found == [False, True, False]  # the mean of two neighbors has no period 2


def test_a_pooled_signal_may_be_padded() -> None:
    torch.manual_seed(0)
    before = nn.Conv1d(CHANNELS, CHANNELS, 1), nn.AvgPool1d(2)
    padded = nn.Conv1d(CHANNELS, CHANNELS, 3, padding=1, padding_mode="reflect")
    network = nn.Sequential(*before, padded, transposed(4, 1))
    for batch in (1, 2):
        rows = diagnose(network, torch.randn(batch, CHANNELS, 16)).layers
        assert [row.name for row in rows] == ["3"]
    blurred = nn.AvgPool1d(3, 1, 1)
    whole = nn.Sequential(transposed(4, 1), blurred, nn.Conv1d(CHANNELS, CHANNELS, 3, padding=1))
    apart = nn.Sequential(*whole[:2], nn.ConstantPad1d(1, 0.0), nn.Conv1d(CHANNELS, CHANNELS, 3))
    apart[3].load_state_dict(whole[2].state_dict())
    example = torch.randn(2, CHANNELS, 16)
    (one,), (other,) = (diagnose(each, example).layers for each in (whole, apart))
    assert one.rho == other.rho
