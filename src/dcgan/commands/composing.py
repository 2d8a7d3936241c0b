"""Turn configs/ and a command line into a dataclass, or into one line that says why not."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

import dcgan.config
from dcgan.config import build
from dcgan.config.settings import no_such_setting
from dcgan.config.words import setting
from dcgan.errors import UserError
from dcgan.files import expand, make_folder

Config = TypeVar("Config")

COMMANDS = ("train", "sample", "evaluate", "diagnose", "cure", "explain", "report", "benchmark")
SCHEMAS: dict[str, type[Any]] = {
    name: getattr(dcgan.config, f"{name.capitalize()}Config") for name in COMMANDS
}
LONGEST_NAME = 100  # of a job's folder; file systems allow 255


def config_folder() -> Path:
    """The configs/ of this checkout, or the installed one."""
    package = Path(dcgan.__file__).parent
    in_checkout = package.parents[1] / "configs"
    return in_checkout if (in_checkout / "train.yaml").is_file() else package / "configs"


@contextmanager
def composer() -> Iterator[Hydra]:
    """Hydra, ready to compose from configs/."""
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield hydra


@contextmanager
def refusing(schema: type[Any]) -> Iterator[None]:
    """Turn anything Hydra raises while composing settings into a one-line `UserError`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(_describe(error, schema)) from error


def refused(error: Exception, schema: type[Any]) -> UserError | None:
    """An error of Hydra or OmegaConf as one line; None for any other error."""
    if isinstance(error, HydraException | OmegaConfBaseException):
        return UserError(_describe(error, schema))
    return None


def compose(name: str, overrides: Sequence[str]) -> DictConfig:
    """The settings of a command, with Hydra's own under "hydra".

    Raises:
        UserError: they cannot be composed.
    """
    with refusing(SCHEMAS[name]), composer() as hydra:
        return hydra.compose_config(name, list(overrides), RunMode.RUN, False)


def compose_run(
    name: str, overrides: Sequence[str], folder: Callable[[Any, Path], Path]
) -> tuple[DictConfig, Any, Path]:
    """The settings of a command, the same as its dataclass, and the folder for its results.

    Args:
        folder: called with the dataclass and a new folder; returns the folder to use if the user
            gave none.

    Raises:
        UserError: the settings are wrong.
    """
    settings = compose(name, overrides)
    config = to_dataclass(settings, SCHEMAS[name])
    with refusing(SCHEMAS[name]):
        new = settings.hydra.run.dir
    if not new:
        raise UserError("hydra.run.dir=: must be a folder")
    run_dir = expand(new)
    if not any(word.startswith("hydra.run.dir=") for word in settings.hydra.overrides.hydra):
        run_dir = folder(config, run_dir)
    return settings, config, run_dir


def help_text(name: str) -> str:
    """Help of a command without config groups: purpose, examples, settings with comments."""
    text = (config_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    settings = text.partition("\n\n")[2].partition("\n\nhydra:")[0]
    lines = []
    for line in re.findall(r"^\w.*", settings, re.MULTILINE):
        words, _, comment = line.partition("  # ")
        key, _, value = words.partition(": ")
        word = f"{key}={'…' if value == '???' else value}"
        lines.append(f"  {word:<24}  {comment}".rstrip())
    header = compose(name, []).hydra.help.header
    folder = f"  {'hydra.run.dir=FOLDER':<24}  where the results go"
    return "\n".join([header, "Settings, with their defaults:", "", *lines, folder])


def to_dataclass(settings: DictConfig, schema: type[Config]) -> Config:
    """Turn composed settings into their dataclass, which validates them.

    Raises:
        UserError: a key is unknown (even if added with +), or a value is missing or not allowed.
    """
    own = OmegaConf.masked_copy(settings, [str(key) for key in settings if key != "hydra"])
    with refusing(schema):
        values: Any = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    return build(schema, values)


def check_jobs(name: str, overrides: list[str]) -> tuple[Path, list[str]]:
    """Compose and check every job of a multirun; creates only the folder around them.

    Returns:
        The folder, and settings for Hydra itself: where that folder is, and which settings are the
        same in all jobs and so are left out of the names of their folders.

    Raises:
        UserError: the settings of a job are wrong, or the folder cannot be used.
    """
    schema = SCHEMAS[name]
    with refusing(schema), composer() as hydra:
        master = hydra.compose_config(name, overrides, RunMode.MULTIRUN, False)
        params = [f"{key}={value}" for key, value in (master.hydra.sweeper.params or {}).items()]
        parsed = OverridesParser.create().parse_overrides([*params, *master.hydra.overrides.task])
        (jobs,) = BasicSweeper.split_arguments(parsed, None)
        if len(set(map(tuple, jobs))) < len(jobs):
            raise UserError("-m: two jobs have the same settings")
        for job in jobs:
            config = to_dataclass(hydra.config_loader.load_sweep_config(master, job), schema)
            if getattr(config, "resume", None) not in (None, "auto"):
                raise UserError("resume: with -m must be auto, which looks into each job's folder")
        if not master.hydra.sweep.dir:
            raise UserError("hydra.sweep.dir=: must be a folder")
        folder = expand(master.hydra.sweep.dir)
    make_folder(folder, "hydra.sweep.dir")

    differing = {word.key_or_group for word in parsed[: len(params)]}
    differing |= {word.key_or_group for word in parsed if word.is_sweep_override()}
    same = sorted({word.key_or_group for word in parsed} - differing)
    return folder, [
        "hydra.mode=MULTIRUN",
        setting("hydra.sweep.dir", folder),
        "hydra.job.chdir=false",  # the user's paths are relative to the user's folder
        f"hydra.job.config.override_dirname.exclude_keys=[{','.join(same)}]",
    ]


def folder_name(overrides: str) -> str:
    """A nonempty folder name that Hydra accepts unquoted, such as seed-0_upsample-subpixel."""
    text = overrides.replace("=", "-").replace(",", "_") or "run"
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-.")
    if name == text and len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _describe(error: Exception, schema: type[Any]) -> str:
    """One line for an error that Hydra or OmegaConf raised while composing a `schema`."""
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
        quotes = "a value with =, spaces or brackets needs inner quotes, \"data.root='/a b'\""
        text = f"{error.override}: {quotes} ({text.partition('See https')[0].strip()})"
    elif text.startswith("Config group override must be"):  # upsample=null, trainer=3
        text = f"a config group takes the name of an option, such as data=digits ({text})"
    elif options := re.match(r"In '.*': Could not find '(.*)'\s+Available options.*:\n", text):
        group, _, choice = options[1].rpartition("/")
        if choice.startswith("submitit"):
            return f"{group}={choice}: not installed; pip install hydra-submitit-launcher"
        text = f"{group}={choice}: must be one of {', '.join(text[options.end() :].split())}"
    elif not isinstance(error, HydraException | OmegaConfBaseException):  # Hydra's own fault
        text = f"these settings cannot be read ({type(error).__name__}: {text})"
    return " ".join(text.split())


# Used in configs/. Registered here because the jobs of a multirun, in their own processes, import
# only this module.
OmegaConf.register_new_resolver("dcgan.folder_name", folder_name, replace=True)
