"""The project's own run, as every measurement starts it."""

from dataclasses import replace

from lightning_fabric import Fabric

from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare
from dcgan.training.devices import make_fabric
from dcgan.training.state import State, build_state


def start(config: TrainConfig) -> tuple[State, Fabric]:
    """A run at step 0: what `train_step` takes.

    Raises:
        UserError: settings that do not fit together.
    """
    fabric = make_fabric(config.trainer)
    return build_state(config, prepare(config.data), fabric), fabric


def in_precision(config: TrainConfig, precision: str) -> TrainConfig:
    """The same run in another precision."""
    return replace(config, trainer=replace(config.trainer, precision=precision))
