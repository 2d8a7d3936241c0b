"""What all commands share: finding configs, composing, internal errors, Python 3.14."""

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import dcgan
from dcgan.commands.composing import compose, config_folder, folder_name, to_dataclass
from dcgan.config import SampleConfig
from dcgan.errors import UserError
from tests.conftest import Run, finish

PROJECT = Path(__file__).parents[2]


def test_composed_settings_become_a_dataclass() -> None:
    settings = compose("sample", ["checkpoint=run", "weights=raw"])  # not in sample.yaml
    expected = SampleConfig(checkpoint="run", num_images=64, weights="raw")
    assert to_dataclass(settings, SampleConfig) == expected
    with pytest.raises(UserError, match="checkpoint is not set: give checkpoint=VALUE"):
        to_dataclass(compose("sample", []), SampleConfig)


def test_an_internal_error_has_its_own_exit_status(tmp_path: Path) -> None:
    faulty = "from dcgan.commands.app import Command; Command('report', 'json')(lambda *_: 1 / 0)()"
    done = finish([sys.executable, "-c", faulty, "runs=.", "hydra.run.dir=out"], tmp_path)
    assert done.returncode == 70
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(("error", "printed"), [("MachineError", True), ("UserError", False)])
def test_a_problem_of_the_machine_is_printed_by_any_process_of_a_run(
    tmp_path: Path, error: str, printed: bool
) -> None:
    """A mistake in the settings is the same for all processes: the first one prints it."""
    script = f"""
from dcgan.commands.app import Command
from dcgan.errors import {error}

def fail(*_):
    raise {error}("here")

Command("report", "json")(fail)()
"""
    line = [sys.executable, "-c", script, "runs=.", "hydra.run.dir=out"]
    done = finish(line, tmp_path, WORLD_SIZE="2", RANK="1")
    assert done.stderr == ("dcgan-report: here\n" if printed else "")


def test_a_checkout_on_the_path_uses_its_own_configs(tmp_path: Path) -> None:
    """Not those of an installed copy, which exists here too."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "dcgan").symlink_to(PROJECT / "src" / "dcgan")
    (tmp_path / "configs").symlink_to(PROJECT / "configs")
    script = "from dcgan.commands.composing import config_folder; print(config_folder())"
    found = finish([sys.executable, "-c", script], tmp_path, PYTHONPATH=str(tmp_path / "src"))
    assert Path(found.stdout.strip()) == tmp_path / "configs"
    assert (config_folder() / "train.yaml").is_file()


# What Python 3.14's argparse does in add_argument; one help text of Hydra 1.3 is not a string.
AS_PYTHON_3_14 = """
import argparse

def check_help(self, action):
    if action.help and hasattr(self, "_get_formatter"):
        try:
            if "%" in action.help:
                pass
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError("badly formed help string") from error

def add_argument(self, *names, **options):
    action = add(self, *names, **options)
    self._check_help(action)
    return action

add = argparse._ActionsContainer.add_argument
argparse._ActionsContainer._check_help = check_help
argparse._ActionsContainer.add_argument = add_argument
"""


def test_help_shows_only_that_commands_settings(run: Run) -> None:
    shown = run("sample", "--help").stdout
    assert "  checkpoint=…              a run's folder, a checkpoint" in shown
    assert "upsample" not in shown
    every = {field.name for field in fields(SampleConfig)}
    assert set(re.findall(r"^  (\w+)=", shown, re.MULTILINE)) == every


def test_the_command_line_works_on_python_3_14(tmp_path: Path) -> None:
    hydra = "from hydra._internal.utils import get_args_parser; get_args_parser()"
    ours = "from dcgan.commands.train import main; main()"
    without, shown, refused = (
        finish([sys.executable, "-c", f"{AS_PYTHON_3_14}\n{script}", *words], tmp_path)
        for script, words in ((hydra, []), (ours, ["--help"]), (ours, ["trainer.steps=0"]))
    )
    assert "ValueError: badly formed help string" in without.stderr
    assert (shown.returncode, shown.stderr) == (0, "")
    assert refused.stderr == "dcgan-train: trainer.steps=0: must be at least 1\n"


@pytest.mark.parametrize(("program", "ends"), [("dcgan-train", True), ("notebook", False)])
def test_ctrl_c_during_the_first_imports_ends_only_a_command(
    tmp_path: Path, program: str, ends: bool
) -> None:
    script = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "/bin/{program}"
import dcgan.commands
print(signal.getsignal(signal.SIGINT) == signal.SIG_DFL)
"""
    assert finish([sys.executable, "-c", script], tmp_path).stdout == f"{ends}\n"


def test_version_is_that_of_dcgan(run: Run) -> None:
    assert run("train", "--version").stdout == f"dcgan {dcgan.__version__}\n"


def test_refusing_a_setting_does_not_import_torch(tmp_path: Path) -> None:
    script = """
import sys
from dcgan.commands.train import main
try:
    main()
except SystemExit as end:
    print(end.code, "torch" in sys.modules)
"""
    done = finish([sys.executable, "-c", script, "seed=-1"], tmp_path)
    assert done.stdout == "2 False\n"


def test_folder_names_are_valid_and_unique() -> None:
    assert folder_name("seed=0,upsample=transposed_k3") == "seed-0_upsample-transposed_k3"
    assert folder_name("") == "run"
    odd = [folder_name(f"data.root=/a{sign}b") for sign in "/ '"]
    assert len({*odd, folder_name("data.root=-a-b")}) == 4
    long = [folder_name("upsample.layers=" + 60 * "up1" + end) for end in "ab"]
    assert len(set(long)) == 2
    for name in (*odd, *long):
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
        assert len(name) < 120
