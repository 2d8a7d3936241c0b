"""Paths and commands as a person at this prompt would type them."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode


def shortest(path: Path) -> Path:
    """`path` as a person would type it: relative, if it lies below the current folder."""
    path = path.absolute()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def program(name: str) -> str:
    """How a person at this prompt calls one of the installed programs, or torchrun did."""
    processes = os.environ.get("LOCAL_WORLD_SIZE", "1")
    if name == "dcgan-train" and processes != "1":
        return f"torchrun --nproc-per-node={processes} -m dcgan.commands.train"
    beside = Path(sys.executable).parent / name
    on_path = shutil.which(name)
    if on_path is not None and Path(on_path).parent == beside.parent:
        return name
    return shlex.quote(str(shortest(beside))) if beside.exists() else name


def quoted(text: str) -> str:
    """`text` as a value that Hydra reads as it is."""
    if re.fullmatch(r"[A-Za-z0-9_./:+@-]+", text):  # what it takes without quotes
        return text
    return "'" + text.replace("'", "\\'") + "'"


def command_again(name: str, setting: str, value: object) -> str:
    """The command line of this process, with one setting given or changed."""
    settings = HydraConfig.get()
    kept = [o for o in settings.overrides.task if o.partition("=")[0] != setting]
    flags: list[str] = []  # such as --config-dir PATH; a multirun's are not its jobs'
    if settings.mode != RunMode.MULTIRUN:
        overrides = {*settings.overrides.task, *settings.overrides.hydra}
        flags = [word for word in sys.argv[1:] if word not in overrides]
    words = [*flags, *kept, f"{setting}={quoted(str(value))}"]
    return " ".join([program(f"dcgan-{name}"), *map(shlex.quote, words)])
