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
    steps = repeat(partial(train_step, *start(config), parts_of(config.trainer)))

    def as_in_a_run(number: int) -> None:
        with keeping_freed_memory():
            steps(number)

    return as_in_a_run


def in_precision(config: TrainConfig, precision: str) -> TrainConfig:
    """The same run in another precision."""
    return replace(config, trainer=replace(config.trainer, precision=precision))
