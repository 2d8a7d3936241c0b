"""A checkpoint is read completely, or refused in one line that says why."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given

from dcgan.config import TrainConfig, build
from dcgan.config.identity import flatten
from dcgan.errors import UserError
from dcgan.networks.building import build_discriminator
from dcgan.networks.checkpoint import read_checkpoint
from dcgan.networks.weights import save_tensors
from tests.damage import EXAMPLES, damaged, edited, read_or_refused
from tests.networks.test_saved import FORMAT1

CONTENT: dict[str, Any] = torch.load(FORMAT1, weights_only=True)
BYTES = FORMAT1.read_bytes()


def tensors(content: Any) -> dict[str, torch.Tensor]:
    """Every tensor in nested dicts, by its full name."""
    return {name: x for name, x in flatten(content) if isinstance(x, torch.Tensor)}


def refused(content: Any, path: Path) -> str:
    """The one-line reason why a checkpoint with this content is refused, without the path."""
    torch.save(content, path)
    with pytest.raises(UserError) as raised:
        read_checkpoint(path)
    name, reason = str(raised.value).split(": ", 1)
    assert name == str(path)
    assert "\n" not in reason
    return reason


def test_an_older_checkpoint_gets_todays_names_and_defaults() -> None:
    config = read_checkpoint(FORMAT1)["config"]
    build(TrainConfig, config)
    assert config["upsample"]["balanced"] == 0
    assert "compile" not in config["trainer"]
    assert config["trainer"]["checkerboard_images"] == CONTENT["config"]["trainer"]["num_scored"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"format_version": 1}, "not a run's checkpoint: config: Field required"),
        ({"format_version": 2}, "checkpoint format 2; this version reads 1"),
        ({"format_version": torch.ones(2), "more": 1}, "checkpoint format Tensor; this version"),
        ({}, "checkpoint format None; this version reads 1"),
        ([1], "checkpoint format None; this version reads 1"),
        ({"weight": torch.zeros(2)}, "a state dict, not a run's checkpoint: it does not say which"),
        (
            torch.nn.Linear(2, 2),
            "not a file of tensors and plain values only: holds objects that could run code",
        ),
    ],
    ids=["version", "later version", "tensor", "empty", "list", "state dict", "module"],
)
def test_torch_files_that_are_not_checkpoints_are_refused(
    content: Any, reason: str, tmp_path: Path
) -> None:
    assert refused(content, tmp_path / "last.pt").startswith(reason)


def changed(part: str, **values: Any) -> dict[str, Any]:
    """A part of the checkpoint with some values replaced, or removed if None."""
    content = {**CONTENT[part], **{name.replace("__", "."): v for name, v in values.items()}}
    return {part: {name: value for name, value in content.items() if value is not None}}


NAN = torch.full((8, 4, 4, 4), torch.nan)
NO_STATE = torch.zeros(9, dtype=torch.uint8)
UP1, NORM0 = "layers__up1__0__weight", "layers__norm0__bias"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"step": -5}, "step: must be greater than or equal to 0"),
        ({"step": 5.0}, "step: must be a valid integer"),
        ({"best_fid": float("nan")}, "best_fid: must be greater than -inf"),
        ({"config": []}, "config: must be a valid dictionary"),
        ({"config": {}}, "data is not set"),
        ({"ema": None}, "ema: missing"),
        (changed("ema", n_averaged=None), "ema.n_averaged: missing"),
        (
            changed("ema", **{f"module__{UP1}": NAN}),
            "ema.module.layers.up1.0.weight: has values that are not finite",
        ),
        (
            changed("generator", **{UP1: NAN}),
            "generator.layers.up1.0.weight: has values that are not finite",
        ),
        (changed("generator", **{UP1: None}), "generator.layers.up1.0.weight: missing"),
        (
            changed("generator", more=torch.zeros(1)),
            "generator.more: not a tensor of this network",
        ),
        (
            changed("generator", **{NORM0: torch.zeros(4)}),
            "generator.layers.norm0.bias: is float32 (4,), must be float32 (8,)",
        ),
        (
            changed("discriminator", layers__norm2__bias=torch.zeros(8).double()),
            "discriminator.layers.norm2.bias: is float64 (8,), must be float32 (8,)",
        ),
        (
            changed("generator_optimizer", state={}),
            "generator_optimizer: moments of 0 tensors, not 7",
        ),
        (
            {"discriminator_optimizer": CONTENT["generator_optimizer"]},
            "discriminator_optimizer: moments of 7 tensors, not 5",
        ),
        (changed("random", torch=None), "random.torch: Field required"),
        (changed("random", mixing=NAN), "random.mixing: is not the state of a random"),
        (changed("random", latents=NO_STATE), "random.latents: is not the state of a random"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_inconsistent_content_is_refused_by_name(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    found = refused(CONTENT | change, tmp_path / "last.pt")
    assert found.startswith(f"not a run's checkpoint: {reason}")


def test_adams_moments_of_another_shape_or_not_finite_are_refused(tmp_path: Path) -> None:
    for value, reason in (
        (torch.zeros(3), "generator_optimizer: moments 0 do not have their parameter's shape"),
        (torch.full((8, 8, 4, 4), torch.nan), "generator_optimizer.state.0.exp_avg_sq: "),
    ):
        content = copy.deepcopy(CONTENT)
        content["generator_optimizer"]["state"][0]["exp_avg_sq"] = value
        assert reason in refused(content, tmp_path / "last.pt")


@pytest.mark.parametrize(
    ("group", "setting", "value"),
    [
        ("generator", "filters", 10**9),
        ("generator", "filters", 20000),
        ("generator", "latent_size", 10**9),
        ("generator", "notch", 10**9),
        ("upsample", "kernel_size", 6),
        ("discriminator", "filters", 10**9),
        ("data", "image_size", 7 * 2**19),
        ("data", "image_size", 17),
        ("data", "channels", 1),
        ("trainer", "steps", "many"),
        ("trainer", "unknown", 1),
    ],
)
def test_settings_that_contradict_the_tensors_are_refused_before_allocating_memory(
    group: str, setting: str, value: Any, tmp_path: Path
) -> None:
    content = copy.deepcopy(CONTENT)
    content["config"][group][setting] = value
    refused(content, tmp_path / "last.pt")
    if group == "generator":
        content["config"][group] = {
            **{"kind": "flat", "filters": 4, "kernel_size": 4},
            **{"num_layers": 10**9, "latent_size": None},
        }
        refused(content, tmp_path / "last.pt")


@EXAMPLES
@given(content=edited(CONTENT, tensors=True))
def test_an_edited_checkpoint_is_read_or_refused(
    content: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "edited.pt"
    torch.save(content, path)
    read_or_refused(read_checkpoint, path)


@EXAMPLES
@given(content=damaged(BYTES))
def test_a_damaged_checkpoint_is_refused_or_read_unchanged(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pt"
    path.write_bytes(content)
    if read := read_or_refused(read_checkpoint, path):
        found, expected = tensors(read), tensors(CONTENT)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in found)


def test_a_run_without_ema_and_with_other_layers_is_read(tmp_path: Path) -> None:
    content = copy.deepcopy(CONTENT)
    content["config"]["trainer"]["ema_half_life_images"] = 0.0
    content["config"]["discriminator"]["norm"] = "none"
    content["config"]["downsample"]["balanced"] = True
    state = build_discriminator(content["config"])
    moments = {
        i: {"step": torch.tensor(1.0), "exp_avg": p.detach(), "exp_avg_sq": p.detach()}
        for i, p in enumerate(state.parameters())
    }
    content |= {"ema": None, "discriminator": state.state_dict()}
    content["discriminator_optimizer"] = {"state": moments, "param_groups": []}
    torch.save(content, tmp_path / "last.pt")
    assert read_checkpoint(tmp_path / "last.pt")["ema"] is None


def test_reading_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    read_checkpoint(FORMAT1)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_full_disk_raises_an_error_with_the_path(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    path = tmp_path / "last.pt"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as raised:
            save_tensors(path, CONTENT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(path) in str(raised.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
