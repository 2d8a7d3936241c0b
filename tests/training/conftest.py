"""A tiny run, built but not trained."""

from collections.abc import Callable

import pytest
from lightning_fabric import Fabric

from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare
from dcgan.training.devices import make_fabric
from dcgan.training.state import State, build_state
from tests.conftest import Compose

Build = Callable[..., tuple[TrainConfig, State, Fabric]]


@pytest.fixture
def build(tiny: Compose) -> Build:
    """A function that builds a tiny run at step 0: overrides in; config, state, fabric out."""

    def built(*overrides: str) -> tuple[TrainConfig, State, Fabric]:
        config = tiny(*overrides)
        fabric = make_fabric(config.trainer)
        return config, build_state(config, prepare(config.data), fabric), fabric

    return built
