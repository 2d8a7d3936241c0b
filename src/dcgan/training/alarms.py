"""Detect common training failures; each alarm states the problem and a fix in one line."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

PATIENCE = 5  # consecutive log lines before an alarm about learning is raised
SATURATED = 0.995  # share of images that D classifies correctly
COLLAPSED = 0.5  # diversity below this counts as fallen …
DIVERSE = 0.7  # … once it has reached this
SLOW = 4.0  # step time, relative to the start

# What is wrong, why it matters, and the usual fix.
MESSAGES = {
    "discriminator saturated": "the discriminator classifies {accuracy:.1%} of the images"
    " correctly, so the generator learns little from it; try a new run with a smaller"
    " trainer.discriminator_lr or with regularizer=r1",
    "diversity fallen": "generated images differ from one another only {diversity:.0%} as much as"
    " real ones (mode collapse); try a new run with smaller learning rates or with"
    " regularizer=r1",
    "steps slow": "steps take {times:.0f} times as long as at the start, probably because other"
    " programs use the CPU; stop them, or resume with OMP_NUM_THREADS=1",
}


class Alarms:
    """Checks every log line; raises each alarm once, and again only if the problem recurs.

    Args:
        is_critic: D is a critic, which is meant to separate real from fake completely.
    """

    def __init__(self, is_critic: bool = False) -> None:
        self._is_critic = is_critic
        self._lines = dict.fromkeys(MESSAGES, 0)  # consecutive, by alarm
        self._was_diverse = False
        self._first_seconds: float | None = None

    def recall(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Restore the state of the alarms from the log lines before a resume."""
        for line in lines:
            if None not in (line.get("d_accuracy"), line.get("diversity", math.nan)):
                self.check(line)

    def check(
        self, metrics: Mapping[str, float], step_seconds: float | None = None
    ) -> dict[str, str]:
        """The messages of the alarms that this log line raises, by name.

        Args:
            metrics: includes d_accuracy, and diversity unless a batch is one image.
            step_seconds: mean time per step since the last line, if known.
        """
        accuracy, diversity = metrics["d_accuracy"], metrics.get("diversity", math.nan)
        self._was_diverse |= diversity >= DIVERSE
        self._first_seconds = self._first_seconds or step_seconds
        times = step_seconds / self._first_seconds if step_seconds and self._first_seconds else 1.0
        present = {
            "discriminator saturated": not self._is_critic and accuracy >= SATURATED,
            "diversity fallen": self._was_diverse and diversity < COLLAPSED,
            "steps slow": times > SLOW,
        }
        raised = {}
        for name, message in MESSAGES.items():
            self._lines[name] = self._lines[name] + 1 if present[name] else 0
            if self._lines[name] == (1 if name == "steps slow" else PATIENCE):
                text = message.format(accuracy=accuracy, diversity=diversity, times=times)
                raised[name] = f"{name}: {text}"
        return raised
