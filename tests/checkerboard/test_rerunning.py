"""Networks that are run once more."""

import torch
from torch import Tensor, nn

from dcgan.checkerboard import diagnose
from tests.checkerboard.networks import X, only, only_of


class Caching(nn.Module):
    """What it runs first differs from what it runs later."""

    def __init__(self, *, multiplies: bool = False) -> None:
        super().__init__()
        self.conv, self.up = nn.Conv2d(8, 8, 3, padding=1), nn.ConvTranspose2d(8, 3, 4, 2, 1)
        self.grid: Tensor | None = None
        self.multiplies = multiplies

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (N, 3, 2H, 2W)."""
        if self.grid is None:
            self.grid = torch.linspace(0, 1, 12)
            x = self.conv(x) if self.multiplies else x
        return self.up(self.conv(x) + self.grid)  # type: ignore[no-any-return]


def test_a_cache_shifts_nothing_and_a_changed_run_is_told() -> None:
    diagnosis = diagnose(Caching(), X)
    assert only_of(diagnosis.layers).on_real_inputs
    assert only_of(diagnosis.layers).effects
    with torch.autocast("cpu", dtype=torch.bfloat16):  # keeps the cast weights
        network = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ConvTranspose2d(8, 3, 4, 2, 1))
        assert only(network, X).on_real_inputs
    diagnosis = diagnose(Caching(multiplies=True), X)
    row = only_of(diagnosis.layers)
    assert (row.verdict, row.on_real_inputs, row.effects) == ("grid", False, [])
    assert "does not run the same operations each time" in str(diagnosis)


class Twice(nn.Module):
    """One layer, called twice; the first time on zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 3, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, 3, 4H, 4W)."""
        return self.up(self.up(x).relu_())  # type: ignore[no-any-return]


def test_a_layer_used_twice_is_measured_and_balanced_both_times() -> None:
    torch.manual_seed(0)
    network = Twice()
    row = only(network, torch.zeros(1, 3, 12, 12))
    assert row.on_real_inputs
    row = only(network, torch.randn(1, 3, 12, 12))
    (two, _) = row.effects
    assert two.ratio[0] > 3 > two.ratio[1]
