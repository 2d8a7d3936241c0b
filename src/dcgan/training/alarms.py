"""What goes wrong in GAN training, noticed: a cause and a cure in one line."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

PATIENCE = 5  # log lines in a row before an alarm is raised
SATURATED = 0.995  # share of images that D tells apart rightly
COLLAPSED = 0.5  # of the real images' mean distance
DIVERSE = 0.7  # once reached, the images have had something to lose


@dataclass(frozen=True)
class Alarm:
    """One thing that is going wrong."""

    name: str
    message: str  # what, why it matters, and the usual cure


class Alarms:
    """Looks at every log line; each alarm is raised once, and again only after it has passed.

    Args:
        critic: the discriminator is one, so that telling everything apart is what it is for.
    """

    def __init__(self, critic: bool = False) -> None:
        self._critic = critic
        self._lines = {"discriminator saturated": 0, "diversity fallen": 0}
        self._was_diverse = False

    def recall(self, lines: Iterable[Mapping[str, float | None]]) -> None:
        """Take up where an earlier part of the run, of which these are the lines, stopped."""
        for line in lines:
            if line.get("diversity") is not None:
                self.check(cast(Mapping[str, float], line))

    def check(self, metrics: Mapping[str, float]) -> list[Alarm]:
        """The alarms that this line raises.

        Args:
            metrics: with d_accuracy and diversity.
        """
        self._was_diverse |= metrics["diversity"] >= DIVERSE
        present: dict[str, tuple[bool, Callable[[], str]]] = {
            "discriminator saturated": (
                not self._critic and metrics["d_accuracy"] >= SATURATED,
                lambda: (
                    f"the discriminator tells {metrics['d_accuracy']:.1%} of the images apart, so"
                    " the generator learns little from it; a smaller trainer.discriminator_lr or"
                    " regularizer=r1 is the usual cure"
                ),
            ),
            "diversity fallen": (
                self._was_diverse and metrics["diversity"] < COLLAPSED,
                lambda: (
                    f"generated images differ from one another {metrics['diversity']:.0%} as much"
                    " as real ones, so the generator repeats itself; smaller learning rates or"
                    " regularizer=r1 are the usual cure, and an earlier checkpoint may be better"
                ),
            ),
        }
        raised = []
        for name, (seen, message) in present.items():
            self._lines[name] = self._lines[name] + 1 if seen else 0
            if self._lines[name] == PATIENCE:
                raised.append(Alarm(name, f"{name}: {message()}"))
        return raised
