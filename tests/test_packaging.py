"""A built wheel, installed elsewhere, is the whole product: commands, configs, defaults."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the checkout stays as it is."""
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
def test_the_wheel_holds_every_config(wheel: Path) -> None:
    configs = {f"dcgan/configs/{p.relative_to(PROJECT / 'configs')}" for p in config_files()}
    assert configs <= set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_an_installed_wheel_runs_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    install = ["install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([venv / "bin" / "python", "-m", "pip", *install], check=True)
    # The dependencies are borrowed; as a plain path, which leaves out this checkout's own
    # editable install, since that hangs on a .pth file.
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
