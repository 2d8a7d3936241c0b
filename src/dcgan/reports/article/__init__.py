"""The article's live figures: JavaScript and CSS, inlined into the page."""


def scripts() -> str:
    """The JavaScript for one `<script>`."""
    return ""


def styles() -> str:
    """The CSS for one `<style>`."""
    return ""
