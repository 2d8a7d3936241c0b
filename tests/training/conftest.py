"""A fixture that builds a tiny run without training it."""

from collections.abc import Callable

import pytest

from dcgan.data.preparation import prepare
from dcgan.training.checkpoint import build_state
from dcgan.training.devices import connected
from dcgan.training.step import State
from tests.conftest import Compose

Build = Callable[..., State]


@pytest.fixture
def build(tiny: Compose) -> Build:
    """A function that builds a tiny run at step 0: overrides in, state out."""

    def built(*overrides: str) -> State:
        config = tiny(*overrides)
        with connected(config.trainer) as fabric:
            return build_state(config, prepare(config.data), fabric)

    return built
