"""Take the numbers of README.md, docs/ and the article from docs/results: none can go stale.

    python scripts/update_pages.py         prints the pages that changed

A number is taken from the results if it is followed by a comment that says which one it is:

    9.5<!-- checkerboard; transposed k4; R₂ ÷ real -->        folder; a cell of its row; column
    76<!-- faster; regularizer.weight=0.03; last FID -->      a cell of one column; column
    9.4<!-- which; transposed k4; r2_over_real; 12,800 -->    median over seeds after these images
    8<!-- quick; minutes -->                                  how long the folder took

Several cells may be given. A number with its interval, 9.5 [8.4, 10.6], needs one comment.
"""

import argparse
import csv
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
ARTICLE = ROOT / "src" / "dcgan" / "reports" / "templates"
PAGES = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    RESULTS / "README.md",
    *sorted(ARTICLE.glob("article_*.html")),
)
NUMBER = r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]\d+)?"
MARK = re.compile(rf"({NUMBER}(?:\s\[{NUMBER},\s{NUMBER}\])?)<!-- (.*?) -->")


def updated(text: str, results: Path = RESULTS) -> str:
    """A page with every marked number as the results have it, to as many digits as before.

    Raises:
        ValueError: a mark fits no value of the results, or several, or one without an interval.
    """

    def from_results(mark: re.Match[str]) -> str:
        found = re.findall(NUMBER, look_up(mark[2], results))
        if len(found) < len(re.findall(NUMBER, mark[1])):
            raise ValueError(f"{mark[2]}: has too few numbers")
        new = iter(found)
        numbers = re.sub(NUMBER, lambda old: rounded(next(new), old[0]), mark[1])
        return f"{numbers}<!-- {mark[2]} -->"

    return MARK.sub(from_results, text)


def look_up(mark: str, results: Path = RESULTS) -> str:
    """The value that a mark names.

    Raises:
        ValueError: there is none, or several.
    """
    name, *row, column = mark.split("; ")
    folder = results / name
    if column == "minutes":
        values = {(folder / "made.txt").read_text("utf-8").split()[0]}
    elif column.replace(",", "").isdigit():
        arm, score = row
        with (folder / "tests.csv").open(encoding="utf-8") as file:
            tests = [t for t in csv.DictReader(file) if t["score"] == score]
        tests = [t for t in tests if t["images_seen"] == column.replace(",", "")]
        values = {t[f"{s}_median"] for t in tests for s in ("first", "second") if t[s] == arm}
    else:
        rows = [found for path in folder.glob("*.md") for found in rows_of(path)]
        fits = [found for found in rows if column in found and all(is_in(c, found) for c in row)]
        values = {found[column] for found in fits}
    if len(values) != 1:
        raise ValueError(f"{mark}: fits {len(values)} values")
    return values.pop()


def is_in(condition: str, row: dict[str, str]) -> bool:
    """Whether a row has this cell; or, for COLUMN=CELL, has it in this column."""
    column, _, cell = condition.partition("=")
    return row.get(column) == cell if cell else condition in row.values()


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """The rows of all tables in a Markdown file: cells by column."""
    head: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        cells = line.strip("| ").split(" | ") if line.startswith("|") else []
        if cells and head and not line.startswith("| ---"):
            yield dict(zip(head, cells, strict=True))
        head = head if cells and head else cells


def rounded(value: str, like: str) -> str:
    """A number with as many significant digits as another one; whole digits are all kept."""
    number = float(value.replace(",", ""))
    digits = max(1, len(re.sub(r"^[-0.]+|[,.]", "", like)))
    exponent = math.floor(math.log10(float(f"{abs(number):.{digits}g}"))) if number else 0
    return f"{number:,.{max(0, digits - 1 - exponent)}f}"


def main() -> None:
    """Update all pages."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    old = {page: page.read_text("utf-8") for page in PAGES}
    try:
        new = {page: updated(text) for page, text in old.items()}
    except (ValueError, OSError) as error:
        sys.exit(f"update_pages: {error}")
    for page in (page for page in PAGES if new[page] != old[page]):
        page.write_text(new[page], encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
