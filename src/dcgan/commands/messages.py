"""One line for what Hydra and OmegaConf refuse: the setting, the reason, what is allowed."""

import dataclasses
import re

from hydra.errors import OverrideParseException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException


def describe(error: Exception) -> str:
    """The line for an error that Hydra or OmegaConf raised."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    for cause in reversed(chain):
        if isinstance(cause, OmegaConfBaseException) and cause.full_key:
            return _describe_setting(cause, where=str(error))
    text = str(error).partition("Config search path:")[0]
    if isinstance(error, OverrideParseException):
        grammar = re.sub(r"\s+See https.*", "", str(error), flags=re.DOTALL)
        quotes = "a value with =, spaces or brackets needs quotes of its own, \"data.root='/a b'\""
        return f"{error.override}: {quotes} ({_one_line(grammar)})"
    if isinstance(error, OSError) and error.filename is not None:
        where = "a run's folder is hydra.run.dir, a multirun's hydra.sweep.dir"
        return f"{error.filename}: {error.strerror} ({where})"
    if text.startswith("Config group override must be"):  # upsample=null, trainer=3
        return f"a config group takes the name of a choice, such as data=digits ({text})"
    if options := re.match(r"In '.*': Could not find '(.*)'\s+Available options.*:\n", text):
        group, _, choice = options[1].rpartition("/")
        if choice.startswith("submitit"):
            return f"{group}={choice}: is not installed: pip install hydra-submitit-launcher"
        return f"{group}={choice}: must be one of {', '.join(text[options.end() :].split())}"
    return _one_line(text)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _describe_setting(error: OmegaConfBaseException, where: str) -> str:
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} is not set: give {error.full_key}=VALUE"
    file = re.match(r"In '([^']+)'", where)
    prefix = f"{file[1]}: " if file else ""
    owner = error.object_type
    if "not in" in str(error) and dataclasses.is_dataclass(owner):
        parent = str(error.full_key).rpartition(".")[0]
        names = ", ".join(field.name for field in dataclasses.fields(owner))
        known = f"{parent} has {names}" if parent else f"there are {names}"
        return f"{prefix}{error.full_key}: no such setting; {known}"
    reason = str(error).splitlines()[0]
    if "is not a ListConfig" in reason:
        reason = "must be a list, in brackets"
    return f"{prefix}{error.full_key}: {reason}"
