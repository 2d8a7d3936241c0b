"""dcgan-report: the page of an ablation; and the end of a multirun of dcgan-train."""

import sys
from pathlib import Path
from typing import Any

from dcgan.commands.app import Command
from dcgan.commands.prompt import command_again, shortest
from dcgan.config import ReportConfig
from dcgan.errors import UserError
from dcgan.files import expand


@Command("report", uses="dcgan.reports.page", may_sweep=False)
def main(config: ReportConfig, run_dir: Path) -> None:
    """Write the page into `run_dir` and print where it is."""
    from dcgan.reports.page import write_report

    runs = expand(config.runs)
    _print(write_report(runs, run_dir, command_again("report", {})), run_dir)


def after_multirun(folder: Path, stopped: bool) -> None:
    """Compare the runs of a multirun on one page; after Ctrl-C, print how to resume instead."""
    folder = shortest(folder)
    if stopped:
        again = command_again("train", {"resume": "auto", "hydra.sweep.dir": folder})
        print(f"To resume: {again}", file=sys.stderr)
        return
    from dcgan.reports.page import write_report

    report_dir = folder / "report"
    try:
        result = write_report(folder, report_dir, command_again("train", {"resume": None}))
    except UserError as error:  # for example, no run has scores
        print(f"dcgan-train: no report: {error}", file=sys.stderr)
    else:
        _print(result, report_dir)
        print(report_dir)


def _print(result: dict[str, Any], report_dir: Path) -> None:
    for run in result["left_out"]:
        print(f"Excluded     {run['folder']}: {run['reason']}", file=sys.stderr)
    if "no_page" in result:
        print(f"No page      {result['no_page']}", file=sys.stderr)
    if "index.html" in result["files"]:
        print(f"Page         {report_dir / 'index.html'}")
        print(f"Pictures     {report_dir / 'training.gif'}, closeup.png, …")
        print(f"Numbers      {report_dir / 'scores.csv'}, tests.csv, result.json")
    if "choice.md" in result["files"]:
        print(f"Which arm    {report_dir / 'choice.md'}")
    if "fid.md" in result["files"]:
        print(f"FID          {report_dir / 'fid.md'}")
