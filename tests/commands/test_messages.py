"""What Hydra refuses, on one line."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from dcgan.commands.messages import describe


@pytest.mark.parametrize("typed", ["data.root=/my photos/a=b", "seed=[1", "upsample.layers=[a b"])
def test_what_cannot_be_read_may_need_quotes(typed: str) -> None:
    with pytest.raises(HydraException) as refusal:
        OverridesParser.create().parse_overrides([typed])
    line = describe(refusal.value)
    assert line.startswith(f"{typed}: a value with =, spaces or brackets needs quotes of its own")
    assert "\n" not in line
    assert "hydra.cc" not in line


def test_a_folder_that_cannot_be_made_is_named() -> None:
    error = FileNotFoundError(2, "No such file or directory", "/proc/x")
    assert describe(error).startswith(
        "/proc/x: No such file or directory (a run's folder is hydra.run.dir"
    )
