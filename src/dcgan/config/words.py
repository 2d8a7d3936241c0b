"""A setting as a word of a command line, as Hydra reads it."""

import re

NOT_TEXT = ("null", "true", "false", "nan", "inf")  # Hydra's other values that start with a letter


def quoted(text: str) -> str:
    """`text` as a value that Hydra reads literally: in quotes, and without interpolation."""
    plain = re.fullmatch(r"[A-Za-z0-9_./:+@-]+", text)
    if plain and ("/" in text or (text[0].isalpha() and text.lower() not in NOT_TEXT)):
        return text
    # Hydra halves the backslashes before a quote.
    text = re.sub(r"(\\*)('|\Z)", lambda m: m[1] * 2 + (m[2] and "\\'"), literal(text))
    return f"'{text}'"


def literal(text: str) -> str:
    """`text` with every ${ escaped for OmegaConf, which halves the backslashes before it."""
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", text)


def setting(name: str, value: object) -> str:
    """NAME=VALUE as one word of a dcgan command line."""
    return f"{name}={quoted(str(value))}"
