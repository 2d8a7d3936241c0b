"""The article in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.reports.conftest import hard_to_read, opened

CHAPTERS = [
    "How strong is it?",
    "Why do kernel 3 and stride 2 leave a checkerboard?",
    "Why can kernel 4 leave one as well?",
    "What cures it, and what does the cure cost?",
    "What does a convolution’s transpose do?",
    "How does a transposed convolution paint a feature?",
    "Is it a new kind of convolution?",
    "Where does my picture land?",
    "Is upsampling necessary at all?",
    "Where else is the transpose at work?",
    "Try it yourself",
]
LIVE = {"paint", "stretch", "geometry", "balance", "spectrum", "stack", "alignment", "skip"}


@pytest.fixture
def page(browser: Browser, article: Path) -> Iterator[Page]:
    yield from opened(browser, article)


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


def test_everything_can_be_read(page: Page) -> None:
    assert hard_to_read(page) == []


def test_the_keyboard_reaches_the_article_and_unfolds_a_check(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    check = page.locator("details").first
    assert check.get_attribute("open") is None
    check.locator("summary").focus()
    page.keyboard.press("Enter")
    assert "tolerance" in check.inner_text()
    assert check.get_attribute("open") is not None
