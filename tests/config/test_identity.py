"""Which settings identify a run, and which run resume finds."""

import copy
import os
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dcgan.config import TrainConfig
from dcgan.config.identity import LAST, folder_of_run, identity_settings, is_run, read_settings
from dcgan.errors import UserError
from tests.conftest import Compose
from tests.damage import EXAMPLES, damaged, edited, read_or_refused


def save(folder: Path, config: TrainConfig, time: int) -> Path:
    """Write what a run leaves behind."""
    (folder / LAST).parent.mkdir(parents=True)
    with zipfile.ZipFile(folder / LAST, "w") as archive:
        archive.writestr("data", b"weights")
    os.utime(folder / LAST, (time, time))
    (folder / "config.yaml").write_text(yaml.safe_dump(asdict(config)))
    return folder


def test_auto_is_the_newest_run_with_these_settings(tmp_path: Path, tiny: Compose) -> None:
    auto, new = tiny("resume=auto", "trainer.steps=99"), tmp_path / "new"
    assert folder_of_run(auto, new) == new
    older = save(tmp_path / "older", tiny(), 2)
    save(tmp_path / "oldest", tiny(), 1)
    save(tmp_path / "other recipe", tiny("trainer.beta2=0.9"), 3)
    save(tmp_path / "other seed", tiny("seed=1"), 4)
    assert folder_of_run(auto, new) == older
    assert folder_of_run(tiny(), new) == new


def test_auto_skips_damaged_runs_and_names_them(
    tmp_path: Path, tiny: Compose, caplog: pytest.LogCaptureFixture
) -> None:
    auto, new = tiny("resume=auto"), tmp_path / "new"
    older = save(tmp_path / "older", tiny(), 2)
    damaged = [save(tmp_path / name, tiny(), 5 + i) for i, name in enumerate("abcd")]
    damaged[0].joinpath("config.yaml").write_text("[")
    damaged[1].joinpath("config.yaml").unlink()
    content = bytearray((damaged[2] / LAST).read_bytes())
    content[content.index(b"weights")] ^= 1
    (damaged[2] / LAST).write_bytes(content)
    (damaged[3] / LAST).write_bytes(content[:50])
    for folder in damaged[2:]:
        os.utime(folder / LAST, (9, 9))
    assert folder_of_run(auto, new) == older
    assert [folder for folder in damaged if str(folder) in caplog.text] == damaged
    assert str(older) not in caplog.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a mapping of setting names to values"),
        ("- 1", "is not a mapping of setting names to values"),
        ("seed: [", "expected the node content, but found '<stream end>' (line 1)"),
        ("{}", "data is not set: give data=VALUE"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_file_without_settings_is_refused_by_name(
    tmp_path: Path, text: str | bytes, reason: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as raised:
        read_settings(tmp_path)
    assert str(raised.value) == f"{path}: not the settings of a run: {reason}"


def test_older_settings_are_converted_to_this_version(tmp_path: Path, tiny: Compose) -> None:
    settings = asdict(tiny())
    older = copy.deepcopy(settings)
    del older["upsample"]["balanced"], older["start_from"]
    older["trainer"] |= {"compile": False, "cuda_graphs": True, "score_weights": "ema"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(older))
    assert read_settings(tmp_path) == settings
    older["trainer"]["batchsize"] = 8
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(older))
    with pytest.raises(UserError, match=r"run: trainer.batchsize: no such setting; trainer has"):
        read_settings(tmp_path)


def test_edited_settings_are_read_or_refused(tmp_path: Path, tiny: Compose) -> None:
    path, settings = tmp_path / "config.yaml", asdict(tiny())

    @EXAMPLES
    @given(
        content=st.one_of(
            damaged(yaml.safe_dump(settings).encode()),
            edited(settings).map(lambda content: yaml.safe_dump(content).encode()),
        )
    )
    def check(content: bytes) -> None:
        path.write_bytes(content)
        read_or_refused(lambda path: read_settings(path.parent), path)
        is_run(tmp_path)

    check()


def test_a_precision_matches_only_its_own(tmp_path: Path, tiny: Compose) -> None:
    run = save(tmp_path / "run", tiny("trainer.precision=bf16-mixed"), 1)
    for precision, found in (("bf16-mixed", True), ("32-true", False)):
        config = tiny("resume=auto", f"trainer.precision={precision}")
        assert (folder_of_run(config, tmp_path / "new") == run) is found


def test_a_path_to_a_run_or_its_checkpoint_gives_the_runs_folder(
    tmp_path: Path, tiny: Compose
) -> None:
    run, new = save(tmp_path / "run", tiny(), 1), tmp_path / "new"
    for path, folder in ((run, run), (run / LAST, run), (tmp_path / "missing", new)):
        assert folder_of_run(replace(tiny(), resume=str(path)), new) == folder


def test_which_settings_identify_a_run(tiny: Compose) -> None:
    settings = identity_settings(asdict(tiny("resume=auto")))
    assert settings["trainer.beta2"] == 0.99
    assert not {"resume", "trainer.steps", "data.cache_dir", "data.root"} & settings.keys()
