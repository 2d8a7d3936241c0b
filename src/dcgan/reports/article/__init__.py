"""The article's live figures: plain JavaScript and CSS, inlined into the page.

Each figure mounts itself into every `<figure data-live="NAME">`, the exercises into
`<section data-live="exercises">`.
"""

from importlib.resources import files

SHARED = ("math", "elements", "pixels", "chart", "kernelview")  # what the figures use comes first
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
EXERCISES = ("quiz", "exercises")


def scripts() -> str:
    """The JavaScript for one `<script>`, each file in a scope of its own."""
    texts = [_read(f"{name}.js") for name in (*SHARED, *FIGURES, *EXERCISES)]
    return '"use strict";\n' + "\n".join(f"{{\n{text}}}" for text in texts)


def styles() -> str:
    """The CSS for one `<style>`."""
    return _read("figures.css")


def _read(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
