"""docs/results is made by scripts/results.py; the pages have their numbers from it."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from scripts import results
from scripts import update_pages as pages

from dcgan.commands.composing import compose, to_dataclass
from dcgan.config import BenchmarkConfig
from tests.conftest import Compose

PROJECT = Path(__file__).parents[1]
REPORT = """\
| arm | R₂ ÷ real | std |
| --- | --- | --- |
| transposed k3 | 12.3 [10.5, 104] | 0.5 |
| transposed k4 | 0.0312 | 0.5 |
| large | 1.23e+03 [900, 1.7e+03] | 0.9 |

| arm | predicted |
| --- | --- |
| transposed k3 | 4 |
"""
TESTS = """\
score,first,second,images_seen,first_median,second_median,p,least_possible_p
r2_over_real,transposed k3,transposed k4,0,122.2,0.31,0.02,0.02
r2_over_real,transposed k3,transposed k4,32000,16.85,0.7562,0.02,0.02
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of one small ablation, `mine`."""
    (tmp_path / "mine").mkdir()
    for name, text in {"report.md": REPORT, "tests.csv": TESTS, "made.txt": "8 minutes on"}.items():
        (tmp_path / "mine" / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_no_number_in_a_page_differs_from_the_results(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert pages.updated(text) == text, "run python scripts/update_pages.py"
    assert len(pages.MARK.findall(text)) == text.count("<!-- "), "a mark is not read"


def test_the_readme_and_the_results_have_numbers_to_check() -> None:
    for page, least in ((PROJECT / "README.md", 4), (pages.RESULTS / "README.md", 40)):
        text = page.read_text(encoding="utf-8")
        assert len(pages.MARK.findall(text)) == text.count("<!-- ") >= least


@pytest.mark.parametrize(
    ("old", "mark", "new"),
    [
        ("99", "mine; transposed k3; R₂ ÷ real", "12"),
        ("9.9 [9.90,\n99]", "mine; transposed k3; R₂ ÷ real", "12 [10.5,\n104]"),
        ("1.0", "mine; arm=transposed k4; R₂ ÷ real", "0.031"),
        ("5", "mine; transposed k3; predicted", "4"),
        ("1,234", "mine; transposed k3; r2_over_real; 32,000", "16.85"),
        ("0.5", "mine; transposed k4; r2_over_real; 32,000", "0.8"),
        ("3", "mine; minutes", "8"),
        ("1.23 [1, 2]", "mine; large; R₂ ÷ real", "1,230 [900, 1,700]"),
    ],
)
def test_a_stale_number_is_replaced_and_keeps_its_digits(
    folder: Path, old: str, mark: str, new: str
) -> None:
    text = f"It was {{}}<!-- {mark} --> times, 99 [1, 2]."
    found = pages.updated(text.format(old), folder)
    assert found == text.format(new)
    assert pages.updated(found, folder) == found


@pytest.mark.parametrize(
    "mark", ["mine; 0.5; R₂ ÷ real", "mine; transposed k5; std", "mine; transposed k3; FID"]
)
def test_a_mark_must_fit_one_value(folder: Path, mark: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{mark}: fits ")):
        pages.updated(f"9<!-- {mark} -->", folder)


def test_an_interval_is_not_left_stale(folder: Path) -> None:
    with pytest.raises(ValueError, match="minutes: has too few numbers"):
        pages.updated("9 [8, 10]<!-- mine; minutes -->", folder)


def test_every_folder_has_its_commands_and_its_row() -> None:
    commands = results.read_commands()
    folders = {path.parent.name for path in results.RESULTS.glob("*/*")}
    assert folders <= commands.keys()
    text = (results.RESULTS / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| \[?(\w+)\]?.* \|", text, re.MULTILINE)) >= folders


@pytest.mark.parametrize("name", results.read_commands())
def test_every_command_composes(compose_train: Compose, name: str) -> None:
    for line in results.read_commands()[name]:
        program, *words = shlex.split(line)
        if program == "dcgan-benchmark":
            to_dataclass(compose("benchmark", words), BenchmarkConfig)
            continue
        assert (program, words.pop(0)) == ("dcgan-train", "-m")
        compose_train(*(re.sub(r"=.*,", "=", word) for word in words))  # the last of swept values


@pytest.mark.slow
def test_a_folder_is_made_and_made_again_without_training(tmp_path: Path, cache_dir: Path) -> None:
    tiny = f"experiment=smoke data.image_size=16 data.num_images=32 data.cache_dir={cache_dir}"
    lines = [
        f"dcgan-train -m {tiny} seed=0 upsample={arm}" for arm in ("transposed_k3", "subpixel")
    ]
    kept = tmp_path / "results"
    kept.mkdir()
    results.make("mine", lines, tmp_path, tmp_path / "work", kept)
    saved = tmp_path.glob("work/mine/*/*/checkpoints/last.pt")
    runs = {path: path.stat().st_mtime_ns for path in saved}
    assert len(runs) == 2
    text = (kept / "mine" / "report.md").read_text()
    assert all(f"    {line}\n" in text for line in lines)
    assert {"transposed k3", "sub-pixel k3"} <= {
        row.get("arm") for row in pages.rows_of(kept / "mine" / "report.md")
    }
    for name in re.findall(r"\]\((.*?)\)", text):
        assert (kept / "mine" / name).is_file()
    assert not (kept / "mine" / "index.html").exists()
    line = (kept / "mine" / "made.txt").read_text()
    assert re.fullmatch(
        r"\d+ minutes on \d+ cores \(.*\); Python .*, torch .*, dcgan \w+\+?; .*\n", line
    )
    before = float((tmp_path / "work" / "mine" / "seconds").read_text())
    shutil.rmtree(kept / "mine")
    results.make("mine", lines, tmp_path, tmp_path / "work", kept)
    assert runs == {path: path.stat().st_mtime_ns for path in runs}
    assert float((tmp_path / "work" / "mine" / "seconds").read_text()) > before
    assert (kept / "mine" / "report.md").read_text() == text


def test_paths_replace_their_placeholders(tmp_path: Path) -> None:
    words = results.complete(
        "dcgan-train -m data.root=PATH/four seed=0,1", tmp_path / "a b", Path("x")
    )
    assert words == [
        str(Path(sys.executable).parent / "dcgan-train"),
        *("-m", f"data.root='{tmp_path}/a b/four'", "seed=0,1", "resume=auto", "hydra.sweep.dir=x"),
    ]
    line = """dcgan-benchmark 'overrides=["seed=1","data.root=PATH"]'"""
    assert results.complete(line, tmp_path / "a b", Path("x"))[1:] == [
        f"""overrides=["seed=1","data.root='{tmp_path}/a b'"]""",
        "hydra.run.dir=x",
    ]
    line = "dcgan-train -m start_from=RUNS/first/1/seed-0"
    assert f"start_from={tmp_path}/first/1/seed-0" in results.complete(
        line, tmp_path, tmp_path / "second" / "3"
    )
