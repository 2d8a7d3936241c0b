"""dcgan-diagnose as a user runs it: the exit status is the verdict."""

import json
from pathlib import Path

import torch

from dcgan.pictures import save_picture
from tests.conftest import TINY, Run


def test_a_run_is_judged_by_layers_and_images(run: Run, tmp_path: Path) -> None:
    size = ("data.image_size=32", "data.num_images=100")
    network = ("generator=small", "upsample=transposed_k3")
    trained = run("train", *TINY, *size, *network, "hydra.run.dir=trained", "trainer.steps=1")
    assert trained.returncode == 0, trained.stderr
    done = run("diagnose", "target=trained", "num_images=200", "hydra.run.dir=out")
    assert done.returncode == 1, done.stderr  # barely trained: a checkerboard
    assert "layers.up3.0  ConvTranspose2d  3" in done.stdout
    assert "\nGrid: period 2" in done.stdout
    assert "÷ reference" in done.stdout
    assert "\nCompared with the training images.\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "out"
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["verdict"] == "grid"
    assert [layer["name"] for layer in result["layers"]] == [
        *("layers.up1.0", "layers.up2.0", "layers.up3.0"),
    ]
    assert all(layer["on_real_inputs"] for layer in result["layers"])


def test_the_exit_status_of_folders(run: Run, tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    (tmp_path / "noise").mkdir()
    for i in range(40):
        image = (0.3 * torch.randn(3, 32, 32, generator=random)).clamp(-1, 1)
        save_picture(image, tmp_path / "noise" / f"{i}.png")
    clean = run("diagnose", "target=noise", "num_images=40")
    assert clean.returncode == 0, clean.stderr
    assert "No reference given: R is compared with 1" in clean.stdout
    few = run("diagnose", "target=noise", "num_images=4")
    assert few.returncode == 3
    assert "Could not judge: the target gives 4 tiles; at least 32 are needed: " in few.stdout
