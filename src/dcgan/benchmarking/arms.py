"""The arms of the benchmark: commands, each run in its own process, as a user would."""

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dcgan.config.words import setting
from dcgan.errors import MachineError, RunFailed, UserError

LOOK_EVERY = 0.05  # seconds


class Arm(NamedTuple):
    """One way to train."""

    name: str
    precision: str

    @property
    def is_baseline(self) -> bool:
        """Whether it is the baseline rather than dcgan-train."""
        return self.name.startswith("baseline")


BASELINE = Arm("baseline", "32-true")
OURS = (Arm("ours", "32-true"), Arm("ours", "bf16-mixed"))
ARMS = (BASELINE, Arm("baseline, again", "32-true"), *OURS)  # again: to measure the noise


def command_of(
    arm: Arm, pixels: int, steps: int, overrides: Sequence[str], config: Path, run_dir: Path
) -> list[str]:
    """The command that trains for `steps` steps at `pixels` x `pixels`, with `pixels` filters.

    Args:
        overrides: more settings of dcgan-train.
        config: config.yaml of one of our runs, which gives the baseline its data and networks.
    """
    if arm.is_baseline:
        return baseline_command(config, steps, run_dir)
    settings = [
        *size_settings(pixels),
        *overrides,
        f"trainer.precision={arm.precision}",
        f"trainer.steps={steps}",
    ]
    return our_command(settings, run_dir)


def size_settings(pixels: int) -> list[str]:
    """Images of this side, and as many filters."""
    names = ("data.image_size", "generator.filters", "discriminator.filters")
    return [f"{name}={pixels}" for name in names]


def baseline_command(
    config: Path, steps: int, run_dir: Path, seed: int = 0, every: int | None = None
) -> list[str]:
    """The command of the baseline, which saves a checkpoint every `every` steps and at the end."""
    program = [sys.executable, "-m", "dcgan.benchmarking.baseline"]
    return [*program, str(config), str(steps), str(run_dir), str(seed), str(every or steps)]


def our_command(settings: Sequence[str], run_dir: Path) -> list[str]:
    """The command of dcgan-train with these settings."""
    program = [sys.executable, "-m", "dcgan.commands.train"]
    return [*program, *settings, setting("hydra.run.dir", run_dir)]


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    look: Callable[[], None] | None = None,
) -> float:
    """Run a command to its end; kill it if this process is stopped.

    Args:
        look: called every `LOOK_EVERY` seconds meanwhile, and at the end.

    Returns:
        Its time in seconds.

    Raises:
        UserError: it refused its settings.
        MachineError: a full disk, a missing permission, or too little memory.
        RunFailed: it failed in another way.
    """
    started = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            while process.returncode is None:
                with suppress(subprocess.TimeoutExpired):
                    _, said = process.communicate(timeout=LOOK_EVERY if look else None)
                if look:
                    look()
        except BaseException:
            process.kill()
            process.wait()  # leaving the block does not, after Ctrl-C
            raise
    seconds = time.perf_counter() - started
    if status := process.returncode:
        lines = said.decode(errors="replace").split("\n")
        reason = next(filter(str.strip, reversed(lines)), f"exit status {status}")
        if status < 0:  # it could not say why
            reason = f"killed by signal {-status}"
        kinds = {error.exit_status: error for error in (UserError, MachineError)}
        raise kinds.get(status, RunFailed)(f"{shlex.join(command)}: {reason}")
    return seconds
