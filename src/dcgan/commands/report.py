"""dcgan-report: the page of an ablation, again; and what a multirun of dcgan-train ends with."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from dcgan.commands.app import command
from dcgan.commands.prompt import program, quoted, shortest
from dcgan.config import ReportConfig
from dcgan.errors import UserError

FOLDER = "report"  # below the multirun's


def run(config: ReportConfig, run_dir: Path) -> None:
    """Write the page into `run_dir`, then say where it lies."""
    from dcgan.reports.page import write_report

    runs = Path(config.runs).expanduser()
    made_by = _command_of(run_dir / "result.json", runs) or _this_command("report")
    _print(write_report(runs, run_dir, made_by), run_dir)


def after_multirun(folder: Path, stopped: bool) -> None:
    """Compare the runs of a multirun on one page; after Ctrl-C say how to go on instead."""
    folder = shortest(folder)
    if stopped:
        rest = ["resume=auto", f"hydra.sweep.dir={quoted(str(folder))}"]
        again = [program("dcgan-train"), *_arguments("resume", "hydra.sweep.dir"), *rest]
        print(f"To go on: {shlex.join(again)}", file=sys.stderr)
        return
    from dcgan.reports.page import write_report

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
