"""dcgan-report: the page of an ablation, again; and the callback that makes it after a multirun."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from dcgan.commands.app import command
from dcgan.commands.jobs import StopTogether
from dcgan.commands.prompt import program, shortest
from dcgan.config import ReportConfig
from dcgan.errors import Interrupted, UserError

FOLDER = "report"  # below the multirun's


def run(config: ReportConfig, run_dir: Path) -> None:
    """Write the page into `run_dir`, then say where it lies."""
    from dcgan.reports.page import write_report

    runs = Path(config.runs).expanduser()
    made_by = _command_of(run_dir / "result.json", runs) or _this_command("report")
    _print(write_report(runs, run_dir, made_by), run_dir)


class ReportAfterMultirun(Callback):
    """A Hydra callback: once all jobs of a multirun have ended, compare them on one page."""

    _pending: ClassVar[Path | None] = None  # the folder of a multirun that has no report yet

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Called before the first job."""
        type(self)._pending = Path(config.hydra.sweep.dir)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:  # noqa: ARG002
        """Called after the last job, unless one of them failed."""
        if StopTogether.received() is not None:
            raise KeyboardInterrupt  # the jobs have saved themselves, or did not begin
        self.report()

    @classmethod
    def after_failure(cls, error: BaseException) -> None:
        """Report on the jobs that did not fail; after Ctrl-C say how to go on instead."""
        stopped = StopTogether.received() or isinstance(error, KeyboardInterrupt | Interrupted)
        if not stopped:
            cls.report()
        elif cls._pending is not None:
            rest = ["resume=auto", f"hydra.sweep.dir={shortest(cls._pending)}"]
            again = [*_arguments("resume", "hydra.sweep.dir"), *rest]
            print(f"To go on: {shlex.join([program('dcgan-train'), *again])}", file=sys.stderr)

    @classmethod
    def report(cls) -> None:
        """Write the page if it is still to be written; failed runs are named on it."""
        StopTogether.leave()
        folder, cls._pending = cls._pending, None
        if folder is None:
            return
        from dcgan.reports.page import write_report

        folder = shortest(folder)
        try:
            result = write_report(folder, folder / FOLDER, _this_command("train"))
        except UserError as error:  # such as no run that took scores
            print(f"dcgan-train: no report: {error}", file=sys.stderr)
        else:
            _print(result, folder / FOLDER)


def _print(result: dict[str, Any], report_dir: Path) -> None:
    for run in result["left_out"]:
        print(f"Left out     {run['folder']}: {run['reason']}", file=sys.stderr)
    files = result["files"]
    if "index.html" in files:
        print(f"Page         {report_dir / 'index.html'}")
        print(f"Pictures     {report_dir / 'gallery.png'}, curves.png, …")
        print(f"Numbers      {report_dir / 'scores.csv'}, tests.csv, result.json")
    if "fid.md" in files:
        print(f"FID          {report_dir / 'fid.md'}")
    print(report_dir)


def _this_command(name: str) -> str:
    return shlex.join([program(f"dcgan-{name}"), *_arguments("resume")])


def _arguments(*without: str) -> list[str]:
    """The command line, less the named settings."""
    return [word for word in sys.argv[1:] if word.partition("=")[0] not in without]


def _command_of(result: Path, runs: Path) -> str | None:
    """What made these runs, as an earlier report on them has it."""
    try:
        earlier = json.loads(result.read_text(encoding="utf-8"))
        return str(earlier["command"]) if earlier["runs"] == str(runs.absolute()) else None
    except (OSError, ValueError, KeyError, TypeError):  # none, or not one of ours
        return None


main = command("report", run, uses="dcgan.reports.page")

if __name__ == "__main__":
    main()
