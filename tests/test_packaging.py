"""The wheel is complete; make installs what a target needs, once, with uv or pip."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that is built from a copy, to leave the checkout unchanged."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (PROJECT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((PROJECT / name).read_bytes())
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [sys.executable, "-m", "pip", *build, "-w", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_a_wheel_has_every_config_and_runs_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    configs = {f"dcgan/configs/{p.relative_to(PROJECT / 'configs')}" for p in config_files()}
    article = PROJECT / "src" / "dcgan" / "reports" / "article"
    figures = {f"dcgan/reports/article/{p.name}" for p in article.iterdir() if p.is_file()}
    modules = {str(p.relative_to(PROJECT / "src")) for p in (PROJECT / "src/dcgan").rglob("*.py")}
    assert configs | figures | modules <= set(zipfile.ZipFile(wheel).namelist())
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    install = ["install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([venv / "bin" / "python", "-m", "pip", *install], check=True)
    # Use the installed dependencies through PYTHONPATH, which ignores .pth files and hence this
    # checkout's own editable install.
    borrowed = {"PYTHONPATH": sysconfig.get_path("purelib"), "OMP_NUM_THREADS": "1"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def run(*command: str) -> str:
        done = subprocess.run(
            [str(venv / "bin" / command[0]), *command[1:]],
            cwd=elsewhere,
            env={**os.environ, **borrowed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run("python", "-c", "import dcgan; print(dcgan.__file__)")
    assert str(venv) in where
    cache = f"data.cache_dir={tmp_path / 'cache'}"
    run_dir = run("dcgan-train", "experiment=smoke", cache).splitlines()[-1]
    assert (elsewhere / run_dir / "result.json").is_file()
    run("dcgan-sample", f"checkpoint={run_dir}")
    for path in config_files():
        group = path.parent.relative_to(PROJECT / "configs").as_posix()
        if group != "." and not group.endswith("_logging"):
            run("dcgan-train", "--cfg", "job", f"{group}={path.stem}")


def config_files() -> list[Path]:
    return sorted((PROJECT / "configs").rglob("*.yaml"))


# A stub for python and uv: records its arguments and creates the files that the real one would.
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >> "$RECORD"
case "$*" in
*venv*)
    for folder; do :; done  # the last argument
    mkdir -p "$folder/bin"
    cp "$0" "$folder/bin/python"
    cp "$0" "$folder/bin/dcgan-train" ;;
*install*)
    echo "a hundred lines of progress"
    test ! -e "$RECORD.fail" ;;
esac
"""


class Checkout:
    """A folder with the Makefile and stubs for the programs that it calls."""

    def __init__(self, folder: Path, *programs: str) -> None:
        self.folder, self.record = folder, folder / "record"
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            (folder / name).write_bytes((PROJECT / name).read_bytes())
        self.tools = folder / "tools"
        self.tools.mkdir()
        for name in ("make", "sh", "cat", "cp", "mkdir", "touch", "basename"):
            found = shutil.which(name)
            if found is None:
                pytest.skip(f"no {name} on this machine")
            (self.tools / name).symlink_to(found)
        for name in programs:
            (self.tools / name).write_text(STUB)
            (self.tools / name).chmod(0o755)

    def make(self, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """Run make; also return the calls of the stubs."""
        self.record.write_text("")
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={"PATH": str(self.tools), "RECORD": str(self.record)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, [line.rstrip() for line in self.record.read_text().splitlines()]


def installing(*, uv: bool, venv: str = ".venv", python: str = "python3") -> tuple[str, str]:
    """The calls that create a virtual environment and install into it, without the package."""
    if uv:
        create = f"uv venv --quiet --seed --allow-existing --python {python} {venv}"
        install = f"uv pip install --python {venv}/bin/python"
    else:
        create, install = f"{python} -m venv {venv}", "python -m pip install"
    return create, f"{install} --constraint constraints.txt --editable"


@pytest.mark.parametrize("uv", [False, True])
def test_make_installs_once_and_only_what_a_target_needs(tmp_path: Path, uv: bool) -> None:
    checkout = Checkout(tmp_path, "python3", "python3.13", *(["uv"] if uv else []))
    create, install = installing(uv=uv)
    done, calls = checkout.make("train", "ARGS=seed=1")
    assert calls == [create, f"{install} .", "dcgan-train seed=1"]
    assert done.stdout.splitlines() == [
        "Installing into .venv (first time: about 3 minutes) …",
        ".venv/bin/dcgan-train seed=1",
    ]
    assert checkout.make("train")[1] == ["dcgan-train"]
    assert checkout.make("test")[1] == [create, f"{install} .[dev]", "python -m pytest"]
    assert checkout.make("test")[1] == ["python -m pytest"]
    assert checkout.make("train")[1] == ["dcgan-train"]
    create, install = installing(uv=uv, venv=".venv313", python="python3.13")
    _, calls = checkout.make("train", "PYTHON=python3.13", "VENV=.venv313")
    assert calls == [create, f"{install} .", "dcgan-train"]


def test_a_failed_installation_is_shown_and_tried_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "python3")
    failing = tmp_path / "record.fail"
    for target in ("train", "test"):
        failing.touch()
        done, _ = checkout.make(target)
        assert done.returncode != 0
        assert "a hundred lines of progress" in done.stderr
        failing.unlink()
        done, calls = checkout.make(target)
        assert done.returncode == 0
        assert any("pip install" in call for call in calls)
        assert "a hundred lines" not in done.stdout + done.stderr
