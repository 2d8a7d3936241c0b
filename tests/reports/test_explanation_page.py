"""The article in a real browser; skipped where there is no Chromium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from dcgan.reports.explanation import write_explanation

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

CHAPTERS = [
    "How strong is it?",
    "Why do kernel 3 and stride 2 leave a checkerboard?",
    "Why can kernel 4 leave one as well?",
    "What cures it, and what does the cure cost?",
    "What does a convolution’s transpose do?",
    "How does a transposed convolution add a feature?",
    "Is it a new kind of convolution?",
    "Where does my picture land?",
    "Is upscaling necessary at all?",
    "Where else is the transpose at work?",
    "Try it yourself",
]
LIVE = {"paint", "stretch", "geometry", "balance", "spectrum", "stack", "alignment", "skip"}


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("article")
    write_explanation(folder)
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, article: Path) -> Iterator[Page]:
    """The opened article; a console message or a request for anything else fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(article.as_uri())
    yield page
    page.close()
    shown = [text for text in complaints if not text.startswith("data:")]
    assert shown == [article.as_uri()]


def test_chapters_figures_and_pictures_are_there(page: Page) -> None:
    assert [text.strip() for text in page.locator("h2").all_text_contents()] == CHAPTERS
    names = page.locator("figure[data-live]").evaluate_all("all => all.map(f => f.dataset.live)")
    assert set(names) == LIVE
    assert page.locator("section[data-live=exercises]").count() == 1
    assert page.locator("img").evaluate_all("all => all.every(i => i.alt && i.naturalWidth > 0)")
    formulas = page.locator("math")
    assert formulas.evaluate_all("all => all.every(m => m.getBoundingClientRect().height > 0)")


def test_figures_stand_beside_the_text_on_wide_screens_and_below_it_on_narrow_ones(
    page: Page,
) -> None:
    places = "row => [...row.children].map(child => child.getBoundingClientRect())"
    for width, beside in ((1280, True), (390, False)):
        page.set_viewport_size({"width": width, "height": 900})
        text, figure = page.locator(".row").first.evaluate(places)
        assert (figure["left"] >= text["right"]) == beside
        assert (figure["top"] >= text["bottom"]) == (not beside)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(page: Page, scheme: str) -> None:
    """WCAG 2.1 AA: 4.5 to 1."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    names = ["ink", "soft", "accent", "positive", "negative", "paper", "panel"]
    colors = page.evaluate(
        """names => Object.fromEntries(names.map(name => {
            const probe = document.body.appendChild(document.createElement("i"));
            probe.style.color = `var(--${name})`;
            const rgb = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
            probe.remove();
            return [name, rgb];
        }))""",
        names,
    )
    for ink in names[:5]:
        for paper in names[5:]:
            assert contrast(colors[ink], colors[paper]) >= 4.5, (ink, paper)


def contrast(one: list[int], other: list[int]) -> float:
    """WCAG's contrast ratio of two sRGB colors."""
    low, high = sorted(luminance(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(color: list[int]) -> float:
    """WCAG's relative luminance of an sRGB color, 0 to 255 per channel."""
    shares = [value / 255 for value in color]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_keyboard_reaches_the_article_and_unfolds_a_check(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    check = page.locator("details").first
    assert check.get_attribute("open") is None
    check.locator("summary").focus()
    page.keyboard.press("Enter")
    assert "tolerance" in check.inner_text()
    assert check.get_attribute("open") is not None
