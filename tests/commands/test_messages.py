"""What Hydra refuses, on one line."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from dcgan.commands.messages import describe
from dcgan.config import TrainConfig


@pytest.mark.parametrize("typed", ["data.root=/my photos/a=b", "seed=[1", "upsample.layers=[a b"])
def test_what_cannot_be_read_may_need_quotes(typed: str) -> None:
    with pytest.raises(HydraException) as refusal:
        OverridesParser.create().parse_overrides([typed])
    line = describe(refusal.value, TrainConfig)
    assert line.startswith(f"{typed}: a value with =, spaces or brackets needs quotes of its own")
    assert "\n" not in line
    assert "hydra.cc" not in line
