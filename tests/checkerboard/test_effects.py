"""What balancing one layer changes in the output."""

import torch
from torch import nn

from dcgan.checkerboard import diagnose
from tests.checkerboard.networks import X, only


def test_each_layers_effect_on_the_output_is_measured_and_ranked() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()
    )
    before = {name: x.clone() for name, x in network.state_dict().items()}
    diagnosis = diagnose(network, X)
    first, last = diagnosis.layers
    assert last.gain > first.gain
    (two, _) = last.effects
    assert two.ratio[0] > 3 > two.ratio[1]
    assert two.amplitude[0] > 1 > two.amplitude[1]
    assert diagnosis.ranking()[0].startswith("1. layer 2: R₂")
    for name, x in network.state_dict().items():
        assert torch.equal(x, before[name])


def test_a_pattern_of_period_3_has_no_effect_on_periods_2_and_4() -> None:
    network = nn.ConvTranspose2d(8, 3, 3, 3)
    x = torch.randn(1, 8, 16, 16)
    row = only(network, x)
    assert (row.verdict, row.effects) == ("grid", [])
    assert only(nn.ConvTranspose2d(8, 3, 4, 4), x).effects
