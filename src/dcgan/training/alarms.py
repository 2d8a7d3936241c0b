"""Detect common failures of a training; each alarm names a cause and a cure in one line."""

from collections.abc import Iterable, Mapping
from typing import Any

PATIENCE = 5  # log lines in a row before an alarm about learning is raised
SATURATED = 0.995  # share of images that D classifies correctly
COLLAPSED = 0.5  # of the real images' mean distance
DIVERSE = 0.7  # only once this was reached can diversity fall
SLOW = 4.0  # times the duration of a step at the start

# What is wrong, why it matters, and the usual cure.
MESSAGES = {
    "discriminator saturated": "the discriminator classifies {accuracy:.1%} of the images"
    " correctly, so the generator learns little from it; a smaller trainer.discriminator_lr or"
    " regularizer=r1 is the usual cure",
    "diversity fallen": "generated images differ from one another {diversity:.0%} as much as real"
    " ones, so the generator repeats itself; smaller learning rates or regularizer=r1 are the usual"
    " cure, and an earlier checkpoint may be better",
    "steps slow": "steps take {times:.0f} times as long as at the start: other programs use the"
    " cores; stop them, or resume with OMP_NUM_THREADS=1",
}


class Alarms:
    """Looks at every log line; each alarm is raised once, and again only after it has passed.

    Args:
        is_critic: the discriminator is a critic, which is meant to tell everything apart.
    """

    def __init__(self, is_critic: bool = False) -> None:
        self._is_critic = is_critic
        self._lines = dict.fromkeys(MESSAGES, 0)  # in a row
        self._was_diverse = False
        self._first_seconds: float | None = None

    def recall(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Continue from the log lines of an earlier part of the run."""
        for line in lines:
            if line.get("diversity") is not None:
                self.check(line)

    def check(
        self, metrics: Mapping[str, float], step_seconds: float | None = None
    ) -> dict[str, str]:
        """The messages of the alarms that this line raises, by name.

        Args:
            metrics: with d_accuracy and diversity.
            step_seconds: how long a step took since the last line, if that is known.
        """
        diversity, accuracy = metrics["diversity"], metrics["d_accuracy"]
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
