"""A network from code: target=package.module:factory, whose module is imported and called."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import Any

from torch import nn

from dcgan.errors import UserError, first_line

log = logging.getLogger(__name__)


def load_factory(target: str) -> tuple[nn.Module, Any]:
    """Import `package.module`, call its `factory` without arguments: a network and its example.

    The current folder is searched first, as by `python -m`. The example is None unless the factory
    returns a tuple (network, example).

    Raises:
        UserError: there is no such module or factory, it fails, or it returns something else.
    """
    log.warning("target=%s: this imports the module and runs its code", target)
    module_name, _, factory_name = target.partition(":")
    if sys.path[:1] != [here := str(Path.cwd())]:
        sys.path.insert(0, here)  # and left there: the factory and its network may import more
    with _failing(target, f"importing {module_name}"):
        try:
            module = import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise  # something that the module imports
            raise UserError(f"target={target}: no module named {error.name}") from error
    try:
        factory: Any = reduce(getattr, factory_name.split("."), module)
    except AttributeError as error:
        raise UserError(f"target={target}: {module_name} has no {factory_name}") from error
    if not callable(factory) or isinstance(factory, nn.Module):
        kind = type(factory).__name__
        raise UserError(f"target={target}: {factory_name} is a {kind}, not a function")
    with _failing(target, f"{factory_name}()"):
        made = factory()
    network, example = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(network, nn.Module):
        kind = type(made).__name__
        raise UserError(
            f"target={target}: {factory_name}() returned a {kind}; must return an nn.Module, or a"
            " tuple (nn.Module, example)"
        )
    return network, example


@contextmanager
def _failing(target: str, what: str) -> Iterator[None]:
    """Turn any error inside foreign code into one line that says where it was raised."""
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        last = extract_tb(error.__traceback__)[-1]
        where = f"{last.filename}:{last.lineno}"
        if isinstance(error, SyntaxError):
            where = f"{error.filename}:{error.lineno}"
        kind = type(error).__name__
        raise UserError(
            f"target={target}: {what} failed ({kind}: {first_line(error)}; {where})"
        ) from error
