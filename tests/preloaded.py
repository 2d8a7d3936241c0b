"""What every forked command would do first, done once by the process that all are forked from."""

from contextlib import suppress

import tests.conftest  # noqa: F401 - has the function that a fork runs, and imports pytest
from dcgan.commands.composing import compose
from dcgan.errors import UserError

with suppress(UserError):  # tests will report it
    compose("train", [])  # Hydra finds its plugins, and its parsers warm up
