"""Checkpoints are written atomically, and resumed only with the same settings and folder."""

import copy
import math
from pathlib import Path

import pytest
import torch

from dcgan.checkerboard.parametrization import Balanced
from dcgan.config.identity import LAST, flatten
from dcgan.errors import UserError
from dcgan.networks.checkpoint import read_checkpoint
from dcgan.training.checkpoint import (
    BEST,
    load_state,
    read_for_resume,
    save_checkpoint,
    set_running_statistics,
    take_weights,
)
from dcgan.training.step import train_step
from tests.conftest import Compose
from tests.training.conftest import Build


@pytest.fixture
def run_dir(tmp_path: Path, build: Build) -> Path:
    """The folder of a tiny run, saved at step 0."""
    save_checkpoint(tmp_path / "run" / LAST, build())
    return tmp_path / "run"


def test_a_checkpoint_holds_only_tensors_and_plain_values(run_dir: Path) -> None:
    content = torch.load(run_dir / LAST, weights_only=True)
    assert content["format_version"] == 1
    assert content["config"]["trainer"]["steps"] == 8
    kinds = {type(value) for _, value in flatten(content)}  # weights_only refuses others in lists
    assert kinds <= {torch.Tensor, int, float, bool, str, list, type(None)}


def test_an_interrupted_write_keeps_the_old_file(
    run_dir: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run_dir / LAST).read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(run_dir / LAST, build())
    assert (run_dir / LAST).read_bytes() == before
    assert list((run_dir / LAST).parent.iterdir()) == [run_dir / LAST]


def test_a_run_without_steps_left_is_refused_except_in_its_own_folder(
    run_dir: Path, build: Build, tiny: Compose
) -> None:
    state, config = build(), tiny(f"resume={run_dir}")
    train_step(state)
    for step in (8, 9):
        state.step = step
        save_checkpoint(run_dir / LAST, state)
        with pytest.raises(UserError, match=f"trainer.steps=8: the run is already at step {step}"):
            read_for_resume(config, run_dir.with_name("elsewhere"))
    state.step = 8
    save_checkpoint(run_dir / LAST, state)
    assert read_for_resume(config, run_dir) is not None


def test_the_best_fid_only_counts_in_the_folder_that_has_its_checkpoint(
    run_dir: Path, build: Build, tiny: Compose
) -> None:
    state, config = build(), tiny(f"resume={run_dir}")
    state.best_fid = 3.0
    for path, expected in ((LAST, math.inf), (BEST, 3.0)):
        save_checkpoint(run_dir / LAST, state)
        save_checkpoint(run_dir / path, state)
        checkpoint = read_for_resume(config, run_dir)
        assert checkpoint is not None
        assert checkpoint["best_fid"] == expected


def test_other_data_is_refused(run_dir: Path, build: Build, tiny: Compose) -> None:
    content = read_for_resume(tiny("resume=auto"), run_dir)
    state = build()
    state.data_digest = "another"
    assert content is not None
    with pytest.raises(UserError, match="not the images that the resumed run was started on"):
        load_state(state, content)


def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path: Path, tiny: Compose) -> None:
    path = tmp_path / "last.pt"
    path.touch()
    with pytest.raises(UserError, match=rf"{path}: not an intact file: File is not a zip file"):
        read_for_resume(tiny(f"resume={path}"), tmp_path / "run")
    torch.save({"format_version": 0}, path)
    with pytest.raises(UserError, match="checkpoint format 0; this version reads 1"):
        read_for_resume(tiny(f"resume={path}"), tmp_path / "run")


def test_a_damaged_checkpoint_in_the_runs_own_folder_is_refused(
    run_dir: Path, tiny: Compose
) -> None:
    content = bytearray((run_dir / LAST).read_bytes())
    content[len(content) // 2] ^= 1
    (run_dir / LAST).write_bytes(content)
    for resume in ("auto", str(run_dir), str(run_dir / LAST)):
        with pytest.raises(UserError, match=rf"^{run_dir / LAST}: not an intact file: .*checksum"):
            read_for_resume(tiny(f"resume={resume}"), run_dir)


@pytest.mark.parametrize(
    "words",
    [
        *("upsample=transposed_k4", "upsample=resize_nearest", "upsample=subpixel_balanced"),
        "upsample=transposed_k4_balanced upsample.layers=last generator.notch=2",
        "downsample=strided_k3 downsample.balanced=true discriminator.norm=spectral",
        "upsample=subpixel_icnr upsample.smooth=true data.channels=1"
        " trainer.ema_half_life_images=0",
        "generator=flat discriminator.norm=none data.image_size=20",
    ],
)
def test_a_saved_checkpoint_can_be_read(tmp_path: Path, build: Build, words: str) -> None:
    state = build(*words.split())
    for _ in range(2):
        save_checkpoint(tmp_path / LAST, state)
        load_state(state, read_checkpoint(tmp_path / LAST))
        train_step(state)
    assert state.step == 2


def test_learning_rates_come_from_the_settings(run_dir: Path, build: Build) -> None:
    content = torch.load(run_dir / LAST, weights_only=True)
    for part in ("generator_optimizer", "discriminator_optimizer"):
        content[part]["param_groups"] = "damaged"
    torch.save(content, run_dir / LAST)
    state = build("trainer.generator_lr=0.5")
    load_state(state, read_checkpoint(run_dir / LAST))
    assert state.generator_optimizer.param_groups[0]["lr"] == 0.5


def test_resume_names_a_folder_a_file_or_auto(run_dir: Path, tiny: Compose) -> None:
    def step(resume: str, folder: Path) -> int | None:
        checkpoint = read_for_resume(tiny(f"resume={resume}"), folder)
        return None if checkpoint is None else int(checkpoint["step"])

    new = run_dir.with_name("new")
    assert step("null", new) is None
    assert step("auto", new) is None
    assert step("auto", run_dir) == 0
    for name in (run_dir, run_dir / LAST):
        assert step(str(name), run_dir) == step(str(name), new) == 0
    with pytest.raises(UserError, match="there is a run already; resume=auto resumes it"):
        step("null", run_dir)


def test_a_folder_with_unrelated_files_is_refused(tmp_path: Path, tiny: Compose) -> None:
    refused = pytest.raises(UserError, match=r"do not belong to a run \(config.yaml, ten")
    for name in ("config.yaml", "tensorboard"):
        (tmp_path / name).write_text("name: another project")
    for resume in ("null", "auto"):
        with refused:
            read_for_resume(tiny(f"resume={resume}"), tmp_path)
    # Leftovers of a run that ended before its first checkpoint may be overwritten.
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "config.yaml.tmp").touch()
    assert read_for_resume(tiny(), tmp_path / "left") is None
    (tmp_path / "config.yaml").write_text("upsample: {kind: resize}")
    assert read_for_resume(tiny(), tmp_path) is None
    # A run whose checkpoints were deleted is finished all the same.
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(UserError, match="a finished run without its checkpoints"):
        read_for_resume(tiny("resume=auto"), tmp_path)


def test_a_run_can_start_from_another_runs_weights_balanced(build: Build, tmp_path: Path) -> None:
    """G, D and the EMA are taken over; optimizers and data order are new."""
    other = build("seed=7")
    for _ in range(3):
        train_step(other)
    save_checkpoint(tmp_path / "other" / LAST, other)

    words = (f"start_from={tmp_path / 'other'}", "upsample=transposed_k4_balanced")
    state = build(*words)
    take_weights(state, str(tmp_path / "other"))
    assert (state.step, state.batches.num_drawn) == (0, 0)
    for name, value in state.discriminator.state_dict().items():
        assert torch.equal(value, other.discriminator.state_dict()[name])
    assert state.ema is not None
    for ours, theirs in ((state.generator, other.generator), (state.sampler, other.sampler)):
        block, free = (g.layers.get_submodule("up1.0") for g in (ours, theirs))
        nearest = Balanced([4, 4], [2, 2])(free.weight)
        torch.testing.assert_close(block.weight, nearest, rtol=0, atol=1e-6)

    # The EMA continues: a step changes it little, whereas a new one would copy the weights.
    average = [w.detach().clone() for w in state.ema.module.parameters()]
    train_step(state)
    moved = [(a - b).abs().max() for a, b in zip(average, state.ema.parameters(), strict=True)]
    learned = [
        (a - b).abs().max() for a, b in zip(average, state.generator.parameters(), strict=True)
    ]
    assert sum(moved) < 0.01 * sum(learned)

    # The running statistics fit the balanced kernels.
    fresh = copy.deepcopy(state.generator)
    take_weights(state, str(tmp_path / "other"))
    fresh.load_state_dict(state.generator.state_dict())
    set_running_statistics(fresh, state.config.seed)
    for name, value in fresh.state_dict().items():
        torch.testing.assert_close(value, state.generator.state_dict()[name])

    # And back: unbalanced layers start from the balanced kernels as they were used.
    balanced = build("upsample=transposed_k4_balanced", "downsample.balanced=true")
    train_step(balanced)
    save_checkpoint(tmp_path / "balanced" / LAST, balanced)
    free_again = build("upsample=transposed_k4")
    take_weights(free_again, str(tmp_path / "balanced"))
    for network, layer in (("generator", "up2.0"), ("discriminator", "down2.0")):
        again, used = (
            getattr(s, network).layers.get_submodule(layer) for s in (free_again, balanced)
        )
        torch.testing.assert_close(again.weight, used.weight, rtol=0, atol=1e-6)

    # A balanced discriminator may have a spectral norm, too.
    normed = build("discriminator.norm=spectral", "downsample.balanced=true")
    train_step(normed)
    save_checkpoint(tmp_path / "normed" / LAST, normed)
    same = build("seed=3", "discriminator.norm=spectral", "downsample.balanced=true")
    take_weights(same, str(tmp_path / "normed"))
    for name, value in same.discriminator.state_dict().items():
        assert torch.equal(value, normed.discriminator.state_dict()[name])


@pytest.mark.parametrize(
    ("words", "network"),
    [
        (["upsample=transposed_k3"], "generator"),
        (["upsample=resize_nearest"], "generator"),
        (["generator.filters=8"], "generator"),
        (["discriminator.filters=8"], "discriminator"),
    ],
)
def test_weights_of_a_different_network_are_refused(
    build: Build, run_dir: Path, words: list[str], network: str
) -> None:
    with pytest.raises(UserError, match=rf"start_from={run_dir}: its {network} differs in layers"):
        take_weights(build(*words), str(run_dir))


def test_a_checkpoint_from_before_a_setting_existed_can_be_resumed(
    tiny: Compose, run_dir: Path
) -> None:
    path = run_dir / LAST
    checkpoint = torch.load(path, weights_only=True)
    del checkpoint["config"]["upsample"]["balanced"], checkpoint["config"]["start_from"]
    torch.save(checkpoint, path)
    assert read_for_resume(tiny(f"resume={run_dir}"), run_dir) is not None
