"""What every command shares: Hydra in, dataclass out, and one line for a user's mistake."""

import atexit
import contextlib
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, TypeVar

import hydra
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dcgan.commands.jobs import StopTogether, begin_beside_others, runs_beside_others
from dcgan.commands.messages import describe
from dcgan.commands.prompt import shortest
from dcgan.config import (
    BenchmarkConfig,
    DiagnoseConfig,
    EvaluateConfig,
    ExplainConfig,
    ReportConfig,
    SampleConfig,
    TrainConfig,
)
from dcgan.errors import ExpectedError, Interrupted, UserError
from dcgan.processor import set_waiting
from dcgan.training.interruption import SIGNALS

Config = TypeVar("Config")

log = logging.getLogger(__name__)

SCHEMAS: dict[str, type[Any]] = {
    "train": TrainConfig,
    "sample": SampleConfig,
    "evaluate": EvaluateConfig,
    "diagnose": DiagnoseConfig,
    "explain": ExplainConfig,
    "report": ReportConfig,
    "benchmark": BenchmarkConfig,
}
# What composing the settings and making the run's folder may raise.
SETTINGS_ERRORS = (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError, OSError)
RUN_ID = secrets.token_hex(2)  # two runs that start in one second get folders of their own


def command(
    name: str,
    run: Callable[[Any, Path], int | None],
    uses: str,
    after_broken_multirun: Callable[[BaseException], None] = lambda _: None,
) -> Callable[[], None]:
    """The main function of `dcgan-NAME`.

    Args:
        name: configs/NAME.yaml is its config, `SCHEMAS[name]` its type.
        run: called with the config as a dataclass and the run's folder; what it returns, if
            anything, is the exit status.
        uses: the module that `run` calls; imported once the settings are known to be good.
        after_broken_multirun: called when all jobs have ended and one has failed, or Ctrl-C came:
            Hydra leaves out its own callbacks then.
    """
    register()
    started = False

    def task(settings: DictConfig) -> None:
        nonlocal started
        started = True
        run_dir = Path(HydraConfig.get().runtime.output_dir)
        if runs_beside_others() and not begin_beside_others(HydraConfig.get().job.num):
            CheckSettings.undo([run_dir])
            return
        try:
            config = to_dataclass(settings, SCHEMAS[name])
            set_waiting(config.trainer.precision if isinstance(config, TrainConfig) else "32-true")
            _import_interruptibly(name, uses)
            status = run(config, shortest(run_dir))
            sys.stdout.flush()  # a multirun's job may have a process of its own: before the report
        except ExpectedError as error:
            multirun = HydraConfig.get().mode == RunMode.MULTIRUN
            if isinstance(error, UserError) and not multirun:
                CheckSettings.undo()
                _exit(name, error)
            stopped = isinstance(error, Interrupted)
            log.log(logging.WARNING if stopped else logging.ERROR, "%s", error)
            if multirun and not stopped:
                raise  # Hydra goes on with the other jobs and fails at the end
            if runs_beside_others():
                return  # the others save themselves too; the first process says how all go on
            if multirun:
                after_broken_multirun(error)
            sys.exit(error.exit_status)
        except (KeyboardInterrupt, SystemExit):  # before there was anything to save
            CheckSettings.undo()
            raise
        if status and HydraConfig.get().mode != RunMode.MULTIRUN:  # whose other jobs are to run
            sys.exit(status)

    def main() -> None:
        if os.environ.get("WORLD_SIZE", "1") != "1" and {"-m", "--multirun"} & set(sys.argv):
            _exit(name, UserError("-m: torchrun trains one run; leave it out, or start without"))
        if not is_first_process():
            _keep_quiet()
        os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # let errors come here instead of printing
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        decorate = hydra.main(version_base="1.3", config_path=config_folder(), config_name=name)
        try:
            decorate(task)()
        except ExpectedError as error:  # a multirun's; its job has said what was wrong
            after_broken_multirun(error)
            sys.exit(error.exit_status)
        except KeyboardInterrupt as error:
            CheckSettings.undo()  # it may come between Hydra's making the folder and the task
            print(f"dcgan-{name}: interrupted", file=sys.stderr)
            after_broken_multirun(error)
            sys.exit(128 + (StopTogether.received() or signal.SIGINT))
        except Exception as error:  # noqa: BLE001 (printed whole)
            # Jobs in processes of their own start nothing here, but what they raise comes here.
            ours = started or (CheckSettings.in_multirun and type(error) is ValueError)
            if not ours and isinstance(error, SETTINGS_ERRORS):
                _exit(name, UserError(describe(error)))
            after_broken_multirun(error)
            traceback.print_exc()
            sys.exit(os.EX_SOFTWARE)  # 1 and 2 are verdicts of dcgan-diagnose

    return main


def is_first_process() -> bool:
    """Of the processes of one run, which torchrun started: the one that speaks."""
    return os.environ.get("RANK", "0") == "0"


def _keep_quiet() -> None:
    """Let this process write no folder and no log of its own: the run has those of the first."""
    folder = tempfile.mkdtemp(prefix="dcgan-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # Behind the last setting: it wins over an earlier one, and flags may follow.
    settings = [i for i, word in enumerate(sys.argv) if "=" in word and not word.startswith("-")]
    sys.argv.insert(max(settings, default=len(sys.argv) - 1) + 1, f"hydra.run.dir={folder}")
    logging.disable(logging.WARNING)


def _import_interruptibly(name: str, module: str) -> None:
    """Import a heavy module; Ctrl-C ends the process at once.

    An import can swallow a KeyboardInterrupt (some libraries try imports and catch whatever
    comes), and the run would then go on as if nobody had asked it to stop.
    """

    def leave(number: int, _: FrameType | None) -> None:
        CheckSettings.undo()
        print(f"dcgan-{name}: interrupted", file=sys.stderr, flush=True)
        os._exit(128 + number)

    if threading.current_thread() is not threading.main_thread() or runs_beside_others():
        import_module(module)
        return
    before = {number: signal.signal(number, leave) for number in SIGNALS}
    try:
        import_module(module)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def register() -> None:
    """Make the typed schemas and the resolvers known to Hydra."""
    for name, schema in SCHEMAS.items():
        ConfigStore.instance().store(name=f"{name}_schema", node=schema)
    OmegaConf.register_new_resolver("dcgan.run_dir", run_folder, replace=True)
    OmegaConf.register_new_resolver("dcgan.run_id", lambda: RUN_ID, use_cache=True, replace=True)


def config_folder() -> str:
    """configs/, as it was installed; or beside src/, in a checkout that is on PYTHONPATH only."""
    if find_spec("dcgan.configs") is not None:
        return "pkg://dcgan.configs"
    return str(Path(__file__).parents[3] / "configs")


def run_folder(resume: str | None, seed: int, parent: str, name: str) -> str:
    """The folder of a run: parent/name for a new one, the run's own for one that is resumed.

    `resume=auto` takes the run of this seed below `parent` that saved a checkpoint last, if any.
    """
    new = Path(parent) / name
    if resume is None:
        return str(new)
    if resume == "auto":
        saved = sorted(Path(parent).glob("*/checkpoints/last.pt"), key=os.path.getmtime)
        runs = [path.parents[1] for path in saved if _seed_of(path.parents[1]) == seed]
        return str(runs[-1] if runs else new)
    path = Path(resume).expanduser()
    if path.is_dir():
        return str(path)
    inside_run = path.is_file() and path.parent.name == "checkpoints"
    return str(path.parents[1] if inside_run else new)


def _seed_of(run_dir: Path) -> int | None:
    settings = run_dir / "config.yaml"
    return yaml.safe_load(settings.read_text())["seed"] if settings.is_file() else None


def to_dataclass(settings: DictConfig, schema: type[Config]) -> Config:
    """Turn a composed config into its dataclass, whose own checks run then.

    Raises:
        UserError: a key is unknown (also one added with +), or a value is missing or not allowed.
    """
    plain = OmegaConf.to_container(settings, resolve=True)
    try:
        merged = OmegaConf.merge(OmegaConf.structured(schema), plain)
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise UserError(describe(error)) from error
    assert isinstance(config, schema)
    return config


class CheckSettings(Callback):
    """A Hydra callback: refuse a run's settings before its folder is made.

    Args:
        command: the name under which `SCHEMAS` holds the type of the settings.
    """

    _made: ClassVar[list[Path]] = []  # the folders that Hydra makes for the run, deepest first
    in_multirun: ClassVar[bool] = False  # and its jobs are composed

    def __init__(self, command: str) -> None:
        self.command = command

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:  # noqa: ARG002
        """Called before the first job."""
        type(self).in_multirun = True

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Called once everything is composed; in a multirun each job is checked as it starts."""
        settings = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        try:
            to_dataclass(settings, SCHEMAS[self.command])
        except UserError as error:
            _exit(self.command, error)
        HydraConfig.instance().set_config(config)  # the folder's name refers to it
        run_dir = Path(config.hydra.run.dir).absolute()
        self._made[:] = [path for path in (run_dir, *run_dir.parents) if not path.exists()]

    @classmethod
    def undo(cls, made: Sequence[Path] = ()) -> None:
        """Take back the empty log, and the folders, of a run that wrote nothing.

        Args:
            made: its folders, deepest first, if they are others than those of a single run.
        """
        for handler in list(logging.root.handlers):
            logging.root.removeHandler(handler)  # torch logs at exit: not into this file any more
            handler.close()
            if isinstance(handler, logging.FileHandler):
                log_file = Path(handler.baseFilename)
                if log_file.exists() and log_file.stat().st_size == 0:
                    log_file.unlink()
        with contextlib.suppress(OSError):  # up to the first that holds something
            for folder in made or cls._made:
                folder.rmdir()


def _exit(name: str, error: ExpectedError) -> None:
    if is_first_process():  # the others have made the same mistake
        print(f"dcgan-{name}: {error}", file=sys.stderr)
    sys.exit(error.exit_status)
