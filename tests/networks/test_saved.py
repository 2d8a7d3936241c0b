"""Loading and exporting generators: which weights are used, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from dcgan.checkerboard import diagnose
from dcgan.config import GeneratorConfig, UpsampleConfig
from dcgan.errors import UserError
from dcgan.networks import Generator, load_generator
from dcgan.networks.checkpoint import find_checkpoint
from dcgan.networks.saved import export_generator
from dcgan.sampling import latents_of_seeds, sample
from tests.damage import EXAMPLES, damaged, edited, read_or_refused

FORMAT1 = Path(__file__).with_name("format1.pt")  # written by the code of November 2026


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_balanced_generators_are_exported_with_baked_kernels(tmp_path: Path) -> None:
    upsample = UpsampleConfig(kind="transposed", kernel_size=4, balanced=1)
    size = GeneratorConfig(latent_size=8, filters=4)
    generator = Generator(size, upsample, image_size=16, channels=1)
    export_generator(tmp_path / "g.safetensors", generator)
    names = set(load_file(tmp_path / "g.safetensors"))
    assert {"layers.up1.0.weight", "layers.up2.0.weight"} <= names
    assert not any("parametrizations" in name for name in names)
    loaded = load_generator(tmp_path / "g.safetensors")
    assert torch.equal(sample(loaded, range(3)), sample(generator, range(3)))
    assert any("parametrizations" in name for name in generator.state_dict())  # unchanged


def test_a_checkpoint_gives_the_ema_or_the_raw_generator(tmp_path: Path) -> None:
    content = torch.load(FORMAT1, weights_only=True)
    raw, average = content["generator"], content["ema"]
    path = tmp_path / "checkpoints" / "last.pt"
    path.parent.mkdir()
    torch.save(content, path)
    for loaded, expected in (
        (load_generator(path, "raw"), raw),
        (load_generator(tmp_path), {k: average[f"module.{k}"] for k in raw}),
    ):
        assert all(torch.equal(v, expected[k]) for k, v in loaded.state_dict().items())
    with pytest.raises(UserError, match=r"^weights=EMA: must be one of ema, raw$"):
        load_generator(path, "EMA")
    content["ema"], content["config"]["trainer"]["ema_half_life_images"] = None, 0
    torch.save(content, path)
    assert same(load_generator(path), load_generator(path, "raw"))


def test_a_run_folder_means_its_last_checkpoint(tmp_path: Path) -> None:
    assert find_checkpoint(tmp_path) == tmp_path / "checkpoints" / "last.pt"
    assert find_checkpoint(tmp_path / "x.pt") == tmp_path / "x.pt"


@pytest.mark.parametrize("name", ["g.safetensors", "g.pt"])
def test_missing_and_unrelated_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_generator(tmp_path / name)
    (tmp_path / name).write_bytes(b"something else altogether")
    with pytest.raises(UserError, match="not a"):
        load_generator(tmp_path / name)


def test_an_older_checkpoint_still_gives_the_same_images_and_can_be_diagnosed() -> None:
    generator = load_generator(FORMAT1)
    images = sample(generator, seeds=[3, 4])
    seen = [images.std(), images[0, 0, 5, 5], images[1, 2, 8, 3]]
    expected = [0.068422139, 0.005462505, 0.095661819]  # printed by that code
    assert [value.item() for value in seen] == pytest.approx(expected, abs=1e-5)
    latents = latents_of_seeds(range(8), generator.latent_size)
    assert [layer.name for layer in diagnose(generator, latents).layers] == [
        "layers.up1.0",
        "layers.up2.0",
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "g.safetensors"
    export_generator(path, load_generator(FORMAT1))
    return path


def contents(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The recipe and the tensors in an export."""
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["dcgan"]), load_file(path)


def test_an_export_without_a_digest_from_an_earlier_version_is_read(
    exported: Path, tmp_path: Path
) -> None:
    recipe, state = contents(exported)
    del recipe["upsample"]["balanced"], recipe["generator"]["notch"], recipe["digest"]
    recipe["upsample"] |= {"padding": 1, "output_padding": 0}  # settings of those versions
    path = tmp_path / "g.safetensors"
    save_file(state, path, {"dcgan": json.dumps(recipe)})
    assert same(load_generator(path), load_generator(exported))


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({}, "has no settings to rebuild it from"),
        ({"dcgan": "{}", "more": "text"}, "has no settings to rebuild it from"),
        ({"dcgan": "{"}, "Expecting property name"),
        ({"dcgan": "[]"}, "generator is not set"),
        ({"dcgan": "1"}, "'int' object is not iterable"),
    ],
)
def test_a_safetensors_file_that_is_not_an_export_is_refused(
    tmp_path: Path, metadata: dict[str, str], reason: str
) -> None:
    path = tmp_path / "g.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata)
    with pytest.raises(UserError) as raised:
        load_generator(path)
    start = f"{path}: not a generator exported by dcgan-sample or dcgan-cure: {reason}"
    assert str(raised.value).startswith(start)


@pytest.mark.parametrize(
    ("name", "tensor", "reason"),
    [
        ("up1.0.weight", None, "generator.layers.up1.0.weight: missing"),
        ("more", torch.zeros(1), "generator.layers.more: not a tensor of this network"),
        ("norm0.bias", torch.full((8,), torch.nan), "norm0.bias: has values that are not finite"),
        ("norm0.bias", torch.zeros(4), "norm0.bias: is float32 (4,), must be float32 (8,)"),
    ],
)
def test_an_export_with_changed_tensors_is_refused(
    exported: Path, tmp_path: Path, name: str, tensor: torch.Tensor | None, reason: str
) -> None:
    recipe, state = contents(exported)
    state.pop(f"layers.{name}", None)
    if tensor is not None:
        state[f"layers.{name}"] = tensor
    path = tmp_path / "g.safetensors"
    for digest, why in ((recipe["digest"], "its digest differs"), (None, reason)):
        save_file(state, path, {"dcgan": json.dumps(recipe | {"digest": digest})})
        with pytest.raises(UserError) as raised:
            load_generator(path)
        assert str(raised.value).startswith(f"{path}: not a generator exported by dcgan-sample or")
        assert why in str(raised.value)


@EXAMPLES
@given(data=st.data())
def test_a_damaged_export_is_refused_or_read_unchanged(exported: Path, data: st.DataObject) -> None:
    path = exported.with_name("damaged.safetensors")
    path.write_bytes(data.draw(damaged(exported.read_bytes())))
    generator = read_or_refused(load_generator, path)
    assert generator is None or same(generator, load_generator(exported))


@EXAMPLES
@given(data=st.data())
def test_an_export_with_an_edited_recipe_is_read_or_refused(
    exported: Path, data: st.DataObject
) -> None:
    recipe, state = contents(exported)
    path = exported.with_name("edited.safetensors")
    recipe = data.draw(edited(recipe | {"digest": None}))
    save_file(state, path, {"dcgan": json.dumps(recipe, default=str)})
    read_or_refused(load_generator, path)
