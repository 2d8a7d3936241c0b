"""Small networks, and ways to look at their diagnosis."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import LayerDiagnosis, diagnose

WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "pixel shuffle": lambda y: F.pixel_shuffle(y, 2),
    "by hand": lambda y: (
        y.view(len(y), -1, 2, 2, *y.shape[2:])
        .permute(0, 1, 4, 2, 5, 3)
        .reshape(len(y), -1, 2 * y.shape[2], 2 * y.shape[3])
    ),
    "fold": lambda y: F.fold(
        y.flatten(2), (2 * y.shape[2], 2 * y.shape[3]), kernel_size=2, stride=2
    ),
}


class Block(nn.Module):
    """A function after a convolution, or before it."""

    def __init__(self, way: Callable[[Tensor], Tensor], *, last: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.way, self.last = way, last

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (N, C, 2H, 2W)."""
        return self.conv(self.way(x)) if self.last else self.way(self.conv(x))


def spread(network: nn.Module, size: int = 20) -> float:
    """How far the phases' responses to a constant are apart; 0: no checkerboard."""
    with torch.no_grad():
        y = network.eval()(torch.ones(1, 8, size, size))
    phases = torch.stack([y[..., 8 + a, 8 + b] for a in (0, 1) for b in (0, 1)])
    return float(phases.std(0).mean() / (phases.abs().mean() + 1e-9))


def only(network: nn.Module, example: Tensor | None = None) -> LayerDiagnosis:
    (row,) = diagnose(network, example).layers
    return row


X = torch.randn(2, 8, 12, 12, generator=torch.Generator().manual_seed(0))


def zeros_between(x: Tensor) -> Tensor:
    y = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    y[..., ::2, ::2] = x
    return y


def only_of(rows: Sequence[LayerDiagnosis]) -> LayerDiagnosis:
    (row,) = rows
    return row
