"""One line for what Hydra and OmegaConf refuse: the setting, the reason, what is allowed."""

import re
from typing import Any

from hydra.errors import OverrideParseException
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from dcgan.config.settings import no_such_setting


def describe(error: Exception, schema: type[Any]) -> str:
    """The line for an error that Hydra or OmegaConf raised while composing a `schema`."""
    text = str(error).partition("Config search path:")[0]
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OmegaConfBaseException) and (key := cause.full_key):
            if isinstance(cause, MissingMandatoryValue):
                return f"{key} is not set: give {key}=VALUE"
            if isinstance(cause, ConfigKeyError | AttributeError) and not key.startswith("hydra."):
                return no_such_setting(schema, key)
            return f"{key}: {str(cause).splitlines()[0]}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, OverrideParseException):
        quotes = "a value with =, spaces or brackets needs quotes of its own, \"data.root='/a b'\""
        text = f"{error.override}: {quotes} ({text.partition('See https')[0].strip()})"
    elif text.startswith("Config group override must be"):  # upsample=null, trainer=3
        text = f"a config group takes the name of a choice, such as data=digits ({text})"
    elif options := re.match(r"In '.*': Could not find '(.*)'\s+Available options.*:\n", text):
        group, _, choice = options[1].rpartition("/")
        if choice.startswith("submitit"):
            return f"{group}={choice}: is not installed: pip install hydra-submitit-launcher"
        text = f"{group}={choice}: must be one of {', '.join(text[options.end() :].split())}"
    return " ".join(text.split())
