"""How settings are declared, and how plain values become settings or one line that says why not."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, Strict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from dcgan.errors import UserError

# A folder may be called 2024; no other value is turned into one of another type.
RULES = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


def _existing(path: str) -> str:
    if not Path(path).expanduser().exists():
        raise ValueError("no such file or folder")
    return path


Flag = Annotated[bool, Strict()]
Natural = Annotated[int, Strict(), Field(ge=0)]
Count = Annotated[int, Strict(), Field(ge=1)]
TwoOrMore = Annotated[int, Strict(), Field(ge=2)]
NonNegative = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
BelowOne = Annotated[float, Strict(), Field(ge=0, lt=1)]
ExistingPath = Annotated[str, AfterValidator(_existing)]

REASONS = {  # by pydantic's name of the error, with what it says about the limit
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than": "must be below {lt}",
    "too_short": "must have at least {min_length}",
    "finite_number": "must be finite",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list, in brackets",
    "value_error": "{error}",
}

Settings = TypeVar("Settings")


def build(schema: type[Settings], values: Mapping[str, Any], where: str = "") -> Settings:
    """The dataclass `schema` from plain values, such as those of a checkpoint or of YAML.

    Args:
        where: what precedes each name in a message, such as "data.".

    Raises:
        UserError: a setting is unknown, missing or not allowed; one line with its full name.
    """
    try:
        return TypeAdapter(schema).validate_python(dict(values))
    except ValidationError as error:
        raise UserError(where + _line(error.errors()[0], schema)) from error


def no_such_setting(schema: type[Any], name: str) -> str:
    """The line for a name that the settings do not have, with those that they have there."""
    parents, owner = _walk(schema, name.split(".")[:-1])
    names = ", ".join(field.name for field in dataclasses.fields(owner)) if owner else "no settings"
    known = f"{'.'.join(parents)} has {names}" if parents else f"there are {names}"
    return f"{name}: no such setting; {known}"


def _line(error: ErrorDetails, schema: type[Any]) -> str:
    kind, value = error["type"], error["input"]
    if kind == "unexpected_keyword_argument":
        return no_such_setting(schema, ".".join(map(str, error["loc"])))
    names, owner = _walk(schema, error["loc"])
    name = ".".join(names)
    if kind == "missing":
        return f"{name} is not set: give {name}=VALUE"
    context = error.get("ctx", {})
    if kind == "value_error" and owner is not None:  # a rule between settings: it names them
        return f"{name}.{context['error']}" if names else str(context["error"])
    if kind == "literal_error":
        allowed = context["expected"].replace(" or ", ", ").replace("'", "")
        return f"{name}={shown(value)}: must be one of {allowed}"
    reason = REASONS.get(kind, error["msg"]).format(**context)
    return f"{name}={shown(value)}: {reason}"


def _walk(schema: type[Any], path: Sequence[str | int]) -> tuple[list[str], type[Any] | None]:
    """The names in a path that are settings, and the dataclass there, if it is one."""
    names: list[str] = []
    owner: Any = schema
    for part in path:
        types = {field.name: field.type for field in dataclasses.fields(owner)}
        if part not in types:
            break
        names.append(str(part))
        owner = types[str(part)]
        if not dataclasses.is_dataclass(owner):
            return names, None
    return names, owner


def shown(value: object) -> str:
    """A value as a command line has it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
