"""Generators as files: what is refused, and which weights are loaded."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dcgan.checkerboard import diagnose
from dcgan.config import GeneratorConfig, UpsampleConfig
from dcgan.errors import UserError
from dcgan.networks import Generator, load_generator
from dcgan.networks.saved import FORMAT_VERSION, export_generator, find_checkpoint
from dcgan.sampling import latents_of_seeds, sample

FORMAT1 = Path(__file__).with_name("format1.pt")  # made by the code of November 2026

SETTINGS = {
    "generator": {"latent_size": 8, "filters": 4},
    "upsample": {"kind": "subpixel", "kernel_size": 3, "smooth": True, "layers": ["up1", "last"]},
    "data": {"image_size": 16, "channels": 1},
}


@pytest.fixture
def generator() -> Generator:
    size, upsample = SETTINGS["generator"], SETTINGS["upsample"]
    return Generator(
        GeneratorConfig(**size),  # type: ignore[arg-type]
        UpsampleConfig(**upsample),  # type: ignore[arg-type]
        image_size=16,
        channels=1,
    )


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_balanced_generators_are_saved_with_plain_kernels(tmp_path: Path) -> None:
    upsample = UpsampleConfig(
        kind="transposed", kernel_size=4, padding=1, output_padding=0, balanced=1
    )
    size = GeneratorConfig(latent_size=8, filters=4)
    generator = Generator(size, upsample, image_size=16, channels=1)
    export_generator(tmp_path / "g.safetensors", generator)
    names = set(load_file(tmp_path / "g.safetensors"))
    assert {"layers.up1.0.weight", "layers.up2.0.weight"} <= names
    assert not any("parametrizations" in name for name in names)
    loaded = load_generator(tmp_path / "g.safetensors")
    assert torch.equal(sample(loaded, range(3)), sample(generator, range(3)))
    assert any("parametrizations" in name for name in generator.state_dict())  # left as it was


def test_a_checkpoint_gives_the_average_or_the_raw_generator(
    tmp_path: Path, generator: Generator
) -> None:
    average = {f"module.{k}": v + 1 for k, v in generator.state_dict().items()}
    content = {
        "format_version": FORMAT_VERSION,
        "config": SETTINGS,
        "generator": generator.state_dict(),
        "ema": {"n_averaged": torch.tensor(3), **average},
    }
    path = tmp_path / "checkpoints" / "last.pt"
    path.parent.mkdir()
    torch.save(content, path)
    assert same(load_generator(path, "raw"), generator)
    weight = next(generator.parameters())
    assert torch.equal(next(load_generator(tmp_path).parameters()), weight + 1)
    torch.save({**content, "ema": None}, path)
    assert same(load_generator(path), generator)


def test_a_run_folder_stands_for_its_last_checkpoint(tmp_path: Path) -> None:
    assert find_checkpoint(tmp_path) == tmp_path / "checkpoints" / "last.pt"
    assert find_checkpoint(tmp_path / "x.pt") == tmp_path / "x.pt"


@pytest.mark.parametrize("name", ["g.safetensors", "g.pt"])
def test_files_of_another_kind_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_generator(tmp_path / name)
    (tmp_path / name).write_bytes(b"something else altogether")
    with pytest.raises(UserError, match="not a"):
        load_generator(tmp_path / name)


def test_an_older_checkpoint_still_gives_the_same_images_and_can_be_diagnosed() -> None:
    generator = load_generator(FORMAT1)
    images = sample(generator, seeds=[3, 4])
    seen = [images.std(), images[0, 0, 5, 5], images[1, 2, 8, 3]]
    expected = [0.068422139, 0.005462505, 0.095661819]  # as that code printed them
    assert [value.item() for value in seen] == pytest.approx(expected, abs=1e-5)
    latents = latents_of_seeds(range(8), generator.latent_size)
    assert [layer.name for layer in diagnose(generator, latents).layers] == [
        "layers.up1.0",
        "layers.up2.0",
    ]
