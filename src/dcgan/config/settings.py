"""Types for declaring settings, and `build`, which validates values or raises a one-line error."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, Strict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from dcgan.errors import UserError
from dcgan.files import expand

# A path may be a number, such as 2024; no other value is converted to another type.
RULES = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


def _path_or_factory(text: str) -> str:
    if re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)*", text):  # package.module:factory
        return text
    return _existing(text)


def _existing(path: str) -> str:
    with suppress(UserError):  # an unknown home folder
        if expand(path).exists():
            return path
    raise PydanticCustomError("no_path", "no such file or folder")


Flag = Annotated[bool, Strict()]
Natural = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
Count = Annotated[int, Strict(), Field(ge=1, lt=2**31)]
TwoOrMore = Annotated[int, Strict(), Field(ge=2, lt=2**31)]
NonNegative = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
BelowOne = Annotated[float, Strict(), Field(ge=0, lt=1)]
PathText = Annotated[str, Field(min_length=1)]  # "" would be the current folder
ExistingPath = Annotated[PathText, AfterValidator(_existing)]
PathOrFactory = Annotated[PathText, AfterValidator(_path_or_factory)]

REASONS = {  # by pydantic's error type, where its own message is less clear
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "string_too_short": "must not be empty",
    "literal_error": "must be one of {expected}",
    "list_type": "must be a list, in brackets",
    "too_short": "must be a list of {min_length} or more",
    "too_long": "must be a list of {max_length}",
}

# Image sizes: the generator's initial size, and how many times it doubles.
SIZES = {base * 2**level: (base, level) for base in range(4, 8) for level in range(1, 20)}

Settings = TypeVar("Settings")


def build(schema: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Build the dataclass `schema` from plain values, as in a checkpoint or YAML.

    Raises:
        UserError: a setting is unknown, missing or not allowed; one line with its full name.
    """
    try:
        return TypeAdapter(schema).validate_python(dict(values))
    except ValidationError as error:
        raise UserError(_line(error.errors()[0], schema)) from error


def check_kind(config: Any, kind: str, **needed: bool) -> None:
    """Raise `ValueError` unless the settings that `kind` needs, and no others, are set."""
    for name, needs in needed.items():
        value = getattr(config, name)
        if needs and value is None:
            raise ValueError(f"{name}=null: must be set for {kind}")
        if not needs and value is not None:
            raise ValueError(f"{name}={value}: has no effect on {kind}")


def doublings(image_size: int) -> tuple[int, int]:
    """Split an image size into base·2^L: return (base, L) with base 4 to 7 and L at least 1.

    The generator starts at base x base, and the discriminator ends there. 32 = 4·2³, 28 = 7·2².

    Raises:
        UserError: `image_size` is not of that form.
    """
    if image_size not in SIZES:
        smaller, larger = sorted(sorted(SIZES, key=lambda size: abs(size - image_size))[:2])
        raise UserError(
            f"image_size={image_size}: must be base·2^L with base 4, 5, 6 or 7 and L at least 1;"
            f" the nearest are {smaller} and {larger}"
        )
    return SIZES[image_size]


def no_such_setting(schema: type[Any], name: str) -> str:
    """The message for an unknown setting, which lists the known ones at that level."""
    *parents, _ = name.split(".")
    known: Mapping[str, Any] = schema.__dataclass_fields__
    for parent in parents:
        known = getattr(known[parent].type, "__dataclass_fields__", {}) if parent in known else {}
    where = f"{'.'.join(parents)} has" if parents else "there are"
    return f"{name}: no such setting; {where} {', '.join(known) or 'none'}"


def _line(error: ErrorDetails, schema: type[Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    name = ".".join(part for part in error["loc"] if isinstance(part, str))
    if kind == "unexpected_keyword_argument":
        return no_such_setting(schema, name)
    if kind == "missing":
        return f"{name} is not set: give {name}=VALUE"
    if kind == "value_error":  # raised by a __post_init__, which names the setting
        return f"{name}.{context['error']}".removeprefix(".")
    shown = {"None": "null", "True": "true", "False": "false"}  # as on the command line
    value = shown.get(str(error["input"]), error["input"])
    reason = REASONS.get(kind, error["msg"].replace("Input should", "must")).format(**context)
    if kind == "literal_error":
        reason = reason.replace(" or ", ", ").replace("'", "")
    return f"{name}={value}: {reason}"
