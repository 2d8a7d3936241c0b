"""What all commands share: read settings, call one function, report user mistakes in one line."""

import argparse
import logging
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import RLock
from types import FrameType
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log
from omegaconf import DictConfig, open_dict, read_write
from tqdm import tqdm

import dcgan
from dcgan.commands import composing
from dcgan.commands.prompt import shortest
from dcgan.commands.streams import failure_of_output, use_lasting_streams
from dcgan.config.words import literal, quoted
from dcgan.errors import (
    FAULT,
    PIPE_CLOSED,
    ExpectedError,
    Interrupted,
    MachineError,
    RunFailed,
    UserError,
    expected,
)
from dcgan.training.interruption import GRACE, Interruption, handle_signals

log = logging.getLogger(__name__)


class Stopped(KeyboardInterrupt):
    """Stopped by a signal, with nothing left to save; its argument is the exit status."""


@dataclass
class Command:
    """Turn a function into the main function of `dcgan-NAME`, which reads the command line.

    The function is called with the config as a dataclass and the run's folder. It creates the
    folder after all checks, and may return an exit status. The folder is printed last.
    """

    name: str  # configs/NAME.yaml is its config, `SCHEMAS[name]` its type
    uses: str  # the module it calls; imported once the settings are known to be valid
    # Called with the config and a new folder; returns the folder to use if the user gave none.
    folder: Callable[[Any, Path], Path] = lambda _, new: new
    may_sweep: bool = True  # whether -m is possible
    # Called after all jobs of a multirun, with its folder and whether it was stopped.
    after_multirun: Callable[[Path, bool], None] = lambda *_: None

    def __call__(self, run: Callable[[Any, Path], int | None]) -> Callable[[], None]:
        """The main function, which calls `run`."""
        self._run = run
        return self._main

    def _main(self) -> None:
        use_lasting_streams()
        handle_signals(_Stop())
        threading.excepthook = _leave_to_the_main_thread
        try:
            status: str | int | None = self._status()
        except SystemExit as end:  # from argparse, or from Hydra after --help
            status = end.code
        if failure := failure_of_output():
            if isinstance(failure, BrokenPipeError):
                sys.exit(PIPE_CLOSED)
            print(f"dcgan-{self.name}: standard output: {failure.strerror}", file=sys.stderr)
            status = MachineError.exit_status
        sys.exit(status)

    def _status(self) -> int | None:
        """Run the command line; every error becomes one line and an exit status."""
        try:
            _check_current_folder()
            args = _parse()
            if args.help and self.name != "train":
                print(composing.help_text(self.name))
                return 0
            if args.help or args.hydra_help or args.cfg or args.info or args.shell_completion:
                self._show()
                return 0
            if args.multirun or "hydra.mode=MULTIRUN" in args.overrides:
                return self._many(_overrides(args))
            return self._one(_overrides(args))
        except KeyboardInterrupt as stop:
            print(f"dcgan-{self.name}: interrupted", file=sys.stderr)
            return stop.args[0] if isinstance(stop, Stopped) else 128 + signal.SIGINT
        except Exception as error:  # noqa: BLE001 (its traceback is printed, unless expected)
            known = expected(error) or composing.refused(error, composing.SCHEMAS[self.name])
            if known is None:
                traceback.print_exc()
                return FAULT
            if isinstance(known, RunFailed | Interrupted):
                log.log(known.level, "%s", known)
            elif is_first_process() or isinstance(known, MachineError):
                # The other processes have the same settings, but perhaps not the same machine.
                print(f"dcgan-{self.name}: {known}", file=sys.stderr)
            return known.exit_status

    def _show(self) -> None:
        os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach this code
        where = str(composing.config_folder())
        with composing.refusing(composing.SCHEMAS[self.name]):
            show = hydra.main(version_base="1.3", config_path=where, config_name=self.name)
            show(lambda _: None)()  # the function that Hydra would run

    def _one(self, overrides: list[str]) -> int | None:
        settings, config, run_dir = composing.compose_run(self.name, overrides, self.folder)
        with read_write(settings.hydra), open_dict(settings.hydra):
            settings.hydra.runtime.output_dir = literal(str(run_dir.absolute()))
        HydraConfig.instance().set_config(settings)
        if is_first_process():
            configure_log(settings.hydra.job_logging, settings.hydra.verbose)
        else:
            logging.disable(logging.WARNING)  # but any process may log an error
        return self._call(config, run_dir)

    def _many(self, overrides: list[str]) -> int:
        """Do all jobs; the exit status of the first that fails, else the highest."""
        if not self.may_sweep:
            raise UserError(f"-m: dcgan-{self.name} does not support multiruns")
        if os.environ.get("WORLD_SIZE", "1") != "1":
            raise UserError("-m: cannot be combined with torchrun")
        if any(word.startswith("hydra.run.dir=") for word in overrides):
            raise UserError("hydra.run.dir: with -m, give hydra.sweep.dir, the folder of all jobs")
        sweep_dir, further = composing.check_jobs(self.name, overrides)
        stopped = False
        try:
            with composing.composer() as composer:
                batches = composer.multirun(self.name, self._job, [*overrides, *further])
                return max((job.return_value or 0 for jobs in batches for job in jobs), default=0)
        except KeyboardInterrupt:
            stopped = True
            raise
        except BrokenProcessPool as error:
            stopped = True
            raise MachineError(
                "-m: a job's process was killed, perhaps for lack of memory; use fewer at once with"
                " hydra.launcher.n_jobs=N"
            ) from error
        except ExpectedError as error:
            return error.exit_status  # its job has already reported it
        finally:
            self.after_multirun(sweep_dir, stopped)

    def _job(self, settings: DictConfig) -> int | None:
        """One job of a multirun, perhaps in its own process."""
        use_lasting_streams()
        tqdm.set_lock(RLock())  # the default is a semaphore, which would outlive a killed job
        try:
            config = composing.to_dataclass(settings, composing.SCHEMAS[self.name])
            return self._call(config, Path(HydraConfig.get().runtime.output_dir))
        except Exception as error:
            if (known := expected(error)) is None:
                raise
            log.log(known.level, "%s", known)
            if isinstance(known, Interrupted):  # stops all other jobs too
                raise Stopped(known.exit_status) from error
            if known is error:
                raise  # Hydra runs the other jobs, then fails
            raise known from error
        finally:
            sys.stdout.flush()  # before the report

    def _call(self, config: Any, run_dir: Path) -> int | None:
        """Import the module that the function uses, then call the function.

        An import can swallow a KeyboardInterrupt (some libraries try imports and catch every
        exception), and the run would continue as if nobody had stopped it.
        """
        with Interruption() as interruption:
            import_module(self.uses)
        if interruption.received is not None:
            raise Stopped(128 + interruption.received)
        existed = run_dir.exists()
        try:
            status = self._run(config, shortest(run_dir))
        except BaseException:
            if not existed:
                with suppress(OSError):  # not made, or not empty: then it stays
                    run_dir.rmdir()
            raise
        if is_first_process():
            print(shortest(run_dir))
        return status


def is_first_process() -> bool:
    """Whether this is the process that prints, of those that torchrun started for one run."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


def _overrides(args: argparse.Namespace) -> list[str]:
    if args.config_name or args.config_path or args.experimental_rerun:
        flags = "--config-name, --config-path and --experimental-rerun are not supported"
        raise UserError(f"{flags}; use --config-dir FOLDER experiment=NAME")
    if args.config_dir is None:
        return list(args.overrides)
    folder = Path(args.config_dir).absolute()
    if not folder.is_dir():
        raise UserError(f"--config-dir {args.config_dir}: no such folder")
    return [*args.overrides, f"hydra.searchpath=[{quoted(folder.as_uri())}]"]


def _leave_to_the_main_thread(failed: threading.ExceptHookArgs) -> None:
    """What the disk refuses TensorBoard's thread, the main thread is told at its next write."""
    if not isinstance(failed.exc_value, OSError):
        threading.__excepthook__(failed)


def _check_current_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise UserError("the current folder no longer exists; cd to another one") from error


def _parse() -> argparse.Namespace:
    # Python 3.14 checks help texts; one of Hydra 1.3's is not a string.
    argparse.ArgumentParser._check_help = lambda *_: None  # type: ignore[attr-defined]
    parser = get_args_parser()
    for action in parser._actions:
        if isinstance(action, argparse._VersionAction):
            action.version = f"dcgan {dcgan.__version__}"
    return parser.parse_args()


class _Stop:
    """Signal handler for when there is nothing to save; a key pressed twice counts once."""

    def __init__(self) -> None:
        self._last = -math.inf

    def __call__(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last > GRACE:
            self._last = now
            raise Stopped(128 + number)
