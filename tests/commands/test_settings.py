"""Any command line becomes settings or a one-line error."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from dcgan.commands.composing import SCHEMAS, compose, to_dataclass
from dcgan.config.identity import flatten
from dcgan.errors import UserError


def names_of(command: str) -> list[str]:
    """The full names of a command's settings, and of their groups."""
    composed: Any = OmegaConf.to_container(compose(command, []), resolve=False)
    return [name for name, _ in flatten(composed)] + [str(key) for key in composed]


NAMES = st.deferred(
    lambda: st.sampled_from([(command, name) for command in SCHEMAS for name in names_of(command)])
)
VALUES = st.one_of(
    st.integers(-(10**13), 10**13).map(str),
    st.floats().map(str),
    st.sampled_from(
        [
            "null",
            "true",
            "[]",
            "[1,2]",
            "{}",
            "{a:1}",
            "[[1]]",
            "[{a:1}]",
            "''",
            "${nope}",
            "${seed}",
            "???",
            "1e999",
        ]
    ),
    st.text(max_size=6),
    st.text("'\"\\${}[](),=:;~*!#%&|<>é\n\t ", max_size=6),
)
PREFIXES = st.sampled_from(["", "", "", "", "+", "++", "~"])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(NAMES, VALUES, PREFIXES)
def test_any_value_is_accepted_or_refused_in_one_line(
    of: tuple[str, str], value: str, prefix: str
) -> None:
    command, name = of
    refusal = "nothing"
    try:
        to_dataclass(compose(command, [f"{prefix}{name}={value}"]), SCHEMAS[command])
    except UserError as error:
        refusal = str(error)
    assert len(refusal.splitlines()) == 1
