"""One file, whole or not at all; continued only with the same settings."""

from pathlib import Path
from typing import Any

import pytest
import torch

from dcgan.errors import UserError
from dcgan.training.checkpoint import (
    checkpoint_to_resume,
    load_state,
    read_for_resume,
    save_checkpoint,
)
from tests.conftest import Compose
from tests.training.conftest import Build


def test_a_checkpoint_is_plain_tensors_and_plain_values(tmp_path: Path, build: Build) -> None:
    config, state, _ = build()
    path = tmp_path / "checkpoints" / "last.pt"
    save_checkpoint(path, state, config)
    content = torch.load(path, weights_only=True)
    assert content["format_version"] == 1
    assert content["config"]["trainer"]["steps"] == 8
    kinds: set[type] = set()

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                visit(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                visit(inner)
        else:
            kinds.add(type(value))

    visit(content)
    assert kinds <= {torch.Tensor, int, float, bool, str, type(None)}


def test_an_interrupted_write_keeps_the_old_file(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, state, _ = build()
    path = tmp_path / "last.pt"
    save_checkpoint(path, state, config)
    before = path.read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, state, config)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path, build: Build) -> None:
    config, state, _ = build()
    with torch.no_grad():
        next(state.discriminator.parameters()).fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="a weight of the discriminator is not finite"):
        save_checkpoint(tmp_path / "last.pt", state, config)
    assert not list(tmp_path.iterdir())


def test_settings_that_differ_are_listed_and_refused(
    tmp_path: Path, build: Build, tiny: Compose
) -> None:
    config, state, _ = build()
    path = tmp_path / "last.pt"
    save_checkpoint(path, state, config)
    with pytest.raises(UserError) as refusal:
        read_for_resume(
            path, tiny("seed=3", "trainer.batch_size=4", "upsample=transposed_k3"), tmp_path
        )
    message = str(refusal.value)
    for part in (
        "seed=3 (was 0)",
        "trainer.batch_size=4 (was 8)",
        "upsample.kernel_size=3 (was 4)",
    ):
        assert part in message
    assert "only these may: " in message
    assert "trainer.steps" in message.partition("only these may: ")[2]


def test_a_few_settings_may_differ(tmp_path: Path, build: Build, tiny: Compose) -> None:
    config, state, _ = build()
    path = tmp_path / "last.pt"
    save_checkpoint(path, state, config)
    changed = ("trainer.steps=99", "trainer.log_every=1", "trainer.checkpoint_every=7")
    assert read_for_resume(path, tiny(*changed), tmp_path)["step"] == 0


def test_a_run_without_steps_left_is_refused_but_in_its_own_folder(
    tmp_path: Path, build: Build, tiny: Compose
) -> None:
    config, state, _ = build()
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    for step in (8, 9):
        state.step = step
        save_checkpoint(last, state, config)
        with pytest.raises(UserError, match=f"trainer.steps=8: the run is at step {step} already"):
            read_for_resume(last, tiny(), tmp_path / "elsewhere")
    state.step = 8
    save_checkpoint(last, state, config)
    assert read_for_resume(last, tiny(), tmp_path / "run")["step"] == 8


def test_other_data_is_refused(tmp_path: Path, build: Build) -> None:
    config, state, _ = build()
    save_checkpoint(tmp_path / "last.pt", state, config)
    content = read_for_resume(tmp_path / "last.pt", config, tmp_path)
    state.data_digest = "another"
    with pytest.raises(UserError, match="not the images that the run to resume was started on"):
        load_state(state, content)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a readable checkpoint"), (b"junk", "not a readable checkpoint"), (None, "no such")],
)
def test_a_file_that_is_no_checkpoint_is_refused(
    tmp_path: Path, tiny: Compose, content: bytes | None, message: str
) -> None:
    path = tmp_path / "last.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_for_resume(path, tiny(), tmp_path)


def test_another_format_version_is_refused(tmp_path: Path, tiny: Compose) -> None:
    torch.save({"format_version": 0}, tmp_path / "last.pt")
    with pytest.raises(UserError, match="checkpoint format 0; this version reads 1"):
        read_for_resume(tmp_path / "last.pt", tiny(), tmp_path)


def test_what_resume_names(tmp_path: Path) -> None:
    last = tmp_path / "checkpoints" / "last.pt"
    assert checkpoint_to_resume(None, tmp_path) is None
    assert checkpoint_to_resume("auto", tmp_path) is None
    assert checkpoint_to_resume(str(tmp_path), tmp_path / "other") == last
    last.parent.mkdir()
    last.touch()
    assert checkpoint_to_resume("auto", tmp_path) == last
    assert checkpoint_to_resume(str(last), tmp_path / "other") == last
    with pytest.raises(UserError, match="there is a run already; resume=auto goes on with it"):
        checkpoint_to_resume(None, tmp_path)
