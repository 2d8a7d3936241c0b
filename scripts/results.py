"""Make docs/results again: run the commands of docs/results/commands.yaml, keep the small files.

    python scripts/results.py quick which_64      two folders
    python scripts/results.py --data PATH         all of them; commands.yaml says what PATH is

Run nothing else meanwhile. After an interruption, the same command resumes, as long as the program
stays the same. At the end the pages get their numbers from the results (update_pages.py).
"""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
KEPT = ("report.md", "fid.md", "choice.md", "tests.csv", "benchmark.txt", "*.png", "*.gif")
MADE = "made.txt"  # in every folder: minutes, machine, versions, day


def read_entries() -> dict[str, Any]:
    """What commands.yaml says of every folder of docs/results."""
    entries: dict[str, Any] = yaml.safe_load((RESULTS / "commands.yaml").read_text("utf-8"))
    return entries


def read_commands() -> dict[str, list[str]]:
    """The commands of every folder of docs/results, as a user would type them."""
    return {
        name: [f"{entry['command']} {more}".strip() for more in entry.get("each", [""])]
        for name, entry in read_entries().items()
    }


def make(name: str, lines: list[str], data: Path, work: Path, results: Path = RESULTS) -> None:
    """Run a folder's commands within `work`, or resume them; then replace the folder's files."""
    folder, clock = work / name, work / name / "seconds"
    folder.mkdir(parents=True, exist_ok=True)
    before = float(clock.read_text()) if clock.exists() else 0.0
    if lines[0].startswith("dcgan-benchmark "):
        wait_until_idle()
    started = time.monotonic()
    try:
        for number, line in enumerate(lines, 1):
            run(complete(line, data, folder / str(number)))
    finally:
        seconds = before + time.monotonic() - started
        clock.write_text(f"{seconds}\n")
    made_in = folder / "1"
    if lines[0].startswith("dcgan-train "):  # all runs of all commands in one report
        from dcgan.reports.page import write_report

        made_in = folder / "report"
        write_report(folder, made_in, "\n".join(lines))
    shutil.rmtree(results / name, ignore_errors=True)
    (results / name).mkdir()
    keep = read_entries().get(name, {}).get("keep", KEPT)
    for path in (path for pattern in keep for path in made_in.glob(pattern)):
        shutil.copy(path, results / name)
    for path in (results / name).glob("*.[tj]*"):  # .txt and .json show the settings
        path.write_text(path.read_text("utf-8").replace(str(data), "PATH"), encoding="utf-8")
    (results / name / MADE).write_text(description(seconds), encoding="utf-8")


def wait_until_idle(seconds: int = 300) -> None:
    """Let the load of what ran before fade, or dcgan-benchmark would call the machine busy."""
    for _ in range(seconds):
        if os.getloadavg()[0] < 0.4:  # it warns above 0.5, and starting it adds some
            break
        time.sleep(1)


def run(line: list[str]) -> None:
    """Run a command. Ctrl-C reaches it, too: wait until it has saved its run."""
    with subprocess.Popen(line) as process:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
    if status:
        raise subprocess.CalledProcessError(status, line)


def complete(line: str, data: Path, folder: Path) -> list[str]:
    """A command with the paths of the data and of runs and results; multiruns resume.

    Args:
        folder: where its results go, WORK/NAME/NUMBER; WORK is what RUNS stands for.
    """
    from dcgan.config.words import quoted, setting

    program, *words = shlex.split(line)
    for i, word in enumerate(words):
        key, _, value = word.partition("=")
        if value.startswith("["):
            words[i] = word.replace("PATH", quoted(str(data)))
        elif "PATH" in value:
            words[i] = setting(key, value.replace("PATH", str(data)))
        elif "RUNS" in value:
            words[i] = setting(key, value.replace("RUNS", str(folder.parents[1])))
    where = "hydra.run.dir"
    if "-m" in words:
        where, words = "hydra.sweep.dir", [*words, "resume=auto"]
    return [str(Path(sys.executable).parent / program), *words, setting(where, folder)]


def description(seconds: float) -> str:
    """One line: minutes, machine, versions, day."""
    from dcgan.processor import cpu_info

    processor = cpu_info("model name") or platform.processor()
    packages = ", ".join(f"{package} {version(package)}" for package in ("torch", "torchvision"))
    machine = f"{os.cpu_count()} cores ({processor}); Python {platform.python_version()}"
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"{seconds / 60:.0f} minutes on {machine}, {packages}, dcgan {commit()}; {day}\n"


def commit() -> str:
    """The last commit that changed the program, with a + if files differ from it."""

    def git(*words: str) -> str:
        line = ["git", "-C", str(ROOT), *words, "--", "src", "configs"]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()

    return git("log", "-1", "--format=%h") + ("+" if git("status", "--porcelain") else "")


def minutes(name: str) -> str:
    """What a folder took when it was last made; – if that is not known."""
    path = RESULTS / name / MADE
    return path.read_text("utf-8").split()[0] if path.exists() else "–"


def main() -> None:
    """Make the folders named on the command line, then update the pages."""
    commands = read_commands()
    known = [f"  {minutes(name):>4}  {name:<18}  {commands[name][0]}" for name in commands]
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="\n".join(["minutes when last made (–: not known), folder, first command:", *known]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folders", nargs="*", metavar="FOLDER", help="of docs/results; default: all"
    )
    parser.add_argument("--data", type=Path, metavar="PATH", help="the folder of the real data")
    chosen = parser.parse_args()
    names = chosen.folders or list(commands)
    for name in names:
        if name not in commands:
            parser.error(f"{name}: no such folder; there are {', '.join(commands)}")
        if chosen.data is None and any("PATH" in line for line in commands[name]):
            parser.error(f"{name}: needs --data PATH")
    if chosen.data is not None and not chosen.data.is_dir():
        parser.error(f"--data {chosen.data}: no such folder")
    if commit().endswith("+"):  # the work folder would mix runs of different programs
        parser.error("src or configs differ from the last commit: commit them first")
    data, work = Path(chosen.data or "").absolute(), ROOT / "outputs" / "results" / commit()
    try:
        for name in names:
            make(name, commands[name], data, work)
        subprocess.run([sys.executable, ROOT / "scripts" / "update_pages.py"], check=True)
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as error:  # it has said what is wrong
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
