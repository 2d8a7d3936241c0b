"""The Python examples in the documentation run as printed."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCKS = [
    pytest.param(block, id=f"{path.stem}-{number}")
    for path in (DOCS.parent / "README.md", *sorted(DOCS.glob("*.md")))
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_runs_and_prints_what_its_comments_say(
    block: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(block, {})
    printed = capsys.readouterr().out
    for promised in re.findall(r"print\(.*?\)  # (.*)", block):
        if ":" in promised:  # a comment that quotes the output, not one that describes it
            assert promised in printed
