"""Projecting units back through the transposes; finding the units of a run."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dcgan.errors import UserError
from dcgan.evaluation.heldout import read_run
from dcgan.reports.deconvnet import strongest_units, units_of


def test_a_unit_is_projected_back_through_the_transposes() -> None:
    """As painting does: conv_transpose, each leaky ReLU's slope, conv_transpose."""
    images = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)).double()
    below, above = (
        nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False) for a, b in ((3, 4), (4, 5))
    )
    layers = nn.Sequential(below, nn.LeakyReLU(0.2), above, nn.LeakyReLU(0.2)).double()
    layers.requires_grad_(requires_grad=False)
    for unit in units_of(layers, "down2", images, num_units=2, num_images=3):
        hidden = below(unit.images)
        answers = above(F.leaky_relu(hidden, 0.2))[:, unit.channel].flatten(1)
        strength, place = answers.max(1, keepdim=True)
        assert strength.min() > 0
        only = torch.zeros(3, 5, 16, dtype=torch.float64)
        only[:, unit.channel] = torch.zeros_like(answers).scatter(1, place, strength)
        back = F.conv_transpose2d(only.view(3, 5, 4, 4), above.weight, stride=2, padding=1)
        back = torch.where(hidden > 0, back, 0.2 * back)
        back = F.conv_transpose2d(back, below.weight, stride=2, padding=1)
        torch.testing.assert_close(unit.projections, back)


def test_the_units_of_a_run(runs: Path) -> None:
    units = strongest_units(runs / "transposed_k3" / "seed0", units_per_layer=2, images_per_unit=3)
    assert [unit.layer for unit in units] == ["down1", "down1", "down2", "down2", "down3", "down3"]
    for unit in units:
        assert unit.images.shape == unit.projections.shape == (3, 3, 32, 32)
        assert unit.projections.abs().max() > 0
    # A unit of the first block sees few pixels, so most of the picture stays empty.
    assert (units[0].projections == 0).double().mean() > 0.9


def test_a_discriminator_needs_a_checkpoint(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    shutil.copy(runs / "transposed_k3" / "seed0" / "config.yaml", path)
    with pytest.raises(UserError, match=r"must be a run or a \.pt"):
        strongest_units(path)


def test_missing_or_different_data_are_reported_with_the_right_setting(runs: Path) -> None:
    path = runs / "transposed_k3" / "seed0" / "checkpoints" / "last.pt"
    checkpoint = torch.load(path, weights_only=True)
    torch.save(checkpoint | {"data_digest": "of others"}, path)
    with pytest.raises(UserError, match=r"last.pt: this version draws other images of data="):
        read_run(path)
    checkpoint["config"]["data"] |= {"source": "folder", "root": "gone", "num_images": None}
    torch.save(checkpoint, path)
    with pytest.raises(UserError, match=r"last.pt: .*\(data.root=gone: no such folder\); restore"):
        read_run(path)
    with pytest.raises(UserError, match=r"^root=elsewhere: no such folder"):
        read_run(path, "elsewhere")
