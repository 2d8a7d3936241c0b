"""Hypothesis strategies and settings for damaged files."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st


def limited(max_examples: int) -> settings:
    """The same examples on every machine, however slow; each overwrites the previous files."""
    return settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with up to four bytes changed, mostly in the header, and possibly truncated."""
    changed = bytearray(content)
    places = st.integers(0, min(len(content), 200) - 1) | st.integers(0, len(content) - 1)
    for place in draw(st.lists(places, max_size=4)):
        changed[place] ^= draw(st.integers(1, 255))
    return bytes(changed[: draw(st.just(len(content)) | st.integers(0, len(content)))])
