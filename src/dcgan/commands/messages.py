"""One line for what Hydra and OmegaConf refuse: the setting, the reason, what is allowed."""

import re
from typing import Any

from hydra.errors import OverrideParseException
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from dcgan.config.settings import no_such_setting


def describe(error: Exception, schema: type[Any]) -> str:
    """The line for an error that Hydra or OmegaConf raised while composing a `schema`."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    for cause in reversed(chain):
        if isinstance(cause, OmegaConfBaseException) and cause.full_key:
            return _describe_setting(cause, schema)
    text = str(error).partition("Config search path:")[0]
    if isinstance(error, OverrideParseException):
        grammar = re.sub(r"\s+See https.*", "", str(error), flags=re.DOTALL)
        quotes = "a value with =, spaces or brackets needs quotes of its own, \"data.root='/a b'\""
        return f"{error.override}: {quotes} ({_one_line(grammar)})"
    if text.startswith("Config group override must be"):  # upsample=null, trainer=3
        return f"a config group takes the name of a choice, such as data=digits ({text})"
    if options := re.match(r"In '.*': Could not find '(.*)'\s+Available options.*:\n", text):
        group, _, choice = options[1].rpartition("/")
        if choice.startswith("submitit"):
            return f"{group}={choice}: is not installed: pip install hydra-submitit-launcher"
        return f"{group}={choice}: must be one of {', '.join(text[options.end() :].split())}"
    return _one_line(text)


def _describe_setting(error: OmegaConfBaseException, schema: type[Any]) -> str:
    key = str(error.full_key)
    if isinstance(error, MissingMandatoryValue):
        return f"{key} is not set: give {key}=VALUE"
    if isinstance(error, ConfigKeyError | AttributeError) and not key.startswith("hydra."):
        return no_such_setting(schema, key)
    return f"{key}: {str(error).splitlines()[0]}"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
