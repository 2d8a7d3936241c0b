"""Runs to report on, actually trained for a few steps; and a browser to look at pages with."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from dcgan.commands.composing import compose, to_dataclass
from dcgan.config import TrainConfig
from dcgan.reports.explanation import write_explanation
from dcgan.reports.page import write_report
from dcgan.training.loop import train
from tests.conftest import TINY


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """ARM/seedN for kernel 3 and resizing, seeds 0 and 1; scored at steps 0, 2, 4 and 8."""
    folder = tmp_path_factory.mktemp("trained")
    for arm in ("transposed_k3", "resize_nearest"):
        for seed in (0, 1):
            overrides = [*TINY, "data.image_size=32", f"upsample={arm}", f"seed={seed}"]
            settings = compose("train", [*overrides, f"data.cache_dir={cache_dir}"])
            config = to_dataclass(settings, TrainConfig)
            train(config, folder / arm / f"seed{seed}", "again")
    return folder


@pytest.fixture(scope="session")
def report(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the report on `trained`, which no test changes."""
    folder = tmp_path_factory.mktemp("report")
    write_report(trained, folder, "dcgan-train -m <this>")
    return folder


@pytest.fixture(scope="session")
def article(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the article."""
    folder = tmp_path_factory.mktemp("article")
    write_explanation(folder)
    return folder / "index.html"


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """A copy of `trained` that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


@pytest.fixture
def more_seeds(runs: Path) -> Path:
    """Seeds 0 to 5 of both arms; seeds 2 to 5 are copies of seed 0."""
    for arm in ("transposed_k3", "resize_nearest"):
        for seed in range(2, 6):
            folder = Path(shutil.copytree(runs / arm / "seed0", runs / arm / f"seed{seed}"))
            config = (folder / "config.yaml").read_text()
            (folder / "config.yaml").write_text(config.replace("seed: 0\n", f"seed: {seed}\n"))
    return runs


def set_score(runs: Path, arm: str, score: str, value: Callable[[int, int], float]) -> None:
    """Overwrite one score of an arm: value(seed, step)."""
    for folder in (runs / arm).iterdir():
        seed = int(folder.name.removeprefix("seed"))
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
        for line in lines:
            if "std" in line:
                line[score] = value(seed, line["step"])
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "metrics.jsonl").write_text(text)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; without one, the test is skipped."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if path is None:
        pytest.skip("no Chromium on the path")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


def opened(browser: Browser, file: Path, width: int = 1280) -> Iterator[Page]:
    """A page; afterwards there must have been no message, no error and no other request."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    events: list[str] = []
    page.on("console", lambda message: events.append(message.text))
    page.on("pageerror", lambda error: events.append(str(error)))
    page.on("request", lambda request: events.append(request.url))
    page.goto(file.as_uri())
    yield page
    page.close()
    assert {event for event in events if not event.startswith("data:")} == {file.as_uri()}


NAMELESS = """() => [...document.querySelectorAll("button, input, select, canvas, svg")].filter(
  (node) => node.checkVisibility() && !(node.getAttribute("aria-label")
    || node.textContent.trim() && node.tagName !== "svg" || node.parentElement.closest("[role=img]")
    || node.labels && [...node.labels].some((label) => label.textContent.trim())))
  .map((node) => node.outerHTML)"""

# Texts whose color stands out too little from what is behind them: WCAG's contrast below 4.5.
FAINT = """() => {
  const brush = Object.assign(document.createElement("canvas"), {width: 1, height: 1})
    .getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = color;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const [r, g, b] = color.map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return page;
  };
  const own = (node) => [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((node) => own(node) && node.checkVisibility() && !node.disabled)
    .map((node) => {
      const style = getComputedStyle(node);
      const text = light(rgba(node.namespaceURI.endsWith("svg") ? style.fill : style.color));
      const ground = light(behind(node));
      const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
      return [node.textContent, node.className, contrast];
    })
    .filter(([, , contrast]) => contrast < 4.5);
}"""


def hard_to_read(page: Page) -> list[Any]:
    """Controls and pictures without a name, and texts with too little contrast, light and dark."""
    found: list[Any] = page.evaluate(NAMELESS)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        found += page.evaluate(FAINT)
    return found
