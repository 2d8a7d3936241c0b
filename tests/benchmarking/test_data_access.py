"""Every way of reading images is timed; a large file also without any of it in memory."""

import pytest

from dcgan.benchmarking import data_access
from dcgan.benchmarking.data_access import MAPPED, RESIDENT, compare_data_access
from tests.conftest import Compose

WAYS = {RESIDENT, MAPPED, "PIL and DataLoader"}


def test_a_large_file_is_also_read_from_disk(
    tiny: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(compare_data_access(tiny(), 2, 0.01)) == WAYS
    monkeypatch.setattr(data_access, "LARGE", 0)
    found = compare_data_access(tiny(), 2, 0.01)
    assert set(found) == WAYS | {f"{MAPPED}, from disk"}
    assert all(each["us_per_image"]["median"] > 0 for each in found.values())
    assert found[RESIDENT]["times_resident"]["median"] == 1
