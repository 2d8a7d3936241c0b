"""Units pushed back through the transposes are the gradient; and a run's units are found."""

import shutil
from pathlib import Path

import pytest
import torch

from dcgan.errors import UserError
from dcgan.evaluation.heldout import read_run
from dcgan.networks import Discriminator
from dcgan.reports.deconvnet import push_back, strongest_units
from dcgan.reports.explanation import write_explanation
from tests.conftest import Compose


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
@pytest.mark.parametrize("choice", ["strided_k3", "strided_k4", "strided_k5", "conv_pool"])
def test_pushing_back_is_what_moves_the_answer(
    compose_train: Compose, choice: str, norm: str
) -> None:
    config = compose_train(
        f"downsample={choice}", "discriminator=tiny", f"discriminator.norm={norm}"
    )
    network = Discriminator(config.discriminator, config.downsample, image_size=32, channels=3)
    layers = network.eval().double().layers[:-1]
    for layer in layers:
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight)
            assert layer.running_var is not None
            layer.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    pushed = push_back(layers, 0, x)
    # The layers are linear between their switches: half the square grows by answer · change.
    change = 1e-6 * torch.randn_like(x)
    with torch.no_grad():
        before, after = (layers(y)[:, 0].flatten(1).max(1).values for y in (x, x + change))
    grown = (after - before) * before
    torch.testing.assert_close((pushed * change).sum((1, 2, 3)), grown, rtol=1e-3, atol=1e-12)


def test_the_units_of_a_run(runs: Path) -> None:
    units = strongest_units(runs / "transposed_k3" / "seed0", units_per_layer=2, images_per_unit=3)
    assert [unit.layer for unit in units] == ["down1", "down1", "down2", "down2", "down3", "down3"]
    for unit in units:
        assert unit.images.shape == unit.projections.shape == (3, 3, 32, 32)
        assert unit.projections.abs().max() > 0
    # A unit of the first block sees few pixels, so that much of the picture stays empty.
    assert (units[0].projections == 0).double().mean() > 0.9


def test_only_a_checkpoint_holds_a_discriminator(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    shutil.copy(runs / "transposed_k3" / "seed0" / "config.yaml", path)
    with pytest.raises(UserError, match=r"must be a run or a \.pt"):
        strongest_units(path)


def test_data_that_are_gone_or_others_are_named_with_the_setting_that_there_is(runs: Path) -> None:
    path = runs / "transposed_k3" / "seed0" / "checkpoints" / "last.pt"
    checkpoint = torch.load(path, weights_only=True)
    torch.save(checkpoint | {"data_digest": "of others"}, path)
    with pytest.raises(UserError, match=r"last.pt: .*not the images that the run was trained on"):
        strongest_units(path)
    checkpoint["config"]["data"] |= {"source": "folder", "root": "gone", "num_images": None}
    torch.save(checkpoint, path)
    with pytest.raises(UserError, match=r"last.pt: .*\(data.root=gone: no such folder\); restore"):
        strongest_units(path)
    with pytest.raises(UserError, match=r"^root=elsewhere: no such folder"):
        read_run(path, "elsewhere")


def test_the_page_shows_them_beside_the_images(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcgan.reports.explanation.CHECKS", ())
    write_explanation(tmp_path / "page", str(runs / "transposed_k3" / "seed0"))
    text = (tmp_path / "page" / "index.html").read_text()
    assert "What a trained discriminator looks for" in text
    assert text.count('<img src="data:image/png;base64,') == 3 * 4  # four units of each block
