"""Networks that compute their upsampling in unusual ways."""

import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import prune

from dcgan.checkerboard import diagnose, diagnosis
from tests.checkerboard.networks import X, only, spread


@pytest.mark.parametrize("example", [None, X])
def test_the_weights_are_those_that_the_layer_computes_now(example: Tensor | None) -> None:
    def normed(layer: nn.Module) -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return nn.utils.weight_norm(layer)

    def layer() -> nn.ConvTranspose2d:
        return nn.ConvTranspose2d(8, 8, 4, 2, 1, bias=False)

    even = layer()
    with torch.no_grad():
        taps = torch.tensor([0.25, 0.75, 0.75, 0.25])
        even.weight.copy_(torch.outer(taps, taps) * torch.eye(8)[..., None, None])
    clean, grid = normed(layer()), normed(layer())
    clean.load_state_dict(normed(even).state_dict())  # a hook recomputes the weight when it runs
    assert only(clean, example).verdict == "clean"
    assert only(grid, example).verdict == "grid"
    pruned = layer()
    prune.custom_from_mask(pruned, "weight", torch.zeros_like(pruned.weight))
    assert only(pruned, example).rho == 0


def test_a_subclass_is_judged_by_what_it_computes() -> None:
    class Blurred(nn.ConvTranspose2d):
        def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: ARG002
            w = F.pad(self.weight, (1, 1, 1, 1))
            w = w[..., 1:, :] + w[..., :-1, :]
            w = w[..., 1:] + w[..., :-1]
            return F.conv_transpose2d(x, w, None, 2, 1)

    network = Blurred(8, 8, 3, 2, bias=False)
    for row in (only(network), only(network, X)):
        assert (row.verdict, row.coverage) == ("clean", 1)
    assert spread(network) < 1e-5


def test_equal_gains_with_uneven_energy_are_a_finding_of_their_own() -> None:
    network = nn.ConvTranspose2d(16, 16, 3, 2, 1, 1, bias=False)
    with torch.no_grad():
        phases = [network.weight[..., a::2, b::2] for a in (0, 1) for b in (0, 1)]
        sums = [phase.sum((-1, -2)) for phase in phases]
        mean = sum(sums, torch.zeros(())) / 4
        for phase, total in zip(phases, sums, strict=True):
            phase -= ((total - mean) / phase[0, 0].numel())[..., None, None]
    diagnosis = diagnose(network)
    assert diagnosis.layers[0].rho == pytest.approx(0, abs=1e-9)
    assert diagnosis.layers[0].verdict == "uneven energy"
    assert "Uneven energy: ConvTranspose2d (κ" in diagnosis.verdict


def test_whatever_a_layer_raises_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("stride")

    monkeypatch.setattr(diagnosis, "stamp_of", fail)
    assert only(nn.ConvTranspose2d(8, 8, 4, 2, 1)).verdict == "not judged"
