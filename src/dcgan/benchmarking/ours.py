"""The project's own run, as every measurement starts it."""

from dataclasses import replace
from functools import partial

from lightning_fabric import Fabric

from dcgan.benchmarking.timing import Steps, repeat
from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare
from dcgan.training.devices import make_fabric
from dcgan.training.graphs import parts_of
from dcgan.training.memory import keeping_freed_memory
from dcgan.training.state import State, build_state
from dcgan.training.step import train_step

PRECISIONS = ("32-true", "bf16-mixed")


def start(config: TrainConfig) -> tuple[State, Fabric]:
    """A run at step 0: what `train_step` takes.

    Raises:
        UserError: settings that do not fit together.
    """
    fabric = make_fabric(config.trainer)
    return build_state(config, prepare(config.data), fabric), fabric


def steps_of(config: TrainConfig) -> Steps:
    """Its steps, as `dcgan-train` does them.

    Raises:
        UserError: settings that do not fit together.
    """
    return with_memory_kept(repeat(partial(train_step, *start(config), parts_of(config.trainer))))


def with_memory_kept(steps: Steps) -> Steps:
    """The same steps, and malloc told what a run of ours tells it."""

    def kept(number: int) -> None:
        with keeping_freed_memory():
            steps(number)

    return kept


def in_precision(config: TrainConfig, precision: str) -> TrainConfig:
    """The same run in another precision."""
    return replace(config, trainer=replace(config.trainer, precision=precision))
