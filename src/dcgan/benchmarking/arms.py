"""The arms of the benchmark: commands, each run in its own process, as a user would."""

import math
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dcgan.errors import RunFailed, UserError


class Arm(NamedTuple):
    """One way to train."""

    name: str
    precision: str
    word: str = ""  # the setting that makes it differ from ours

    @property
    def is_baseline(self) -> bool:
        """Whether it is the baseline rather than dcgan-train."""
        return self.name.startswith("baseline")


BASELINE = Arm("baseline", "32-true")
OURS = (Arm("ours", "32-true"), Arm("ours", "bf16-mixed"))
ARMS = (BASELINE, Arm("baseline, again", "32-true"), *OURS)  # again: to measure the noise


def arms_beside(words: Sequence[str]) -> list[Arm]:
    """All arms: the baseline, ours, and ours with each of the given settings."""
    return [*ARMS, *(Arm(word, arm.precision, word) for word in words for arm in OURS)]


def command_of(
    arm: Arm, pixels: int, steps: int, overrides: Sequence[str], config: Path, run_dir: Path
) -> list[str]:
    """The command that trains for `steps` steps at `pixels` x `pixels`, with `pixels` filters.

    Args:
        overrides: more settings of dcgan-train.
        config: config.yaml of one of our runs, which gives the baseline its data and networks.
    """
    if arm.is_baseline:
        program = [sys.executable, "-m", "dcgan.benchmarking.baseline"]
        return [*program, str(config), str(steps), str(run_dir)]
    quoted = str(run_dir).replace("'", "\\'")
    return [
        *(sys.executable, "-m", "dcgan.commands.train"),  # what dcgan-train is
        f"data.image_size={pixels}",
        f"generator.filters={pixels}",
        f"discriminator.filters={pixels}",
        *overrides,
        *([arm.word] if arm.word else []),
        f"trainer.precision={arm.precision}",
        f"trainer.steps={steps}",
        f"hydra.run.dir='{quoted}'",
    ]


def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a command to its end; kill it if this process is stopped.

    Returns:
        Its time in seconds, and its minor page faults (NaN if the system does not count them).

    Raises:
        UserError: it refused its settings.
        RunFailed: it failed in another way.
    """
    page_faults, started = _page_faults(), time.perf_counter()
    done = subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    seconds, page_faults = time.perf_counter() - started, _page_faults() - page_faults
    if done.returncode:
        said = done.stderr.decode(errors="replace").split("\n")
        reason = next(filter(str.strip, reversed(said)), f"exit status {done.returncode}")
        error = UserError if done.returncode == UserError.exit_status else RunFailed
        raise error(f"{shlex.join(command)}: {reason}")
    return seconds, page_faults


def _page_faults() -> float:
    """Minor page faults of all finished commands."""
    try:
        import resource
    except ImportError:  # Windows
        return math.nan
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
