"""Many runs from one command: all are checked before the first begins; folders say what differs."""

from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode

from dcgan.commands.composing import SCHEMAS, composer, refusing, to_dataclass
from dcgan.commands.prompt import quoted
from dcgan.files import make_folder


def check_jobs(name: str, overrides: list[str]) -> tuple[Path, list[str]]:
    """Compose and check every job of a multirun; nothing is written but the folder around them.

    Returns:
        The folder, and settings for Hydra itself: where it is, and what does not differ between
        jobs, so is no part of the names of their folders.

    Raises:
        UserError: the settings of a job, or the folder.
    """
    schema = SCHEMAS[name]
    with refusing(schema), composer() as hydra:
        master = hydra.compose_config(name, overrides, RunMode.MULTIRUN, False)
        params = [f"{key}={value}" for key, value in (master.hydra.sweeper.params or {}).items()]
        parsed = OverridesParser.create().parse_overrides([*params, *master.hydra.overrides.task])
        (jobs,) = BasicSweeper.split_arguments(parsed, None)
        for job in jobs:
            to_dataclass(hydra.config_loader.load_sweep_config(master, job), schema)
        folder = Path(master.hydra.sweep.dir)
    make_folder(folder, "hydra.sweep.dir")

    differing = {word.key_or_group for word in parsed[: len(params)]}
    differing |= {word.key_or_group for word in parsed if word.is_sweep_override()}
    alike = sorted({word.key_or_group for word in parsed} - differing)
    return folder, [
        "hydra.mode=MULTIRUN",
        f"hydra.sweep.dir={quoted(str(folder))}",
        f"hydra.job.config.override_dirname.exclude_keys=[{','.join(alike)}]",
    ]
