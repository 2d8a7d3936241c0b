"""The article's live figures: plain JavaScript and CSS, inlined into the page.

Each figure mounts itself into every `<figure data-live="NAME">`, the exercises into
`<section data-live="exercises">`.
"""

from importlib.resources import files

SHARED = ("math", "elements", "pixels", "chart", "kernelview", "quiz")  # what the others use
FIGURES = (
    "paint",
    "stretch",
    "geometry",
    "balance",
    "spectrum",
    "stack",
    "alignment",
    "skip",
    "kernels",
)


def scripts() -> str:
    """The JavaScript for one `<script>`; figures and exercises have scopes of their own."""
    shared = [_read(f"{name}.js") for name in SHARED]
    scoped = [f"{{\n{_read(f'{name}.js')}}}" for name in (*FIGURES, "exercises")]
    return "\n".join(['"use strict";', *shared, *scoped])


def styles() -> str:
    """The CSS for one `<style>`."""
    return _read("figures.css")


def _read(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
