"""The page, from real runs: valid, self-contained, and with the same numbers everywhere."""

import csv
import json
import math
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from PIL import Image

from dcgan.pictures import save_grid
from dcgan.reports import closeup
from dcgan.reports.ablation import analyze
from dcgan.reports.closeup import draw_closeup
from dcgan.reports.page import markdown, write_report
from dcgan.reports.runs import Run
from dcgan.training.loop import train
from tests.conftest import TINY, Compose
from tests.damage import EXAMPLES
from tests.reports.test_conclusions import conclude

VOID = {"meta", "img", "br", "link", "path", "use", "input"}


class Page(HTMLParser):
    """Collects URLs, and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102
        self.addresses += [value or "" for key, value in attrs if key in ("src", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:  # noqa: D102
        if tag not in VOID:
            assert self.open.pop() == tag


def test_every_listed_file_exists(report: Path) -> None:
    files = json.loads((report / "result.json").read_text())["files"]
    assert {path.name for path in report.iterdir()} == {*files, "result.json"}
    for path in [*report.glob("*.png"), report / "training.gif"]:
        with Image.open(path) as picture:
            assert min(picture.size) > 100


def test_the_page_is_valid_and_self_contained(report: Path) -> None:
    text = (report / "index.html").read_text()
    page = Page(text)
    assert not page.open
    pictures = [a for a in page.addresses if a.startswith("data:image/webp;base64,")]
    assert len(pictures) == 2  # a sprite per arm
    assert all(a in pictures or a.startswith("#") for a in page.addresses)
    assert "&lt;this&gt;" in text
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)


def test_page_and_markdown_have_the_same_sentences(report: Path) -> None:
    result = json.loads((report / "result.json").read_text())
    for name in ("index.html", "report.md"):
        text = (report / name).read_text()
        for sentences in result["conclusions"].values():
            assert all(sentence in text for sentence in sentences)
        for arm in result["arms"]:
            assert all(value in text for value in arm["scores"].values())
    for picture in re.findall(r"\]\((\w+\.png)\)", (report / "report.md").read_text()):
        assert (report / picture).is_file()


def test_numbers_match_the_runs(report: Path, trained: Path) -> None:
    with (report / "scores.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 2 * 4
    first = json.loads((trained / "transposed_k3/seed0/metrics.jsonl").open().readline())
    assert (lines[0]["arm"], lines[0]["seed"], lines[0]["step"]) == ("transposed k3", "0", "0")
    assert float(lines[0]["r2_over_real"]) == first["r2_over_real"]
    result = json.loads((report / "result.json").read_text())
    with (report / "tests.csv").open() as file:
        assert len(list(csv.DictReader(file))) == result["tests"]["number"] == 3 * 4
    kernel_3, nearest = result["arms"]
    assert (kernel_3["predicted"], nearest["predicted"]) == (4, 1)
    assert kernel_3["parameters"] == nearest["parameters"] > 0  # 3x3 taps both
    assert nearest["flops"] > kernel_3["flops"] > 0  # at four times as many pixels


def test_two_seeds_are_too_few_to_show_anything(report: Path) -> None:
    result = json.loads((report / "result.json").read_text())
    subjects = [name for name in result["conclusions"] if "differences between arms" in name]
    assert len(subjects) == 3
    for name in subjects:
        (sentence,) = result["conclusions"][name]
        assert sentence.startswith("too few seeds to show a difference")
    assert "With 2 seeds per arm, no difference" in result["conclusions"]["In short"][1]
    assert result["tests"]["below_level"] == 0


def test_a_single_run_gets_a_page_too(runs: Path, tmp_path: Path) -> None:
    shutil.rmtree(runs / "resize_nearest")
    shutil.rmtree(runs / "transposed_k3" / "seed1")
    result = write_report(runs, tmp_path / "report", "command")
    assert result["single_seeds"] == ["transposed k3"]
    assert result["tests"]["number"] == 0
    answer = result["conclusions"]["In short"]
    assert "one seed gives no verdict on transposed k3" in answer[0]
    assert answer[1] in (tmp_path / "report" / "index.html").read_text()
    assert "one seed, so no interval" in str(result["conclusions"])


def test_one_arm_of_several_seeds_is_compared_with_nothing(runs: Path) -> None:
    shutil.rmtree(runs / "resize_nearest")
    answer = conclude(analyze(runs))["In short"]
    assert len(answer) == 2
    assert answer[1].startswith("All of this holds for these images")


def test_images_too_small_for_scores_get_a_page_too(tmp_path: Path, compose_train: Compose) -> None:
    config = compose_train(*TINY, "data.image_size=12")
    train(config, tmp_path / "run", "again")
    train(compose_train(*TINY, "data.image_size=12", "seed=1"), tmp_path / "run" / "1", "again")
    free = "upsample.balanced=1"
    train(compose_train(*TINY, "data.image_size=12", free), tmp_path / "run" / "2", "again")
    result = write_report(tmp_path / "run", tmp_path / "report", "command")
    assert [score.key for score in result["scores"]] == ["rho_up1", "kappa_up1", "std"]
    assert result["tests"]["number"] == 0
    answer = result["conclusions"]["In short"]
    assert answer[0] == "Images of this size have no score that is tested."
    assert "seed" not in "".join(answer)
    assert "Dotted" not in (tmp_path / "report" / "index.html").read_text()


def test_dead_zones_balanced_arms_and_arms_that_differ_only_in_some_blocks(
    tmp_path: Path, compose_train: Compose
) -> None:
    k4 = [("upsample=transposed_k4", f"upsample.balanced={order}") for order in (0, 1, 2)]
    first = ("upsample=transposed_k3", "upsample.layers=first")
    for i, words in enumerate([("upsample=transposed_k1",), first, *k4]):
        config = compose_train(*TINY, "data.image_size=32", *words)
        train(config, tmp_path / "runs" / str(i), "again")
    result = write_report(tmp_path / "runs", tmp_path / "report", "command")
    sparse, first_only, *arms = result["arms"]
    assert sparse["predicted"] == math.inf
    assert (first_only["predicted"], first_only["name"]) == (1, "transposed k3 in first")
    text = (tmp_path / "report" / "result.json").read_text()
    assert "Infinity" not in text
    assert json.loads(text)["arms"][0]["predicted"] is None

    # Balanced arms have the same cost, and labels of their own.
    names = ["transposed k4", "transposed k4 balanced", "transposed k4 balanced of order 2"]
    assert [arm["name"] for arm in arms] == names
    assert len({arm["flops"] for arm in arms}) == len({arm["parameters"] for arm in arms}) == 1
    rho = [float(arm["scores"]["rho_up3"]) for arm in arms]
    assert rho[0] > 0.1
    assert max(rho[1:]) < 1e-9


def test_a_generator_without_upsampling_is_compared_by_its_scores(
    tmp_path: Path, compose_train: Compose
) -> None:
    for generator in ("tiny", "flat"):
        small = [word for word in TINY if not word.startswith("generator")]
        config = compose_train(*small, f"generator={generator}", "data.image_size=32")
        train(config, tmp_path / "runs" / generator, "again")
    result = write_report(tmp_path / "runs", tmp_path / "report", "command")
    names = {arm["name"]: arm for arm in result["arms"]}
    assert set(names) == {"transposed k4, 4 filters, z of 8", "flat k9, 4 layers of 5 filters"}
    assert names["flat k9, 4 layers of 5 filters"]["predicted"] == 1
    assert not [score.key for score in result["scores"] if "up" in score.key]
    text = (tmp_path / "report" / "report.md").read_text()
    assert "images/s" in text
    assert "Above: a sample of each arm, enlarged" in text  # their latents differ in size


ODD = "/a$b$ <c> & |d|e_ _f_ *g* `h` ~i~ \N{MATHEMATICAL DOUBLE-STRUCK CAPITAL A}"


def test_odd_names_appear_literally(runs: Path, tmp_path: Path) -> None:
    for config in (runs / "transposed_k3").glob("*/config.yaml"):
        settings = yaml.safe_load(config.read_text())
        settings["data"] |= {"source": "folder", "root": f"{ODD}\nj", "num_images": None}
        config.write_text(yaml.safe_dump(settings))
    (runs / "left out").mkdir()
    (runs / "left out" / "train.log").write_text(f"12:00:00 ERROR {ODD}\n")
    result = write_report(runs, tmp_path / "report", f"dcgan-report {ODD}\nrest")
    arm = next(arm["name"] for arm in result["arms"] if "data.root" in arm["name"])
    assert f"{ODD}\nj" in arm

    html = (tmp_path / "report" / "index.html").read_text()
    assert not Page(html).open
    assert html.count(str(escape(ODD))) > 3
    assert f"never started; 12:00:00 ERROR {escape(ODD)}" in html

    text = (tmp_path / "report" / "report.md").read_text()
    assert f"    dcgan-report {ODD}\n    rest\n" in text
    head, _, *rows = (line for line in text.splitlines() if line.startswith("| "))
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows[:2]} == {head.count("|")}
    escaped = r"/a\$b\$ \<c\> \& \|d\|e\_ \_f\_ \*g\* \`h\` \~i\~" + ODD[-2:]
    assert text.count(escaped) > 3
    assert f"- left out: never started; 12:00:00 ERROR {escaped}" in text


@EXAMPLES
@given(text=st.text(st.sampled_from("ab_*`$|<>[]()!~&\\#\n ")))
def test_markdown_special_characters_are_escaped(text: str) -> None:
    shown = markdown(text)
    assert "\n" not in shown
    assert re.sub(r"\\(.)", r"\1", shown) == " ".join(text.split())
    assert not re.search(r"(?<!\\)(?:\\\\)*[*`$|<>~&]", shown)


def test_runs_with_few_samples_get_a_page_too(runs: Path, tmp_path: Path) -> None:
    for folder in runs.glob("*/*"):  # as if resumed with more samples, after a single one
        path = folder / "samples" / "000000.png"
        save_grid(torch.zeros(1, 3, 32, 32), path)
    write_report(runs, tmp_path / "report", "command")
    assert '"latents": 1' in (tmp_path / "report" / "index.html").read_text()


def test_arms_of_large_images_do_not_lie_on_each_other(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablation = analyze(runs)
    for folder in runs.glob("*/*"):
        config = (folder / "config.yaml").read_text()
        (folder / "config.yaml").write_text(config.replace("image_size: 32", "image_size: 512"))
        for path in folder.glob("samples/*.png"):
            save_grid(torch.zeros(1, 3, 512, 512), path)
        for path in folder.glob("checkerboard/*.npz"):
            path.unlink()
    arms = [replace(arm, runs=[*map(moved, arm.runs)]) for arm in ablation.arms]
    picture = draw_closeup(replace(ablation, arms=arms), 0)
    assert picture.height > 2 * 2 * 512  # one below the other
    monkeypatch.setattr(closeup, "WIDTH", 500)
    assert draw_closeup(replace(ablation, arms=arms), 0).width > 512


def moved(run: Run) -> Run:
    """The run with the settings that its folder has now."""
    return replace(run, config=yaml.safe_load((run.folder / "config.yaml").read_text()))
