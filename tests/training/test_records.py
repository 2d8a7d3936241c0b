"""Records are read as they were written, or refused with the name of the file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dcgan.errors import UserError
from dcgan.training.records import read_arrays, read_metrics, read_picture, read_result
from tests.damage import EXAMPLES, VALUES, damaged, edited, read_or_refused

LINES = [
    {"step": 2, "images_seen": 16, "d_real": 0.5, "kappa_up1": None},
    {"step": 2, "images_seen": 16, "alarm": "slow", "message": "too slow: {x}"},
    {"step": 4, "images_seen": 32, "d_real": 7},
]
METRICS = "".join(json.dumps(line) + "\n" for line in LINES)
RESULT = {
    **{"step": 8, "images_seen": 64, "resumed_from_step": 0, "seconds": 1.5, "metrics": {}},
    **{"images_per_second": 42.0, "samples": "samples/8.png", "checkpoint": "last.pt", "more": [1]},
}
ARRAYS = {
    "spectrum": np.random.default_rng(0).random((16, 16)),
    "phase_energy2": np.ones((2, 2)),
    "discriminator_phase_energy2": np.ones((2, 2)),
}


def test_metrics_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert read_metrics(path) == []
    path.write_text(METRICS)
    assert read_metrics(path) == LINES


@pytest.mark.parametrize("rest", ['{"step": 6, "ima', "\0" * 20, "{", "[]"])
def test_an_unfinished_last_line_is_dropped(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(METRICS + rest)
    assert read_metrics(path) == LINES


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"step": 3, "ima', "Invalid JSON: EOF while parsing a string at line 1 column 16"),
        ("", "Invalid JSON: EOF while parsing a value at line 1 column 0"),
        ("[1]", "must be an object"),
        ('{"images_seen": 16}', "step must be a whole number, at least 0"),
        ('{"step": -5, "images_seen": 16}', "step must be a whole number, at least 0"),
        ('{"step": 3, "images_seen": 1.5}', "images_seen must be a whole number, at least 0"),
        ('{"step": 3, "images_seen": 24, "fid": "low"}', "fid must be a number"),
        ('{"step": 3, "images_seen": 24, "alarm": 3}', "alarm must be a string"),
    ],
)
def test_a_broken_line_is_refused_with_its_number(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "metrics.jsonl"
    first, *others = METRICS.splitlines(keepends=True)
    for text, place in ((first + line + "\n" + "".join(others), 2), (METRICS + line + "\n", 4)):
        path.write_text(text)
        with pytest.raises(UserError) as raised:
            read_metrics(path)
        assert str(raised.value) == f"{path}: not readable in line {place} of 4: {reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[]", "must be a dictionary or an instance of Result"),
        ("{}", "step: Field required"),
        (json.dumps(RESULT | {"step": -5}), "step: must be greater than or equal to 0"),
        (json.dumps(RESULT | {"images_per_second": "fast"}), "images_per_second: must be a valid"),
    ],
)
def test_a_damaged_result_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        read_result(path)
    assert str(raised.value).startswith(f"{path}: not the result of a run: {reason}")
    path.write_text(json.dumps(RESULT))
    assert read_result(path) == RESULT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"spectrum": None}, "spectrum: missing"),
        ({"spectrum": np.ones((8, 8))}, "spectrum: must hold numbers of shape (16, 16)"),
        ({"spectrum": np.ones((16, 16), int)}, "spectrum: must hold numbers of shape (16, 16)"),
        ({"phase_energy2": np.full((2, 2), np.nan)}, "phase_energy2: has values that are not fin"),
        ({"discriminator_phase_energy2": None}, "discriminator_phase_energy2: missing"),
    ],
)
def test_missing_or_misshapen_arrays_are_refused(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "000004.npz"
    changed: dict[str, Any] = {k: v for k, v in {**ARRAYS, **change}.items() if v is not None}
    np.savez(path, **changed)
    with pytest.raises(UserError) as raised:
        read_arrays(path, 16)
    assert str(raised.value).startswith(f"{path}: not the arrays of a run's scores: {reason}")
    assert "spectrum" in ARRAYS
    np.savez(path, spectrum=np.ones((8, 8)))
    assert list(read_arrays(path, 8)) == ["spectrum"]  # images this small have no phases


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.effect_noise((64, 64), 50).save(path)
    assert read_picture(path).size == (64, 64)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=rf"{path}: not a readable picture: "):
        read_picture(path)
    with pytest.raises(UserError, match=r"b\.png: no such file"):
        read_picture(tmp_path / "b.png")


@EXAMPLES
@given(content=damaged(METRICS.encode()), values=st.dictionaries(st.text(), VALUES))
def test_no_damage_to_text_is_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, values: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "metrics.jsonl"
    line = json.dumps({"step": 1, "images_seen": 8, **values}, default=str).encode()
    for text in (content, line + b"\n" + content, content + line + b"\n"):
        path.write_bytes(text)
        read_or_refused(read_metrics, path)


@EXAMPLES
@given(
    content=st.one_of(
        damaged(json.dumps(RESULT).encode()),
        edited(RESULT).map(lambda content: json.dumps(content, default=str).encode()),
    )
)
def test_a_damaged_result_never_causes_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "result.json"
    path.write_bytes(content)
    read_or_refused(read_result, path)


@EXAMPLES
@given(data=st.data())
def test_damaged_arrays_are_refused_or_read_unchanged(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    with path.open("wb") as file:
        np.savez(file, **ARRAYS)  # type: ignore[arg-type]
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    for name, array in (read_or_refused(lambda path: read_arrays(path, 16), path) or {}).items():
        assert torch.equal(array, torch.from_numpy(ARRAYS[name]))
