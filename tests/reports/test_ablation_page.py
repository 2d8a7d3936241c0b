"""The page of an ablation in a real browser: its controls, and that it needs nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from dcgan.reports.closeup import TAPS, period_2_part
from tests.reports.conftest import hard_to_read, opened


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    yield from opened(browser, report / "index.html", width=390)


def shown(page: Page) -> dict[str, Any]:
    """What the page shows now."""
    script = """() => ({
      seen: document.getElementById("seen").value,
      pictures: [...document.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL()),
      cursor: document.querySelector(".curve > i").style.left,
      ratios: [...document.querySelectorAll(".ratio b")].map((ratio) => ratio.textContent),
    })"""
    found: dict[str, Any] = page.evaluate(script)
    return found


def test_the_slider_moves_pictures_numbers_and_cursor(page: Page) -> None:
    slider = page.get_by_role("slider", name="Images seen")
    slider.focus()
    page.keyboard.press("Home")
    first = shown(page)
    assert first["seen"] == "0"
    page.keyboard.press("ArrowRight")
    second = shown(page)
    assert second["seen"] == "16"
    assert slider.get_attribute("aria-valuetext") == "16 images seen"
    pairs = zip(first["pictures"], second["pictures"], strict=True)
    assert all(before != after for before, after in pairs)
    assert first["cursor"] != second["cursor"]
    assert first["ratios"] != second["ratios"]
    page.keyboard.press("Home")
    assert shown(page) == first


def test_the_latent_changes_samples_but_not_spectra(page: Page) -> None:
    before = shown(page)["pictures"]
    page.get_by_role("slider", name="Sample").press("ArrowRight")
    changed = [old != new for old, new in zip(before, shown(page)["pictures"], strict=True)]
    assert changed == [True, True, False] * 2  # sample, checkerboard alone, spectrum


def test_an_arm_can_be_hidden_with_its_curves(page: Page) -> None:
    arm = page.get_by_role("region", name="transposed k3")
    line = page.locator("#arm0-r2_over_real-line")
    assert arm.is_visible()
    assert line.is_visible()
    page.get_by_role("checkbox", name="transposed k3").uncheck()
    assert not arm.is_visible()
    assert not line.is_visible()
    assert page.get_by_role("region", name="nearest + conv k3").is_visible()
    page.get_by_role("slider", name="Images seen").press("Home")
    page.get_by_role("checkbox", name="transposed k3").check()
    assert arm.is_visible()


def test_the_page_fits_and_folds_its_tests_away(page: Page) -> None:
    for width in (360, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    tests = page.get_by_role("heading", name="differences between arms").first
    assert not tests.is_visible()
    page.get_by_text("Tests", exact=True).click()
    assert tests.is_visible()


def test_everything_can_be_read(page: Page) -> None:
    page.get_by_text("All scores over training").click()
    assert hard_to_read(page) == []


def test_samples_are_shown_pixel_for_pixel(page: Page, trained: Path) -> None:
    page.get_by_role("slider", name="Images seen").press("Home")
    script = "() => [...contexts[0][0].getImageData(0, 0, 32, 32).data]"
    pixels = np.array(page.evaluate(script)).reshape(32, 32, 4)[..., :3]
    grid = np.asarray(Image.open(trained / "transposed_k3" / "seed0" / "samples" / "000000.png"))
    assert (pixels == grid[2:34, 2:34]).all()


def test_the_checkerboard_alone_is_that_of_the_animation(page: Page) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 4))
    script = "([pixels, taps]) => [...period2Part(pixels, 9, taps)]"
    found = page.evaluate(script, [image.flatten().tolist(), TAPS.tolist()])
    assert np.allclose(np.reshape(found, image.shape), period_2_part(image), atol=1e-3)


def test_only_what_repeats_every_two_pixels_is_left() -> None:
    row, column = np.mgrid[:32, :32]
    pattern = 5.0 * (-1) ** row + 3.0 * (-1) ** (row + column)
    smooth = 100 + 2.0 * row - column + 20 * np.sin(column / 5)
    found = period_2_part((smooth + pattern)[..., None])[..., 0]
    inside = slice(8, -8)  # mirrored at the border, a ramp has a kink
    assert np.allclose(found[inside, inside], pattern[inside, inside], atol=0.01)
