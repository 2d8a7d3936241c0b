"""The article: all claims and chapters, failures shown, a run's kernels, numbers as measured."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from scripts import update_pages as pages

from dcgan.checkerboard.images import grid_peak
from dcgan.checkerboard.scores import PRESENT
from dcgan.errors import UserError
from dcgan.networks import Generator
from dcgan.networks.upsampling import upsampling_block
from dcgan.reports.claims import CHECKS, Finding
from dcgan.reports.explanation import write_explanation
from dcgan.reports.kernels import kernels_of, principal_kernel
from dcgan.reports.opening import read_samples
from tests.conftest import Compose

PARTS = [path for path in pages.PAGES if path.name.startswith("article_")]


class Outline(HTMLParser):
    """What the tests look at: headings' levels, ids, links within the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.missing_alt = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Called by HTMLParser."""
        given = dict(attributes)
        self.missing_alt += tag == "img" and not given.get("alt")
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag == "a" and (given.get("href") or "").startswith("#"):
            self.links.append((given["href"] or "")[1:])
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))


@pytest.fixture(scope="module")
def page(article: Path) -> str:
    return article.read_text(encoding="utf-8")


def test_the_article_has_every_claim_and_is_well_formed(page: str) -> None:
    outline = Outline(page)
    assert {name.replace(" ", "-") for name in CHECKS} <= set(outline.ids)
    assert set(outline.links) <= set(outline.ids)
    # matplotlib names parts figure_1, and shared shapes by a letter and a hash of their content.
    own = [
        name for name in outline.ids if not re.fullmatch(r"[\w.]+_\d+|[a-zA-Z]+[0-9a-f]{10}", name)
    ]
    assert len(own) == len(set(own))
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(outline.levels, outline.levels[1:], strict=False))
    assert outline.missing_alt == 0
    assert page.count("<math") >= len(CHECKS)
    assert len(page.encode()) < 1_500_000


def test_the_first_sentence_defines_the_word(page: str) -> None:
    assert "A <dfn>checkerboard artifact</dfn> is" in page[page.index("<p") :][:120]


def test_the_article_needs_nothing_from_elsewhere(page: str) -> None:
    assert not re.findall(r"(?:src|srcset)=[\"'](?!data:)", page)
    assert not re.findall(r"<link|@import|url\((?![\"']?(?:data:|#))", page)


def test_measured_intervals_are_marked() -> None:
    """Training is not repeated for the page; tests/test_results.py compares marked numbers."""
    texts = [path.read_text(encoding="utf-8") for path in PARTS]
    assert sum(len(pages.MARK.findall(text)) for text in texts) >= 30
    assert not [text for text in texts if re.search(r"\d \[[\d.]+, [\d.]+\](?!<!-- )", text)]
    verdicts = re.findall(r"(yes|no), [\d.]+ \[([\d.]+), ([\d.]+)\]", " ".join(texts))
    assert len(verdicts) == 4
    for verdict, low, high in verdicts:  # of arms whose R₂ is above 1 if their ratio is above 3
        assert float(low) > PRESENT if verdict == "yes" else float(high) <= PRESENT


def test_a_failed_claim_and_a_runs_kernels_and_units_are_shown(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs / "transposed_k3" / "seed0"
    fields = CHECKS["dead zones"]().fields
    monkeypatch.setitem(CHECKS, "dead zones", lambda: Finding([1.0], fields=fields))
    written = write_explanation(tmp_path / "page", str(run))
    text = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    title = "A stride larger than the kernel leaves dead zones"
    assert f"1 failed: {title}." in text
    assert text.count('<strong class="verdict">Failed.</strong>') == 1
    assert "<details open>" in text
    result = json.loads((tmp_path / "page" / "result.json").read_text())
    assert result == {"claims": written, "failed": [title]}
    assert [claim["id"] for claim in written if not claim["holds"]] == ["dead zones"]
    assert set(written[0]) >= {"id", "sentence", "number", "tolerance", "holds"}

    found = re.search('<script type="application/json" id="kernels">(.*?)</script>', text)
    assert found
    kernels = json.loads(found[1])
    assert kernels == kernels_of(str(run))
    assert [kernel["name"] for kernel in kernels] == ["up1", "up2", "up3"]
    for kernel in kernels:
        before, after = torch.tensor(kernel["before"]), torch.tensor(kernel["after"])
        assert before.shape == after.shape == (3, 3)
        assert kernel["stride"] == 2
        assert not torch.equal(before, after)  # it was trained
    assert text.count('alt="images and projections') == 3 * 4  # four units per block
    with pytest.raises(UserError, match="no such file"):
        kernels_of(str(tmp_path / "nowhere.pt"))


def test_the_samples_show_what_the_text_says() -> None:
    free, balanced = read_samples("samples_free"), read_samples("samples_balanced")
    assert free.shape == balanced.shape == (8, 3, 64, 64)
    assert grid_peak(free, 2).ratio > 5 * grid_peak(balanced, 2).ratio


def test_without_a_run_there_is_no_chapter_about_one(page: str) -> None:
    assert '<figure data-live="kernels"' not in page
    assert 'id="run"' not in page


def test_the_principal_kernel_is_the_one_that_all_channel_pairs_share(tiny: Compose) -> None:
    shared = torch.tensor([[1.0, 2, 0], [0, 3, 1], [1, 0, 1]])
    mixing = torch.randn(4, 5, 1, 1, generator=torch.Generator().manual_seed(0))
    block = upsampling_block(tiny("upsample=transposed_k3").upsample, 4, 5)
    block[0].weight.data = mixing * shared
    kernel, share = principal_kernel(block)
    torch.testing.assert_close(kernel.float(), shared / shared.norm())
    assert share == pytest.approx(1)


@pytest.mark.parametrize(
    ("upsample", "size"),
    [
        ("transposed_k4_balanced", 4),
        ("transposed_k4_balanced upsample.kernel_size=16", 16),
        ("resize_nearest", 4),
        ("subpixel_balanced", 6),
    ],
)
def test_the_principal_kernel_of_balanced_kernels_is_balanced(
    upsample: str, size: int, tiny: Compose
) -> None:
    config = tiny(*f"upsample={upsample}".split())
    generator = Generator(config.generator, config.upsample, image_size=16, channels=3)
    kernel, share = principal_kernel(generator.layers.get_submodule("up1"))
    assert kernel.shape == (size, size)
    gains = torch.stack([kernel[a::2, b::2].sum() for a in (0, 1) for b in (0, 1)])
    torch.testing.assert_close(gains, gains.mean().expand(4), atol=1e-5, rtol=0)
    assert 0 < share < 1
