"""The article's live figures, driven in a real browser."""

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page
from torch.nn import functional as F

from dcgan.convolution import (
    balancing_projection,
    coverage,
    image_shift,
    polyphase_gains,
    stacked_coverage,
    transposed_convolution,
)
from dcgan.reports.article import FIGURES, scripts, styles
from dcgan.reports.page import render
from tests.reports.conftest import hard_to_read, opened

KERNELS = [
    {"name": f"block {n}", "stride": 2, "before": [[1, 0], [0, 1]], "after": after}
    for n, after in ((3, [[1]]), (1, [[2, 2], [2, 2]]), (2, [[2, 2.0000002], [2, 2]]))
]  # of float32's precision, and with phases without a tap
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>figures</title>
{style}<style>{styles}</style>
{figures}<section data-live="exercises"></section>{kernels}<script>{scripts}</script></html>"""


def html() -> str:
    captioned = '<figure data-live="{}"><figcaption>Caption</figcaption></figure>'
    data = f'<script type="application/json" id="kernels">{json.dumps(KERNELS)}</script>'
    return PAGE.format(
        style=render("style.html"),
        styles=styles(),
        figures="".join(captioned.format(name) for name in FIGURES),
        kernels=data,
        scripts=scripts(),
    )


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page with every figure; whatever it complains about fails the test."""
    yield from opened(browser, written(tmp_path_factory.mktemp("article"), html()))


@pytest.fixture
def page(shared: Page) -> Page:
    shared.reload()
    return shared


def written(folder: Path, text: str) -> Path:
    (folder / "index.html").write_text(text, encoding="utf-8")
    return folder / "index.html"


def live(page: Page, name: str) -> Locator:
    return page.locator(f'[data-live="{name}"]')


def slide(figure: Locator, label: str, value: int) -> None:
    figure.get_by_role("slider", name=label, exact=True).fill(str(value))


def press(figure: Locator, role: Any, name: str) -> None:
    """Click without a pointer, which would wait for the page to be drawn."""
    figure.get_by_role(role, name=name, exact=True).evaluate("node => node.click()")


def messages(figure: Locator) -> str:
    return " ".join(figure.locator(".message").all_text_contents())


def numbers(figure: Locator, label: str) -> torch.Tensor:
    """The numbers in a grid of pixels, flattened."""
    grid = figure.get_by_label(label, exact=True)
    return torch.tensor(
        [float(text.replace("−", "-")) for text in grid.locator("> *").all_text_contents()]
    )


# ------------------------------------------------------------------ the mathematics


def random_taps(*sizes: int) -> torch.Tensor:
    return torch.randn(sizes, dtype=torch.float64)


def configurations() -> Iterator[tuple[str, list[Any], Any]]:
    """(function, arguments, what dcgan.convolution answers)."""
    torch.manual_seed(0)
    for k, s, d in product(range(1, 8), range(1, 5), range(1, 4)):
        w = random_taps(k)
        spread = torch.zeros(d * (k - 1) + 1, dtype=torch.float64)
        spread[::d] = w
        yield "coverage", [k, s, d], coverage([k], [s], [d])
        yield "gains", [w, s, d], polyphase_gains(spread, s)
        for p in range(4):
            yield "shift", [k, s, p, d], image_shift(k, s, p, d)
    for k, s, p, d in product(range(1, 7), range(1, 5), range(4), (1, 2)):
        w = random_taps(k)
        options = {"stride": s, "padding": p, "dilation": d}
        for op in range(max(s, d)):
            x = random_taps(5)
            if 4 * s - 2 * p + d * (k - 1) + op >= 0:
                y = transposed_convolution(x[None, None], w[None, None], s, p, op, d)
                yield "transpose", [x, w, {**options, "output_padding": op}], y[0, 0]


def two_dimensions() -> Iterator[tuple[str, list[Any], Any]]:
    torch.manual_seed(0)
    for k, s, d in product(range(2, 6), range(1, 4), (1, 2)):
        w, x = random_taps(k, k), random_taps(4, 4)
        y = F.conv_transpose2d(x[None, None], w[None, None], stride=s, padding=1, dilation=d)
        yield "transpose2d", [x, w, {"stride": s, "padding": 1, "dilation": d}], y[0, 0]
        if k >= s and d == 1:
            flat = balancing_projection([k, k], [s, s]) @ w.flatten()
            yield "balance2d", [w, s], flat.reshape(k, k)
            yield "gains2d", [flat.reshape(k, k), s], (flat.sum() / s**2).expand(s, s)
        phases = [w[a::s, b::s].sum() for a in range(s) for b in range(s)]
        yield "gains2d", [w, s], torch.stack(phases).reshape(s, s)
    for k, layers in product(range(1, 7), range(1, 5)):
        yield "stack", [[[1] * k] * layers, 2], stacked_coverage(k, 2, layers)


def as_json(value: Any) -> Any:
    return value.tolist() if isinstance(value, torch.Tensor) else value


CALL = "calls => calls.map(([name, args]) => article[name](...args))"


def test_the_mathematics_is_that_of_dcgan_convolution(shared: Page) -> None:
    cases = [*configurations(), *two_dimensions()]
    assert len(cases) > 1000
    calls = [[name, [as_json(argument) for argument in arguments]] for name, arguments, _ in cases]
    for (name, arguments, expected), answer in zip(
        cases, shared.evaluate(CALL, calls), strict=True
    ):
        got = torch.tensor(answer, dtype=torch.float64)
        wanted = torch.as_tensor(expected, dtype=torch.float64)
        assert got.shape == wanted.shape, (name, arguments)
        assert (got - wanted).abs().max() <= 1e-9, (name, arguments)


# ------------------------------------------------------------------ every figure


DRIVE = """figure => {
  const change = (node, kind, value) => {
    node.value = value;
    node.dispatchEvent(new Event(kind));
  };
  let changes = 0;
  const check = () => {
    const text = figure.querySelector(".live").textContent;
    if (/NaN|undefined|Infinity/.test(text)) throw new Error(text);
    changes += 1;
  };
  const all = (kind) => [...figure.querySelectorAll(kind)].filter((node) => !node.disabled);
  for (const slider of all("input[type=range]"))
    for (let value = Number(slider.min); value <= Number(slider.max); value += 1) {
      change(slider, "input", value);
      check();
    }
  for (const select of all("select"))
    for (const option of select.options) { change(select, "change", option.value); check(); }
  for (const button of all("input[type=radio], button"))
    if (button.isConnected) { button.click(); check(); }
  return changes;
}"""


def test_every_control_works(page: Page) -> None:
    for name in FIGURES:
        figure = live(page, name)
        assert figure.evaluate(DRIVE) > 1
        assert figure.locator("figcaption").inner_text() == "Caption"


def test_a_painted_pixel_is_its_row_of_the_matrix_times_the_input(page: Page) -> None:
    figure = live(page, "paint")
    figure.get_by_role("button", name="Input, row 3, column 0: 0").click()
    press(figure, "button", "ones 3×3")
    output = figure.get_by_label("Output", exact=True).locator("button")
    for index in (0, 20, 54):
        output.nth(index).hover()
        row = numbers(figure, f"Row of the matrix: {row_text(figure)}")
        painted = numbers(figure, "Output")[index]
        assert row @ numbers(figure, "Input") == painted
        assert f"= {painted:g}." in messages(figure)
    slide(figure, "Stamps so far", 0)
    assert not numbers(figure, "Output").any()
    output.nth(80).hover()
    assert "reached by 1 input pixel. " in messages(figure)
    press(figure, "button", "ones 2×2")
    assert output.count() == 64


def row_text(figure: Locator) -> str:
    label = figure.locator('[aria-label^="Row of the matrix"]').get_attribute("aria-label")
    assert label
    return label.removeprefix("Row of the matrix: ")


def test_the_kernel_is_drawn_with_the_keyboard(page: Page) -> None:
    figure = live(page, "paint")
    kernel = figure.get_by_label("Kernel", exact=True)
    assert kernel.locator('[tabindex="0"]').count() == 1
    kernel.locator('[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert numbers(figure, "Kernel").tolist() == [1, 1, 0, 1, 0, 0, 1, 1, 1]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("-")
    assert numbers(figure, "Kernel").tolist() == [1, 1, 0, 1, -1, 0, 1, 1, 1]
    assert kernel.locator('[tabindex="0"]').count() == 1


def test_stretch_and_smooth_goes_step_by_step(page: Page) -> None:
    figure = live(page, "stretch")
    slide(figure, "Output pixel", 4)
    assert "Output 4: 1·0.2 + 1·0.4 = 0.6." in messages(figure)
    press(figure, "button", "Next")
    assert figure.get_by_role("button", name="Next").is_disabled()
    assert "their sums are 2, 1" in messages(figure)
    for _ in range(3):
        press(figure, "button", "Back")
    assert figure.get_by_role("button", name="Back").is_disabled()
    assert figure.locator("svg").count() == 1


def test_geometry_says_what_doubles_and_what_is_even(page: Page) -> None:
    figure = live(page, "geometry")
    assert "= 16. 8 → 16: exactly 2 times." in messages(figure)
    assert "gains 2, 1. The gains differ" in messages(figure)
    slide(figure, "stride", 1)
    assert "8 → 8: the same size." in messages(figure)
    slide(figure, "stride", 2)
    assert "exactly 2 times" in messages(figure)
    slide(figure, "output_padding", 0)

    assert "Does not double" in messages(figure)
    assert "Set output_padding to 1." in messages(figure)
    slide(figure, "kernel_size", 4)
    assert "exactly 2 times" in messages(figure)
    assert "gains 2, 2. The gains are equal" in messages(figure)
    slide(figure, "dilation", 2)
    assert "Nothing reaches 1 of 2 phases" in messages(figure)
    slide(figure, "kernel_size", 1)
    slide(figure, "stride", 1)
    slide(figure, "padding", 3)
    assert "= 2." in messages(figure)


def test_balance_makes_the_gains_equal(page: Page) -> None:
    figure = live(page, "balance")
    for start in ("ones 3×3", "3 1 3 1", "random 4×4", "random 5×5, stride 3"):
        press(figure, "button", start)
        press(figure, "button", "Balance")
        after = figure.locator('[aria-label^="Gains, After"]').get_attribute("aria-label")
        assert after
        assert len(set(after.partition(": ")[2].replace(";", "").split())) == 1
        assert figure.locator('canvas[aria-label="even gray: no pattern"]').count() == 1
        press(figure, "button", "Undo")
        assert not figure.locator('canvas[aria-label="even gray: no pattern"]').is_visible()


def test_the_spectrum_names_what_gets_through(page: Page) -> None:
    figure = live(page, "spectrum")
    assert "leaves them 33 % as strong as the constant" in messages(figure)
    for kernel, clean in (
        ("none", False),
        ("stride ones", True),
        ("triangle", True),
        ("ideal", True),
    ):
        press(figure, "radio", kernel)
        for stride in (2, 3, 4):
            slide(figure, "Stride", stride)
            assert ("no checkerboard" in messages(figure)) == clean


def test_the_stack_names_the_layer(page: Page) -> None:
    figure = live(page, "stack")
    assert "3 along a row, 9 in the image" in messages(figure)
    slide(figure, "Layers", 3)
    for layer, period in ((1, 8), (2, 4), (3, 2)):
        for other in (1, 2, 3):
            kernel = "1 1 1" if other == layer else "1 2 1"
            figure.get_by_label(f"Layer {other}").select_option(kernel)
        assert messages(figure).endswith(f"image. Period {period} comes from layer {layer}.")


def test_alignment_and_skip_give_the_shift(page: Page) -> None:
    alignment = live(page, "alignment")
    assert "= −0.5 output pixels: left and up" in messages(alignment)
    assert "= −3.5 pixels of the final image" in messages(alignment)
    press(alignment, "radio", "at output s·i")
    assert "= 0 output pixels: not at all" in messages(alignment)
    skip = live(page, "skip")
    assert "3.5 pixels too far left and up" in messages(skip)
    for kernel, moved in ((2, False), (4, False), (5, True), (6, False)):
        press(skip, "radio", str(kernel))
        assert ("too far" in messages(skip)) == moved


def test_trained_kernels_are_shown(page: Page) -> None:
    figure = live(page, "kernels")
    assert "block 2" in messages(figure)
    assert "50 % of the energy before training and 0 % after" in messages(figure)
    press(figure, "radio", "block 1")
    assert "block 1" in messages(figure)
    press(live(page, "balance"), "button", "block 2, trained")
    assert "The gains are all 2: nothing to balance." in messages(live(page, "balance"))
    press(live(page, "balance"), "button", "block 3, trained")
    assert "get no tap, so it cannot be balanced" in messages(live(page, "balance"))
    toggle = live(page, "balance").get_by_role("button", name="Balance", exact=True)
    assert toggle.is_disabled()


# ------------------------------------------------------------------ exercises

ANSWERS: dict[str, tuple[list[str], list[str]]] = {  # right, wrong
    "A padding that doubles": (["2"], ["1"]),
    "Count the taps": (["2", "2", "1"], ["2", "1", "2"]),
    "Three taps without a checkerboard": (["1", "−2.5", "-3,5"], ["1", "1", "1"]),
    "Change one tap": (["3", "5", "3", "1"], ["3", "3", "3", "3"]),
    "A row of the matrix": (["3", "1", "0", "0"], ["1", "2", "3", "0"]),
    "Two layers in a row": (["2", "3", "1", "3"], ["4", "2", "2", "1"]),
    "Holes": (["56 %"], ["1/3"]),
    "Where the picture lands": (["-3.5"], ["3.5"]),
}


@pytest.mark.parametrize("title", ANSWERS)
def test_exercises_are_checked(shared: Page, title: str) -> None:
    exercise = live(shared, "exercises").locator(".exercise", has_text=title)
    why = exercise.locator(".why")
    right, wrong = ANSWERS[title]
    for answers, verdict in ((["x"], "fill in"), (wrong, ""), (right, "Right.")):
        for field, answer in zip(exercise.get_by_role("textbox").all(), answers, strict=False):
            field.fill(answer)
        press(exercise, "button", "Check")
        said = messages(exercise)
        assert said.startswith(verdict) or verdict in said
        assert (said == "Right.") == (answers == right)
        assert why.is_visible() == (answers != ["x"])
    assert why.get_attribute("open") is not None
    assert exercise.get_by_text("Hint", exact=True).is_visible()


def test_exercises_to_choose_from(page: Page) -> None:
    exercise = live(page, "exercises").locator(".exercise", has_text="Which layer is it?")
    press(exercise, "button", "Check")
    assert messages(exercise) == "Please choose an answer."
    press(exercise, "radio", "first")
    press(exercise, "button", "Check")
    assert "period 8" in messages(exercise)
    press(exercise, "radio", "second")
    press(exercise, "button", "Check")
    assert messages(exercise) == "Right."


# For 50 kernels: the question, and what is said of "yes" and of "no".
ANSWER_OFTEN = """exercise => Array.from({length: 50}, () => {
  exercise.querySelector(".buttons button:last-child").click();
  const question = exercise.querySelector("p").textContent;
  return [question, [...exercise.querySelectorAll("input")].map((radio) => {
    radio.click();
    exercise.querySelector("form button").click();
    return exercise.querySelector(".message").textContent;
  })];
})"""


def test_unseen_kernels_come_with_and_without_a_checkerboard(page: Page) -> None:
    exercise = live(page, "exercises").locator(".exercise", has_text="A kernel you have not seen")
    seen = set()
    for question, verdicts in exercise.evaluate(ANSWER_OFTEN):
        taps = [int(tap) for tap in re.findall(r"-?\d+", question.replace("−", "-"))[1:]]
        even = sum(taps[::2]) == sum(taps[1::2])
        seen.add(even)
        assert [verdict == "Right." for verdict in verdicts] == [not even, even]
    assert seen == {True, False}


# ------------------------------------------------------------------ for every reader


def test_everything_can_be_read(page: Page) -> None:
    press(live(page, "balance"), "button", "Balance")
    assert hard_to_read(page) == []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_figures_are_small_and_need_no_network() -> None:
    text = scripts() + styles()
    assert len(text.encode()) < 150_000
    assert "</script" not in text
    for word in ("fetch(", "import ", "XMLHttpRequest", "https://"):
        assert word not in text
