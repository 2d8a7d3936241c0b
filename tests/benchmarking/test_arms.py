"""Every arm is a command that a user would run, in the user's environment."""

import json
import os
import signal
import sys
import threading
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from dcgan.benchmarking.arms import ARMS, BASELINE, OURS, command_of, run
from dcgan.errors import MachineError, RunFailed, UserError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_our_arm_runs_dcgan_train(tmp_path: Path) -> None:
    (installed,) = entry_points(group="console_scripts", name="dcgan-train")
    for arm in OURS:
        command = command_of(arm, 32, 7, ["loss=hinge"], tmp_path, tmp_path / "it's")
        assert command[:3] == [sys.executable, "-m", installed.value.removesuffix(":main")]
        assert command[3:] == [
            "data.image_size=32",
            "generator.filters=32",
            "discriminator.filters=32",
            "loss=hinge",
            f"trainer.precision={arm.precision}",
            "trainer.steps=7",
            f"hydra.run.dir='{tmp_path}/it\\'s'",
        ]


def test_the_baseline_is_also_compared_with_itself(tmp_path: Path) -> None:
    first, again = (
        command_of(arm, 32, 7, [], tmp_path, tmp_path) for arm in ARMS if arm not in OURS
    )
    assert first == again == command_of(BASELINE, 32, 7, [], tmp_path, tmp_path)


def test_a_command_runs_in_the_given_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"PATH": os.environ["PATH"], "GOMP_SPINCOUNT": "7"}
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # of this process only
    path = tmp_path / "seen.json"
    code = f"import json, os; json.dump(dict(os.environ), open({str(path)!r}, 'w'))"
    run(python(code), environment)
    seen = json.loads(path.read_text())
    assert {name: value for name, value in seen.items() if name != "LC_CTYPE"} == environment


@pytest.mark.parametrize(("status", "error"), [(1, RunFailed), (2, UserError), (74, MachineError)])
def test_a_failure_is_one_line(status: int, error: type[Exception]) -> None:
    code = f"import sys; print('one\\nthe reason\\n', file=sys.stderr); sys.exit({status})"
    with pytest.raises(error, match=r"^\S+python\S* -c [^\0]*: the reason$"):
        run(python(code), os.environ)
    with pytest.raises(error, match=rf": exit status {status}$"):
        run(python(f"import sys; sys.exit({status})"), os.environ)


def test_a_killed_command_is_not_blamed_on_its_last_message() -> None:
    code = "import os, sys; print('all is well', file=sys.stderr); os.kill(os.getpid(), 9)"
    with pytest.raises(RunFailed, match=r"killed by signal 9$"):
        run(python(code), os.environ)


def test_an_interrupted_benchmark_leaves_no_command_running(tmp_path: Path) -> None:
    path = tmp_path / "process"
    code = (
        f"import os, pathlib, time; path = pathlib.Path({str(path)!r});"
        "path.with_suffix('.tmp').write_text(str(os.getpid()));"
        "path.with_suffix('.tmp').rename(path); time.sleep(60)"
    )

    def interrupt() -> None:
        for _ in range(6000):  # a minute
            if path.exists():
                break
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    # If the tests run in the background, the shell makes them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(python(code), os.environ)
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int(path.read_text()), 0)
