"""What the system refuses is told from bugs of the program."""

import errno

import pytest

from dcgan.errors import MachineError, UserError, expected, first_line


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a/b.pt"), "a/b.pt: No space left"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (MemoryError(), r"too little memory \(MemoryError\)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "too little memory"),
        (ImportError("libtorch.so: failed to map segment from shared object"), "too little memory"),
    ],
)
def test_what_the_system_refuses_is_expected(error: Exception, message: str) -> None:
    with pytest.raises(MachineError, match=message):
        raise expected(error) or error


def test_an_error_without_words_is_named_by_its_type() -> None:
    assert first_line(ValueError("first\nsecond")) == "first"
    assert first_line(ValueError(" \n")) == first_line(ValueError()) == "ValueError"


def test_a_users_error_stays_and_a_bug_is_not_expected() -> None:
    mistake = UserError("seed=x")
    assert expected(mistake) is mistake
    for bug in (RuntimeError("shape mismatch"), KeyError("a"), OSError("without a reason")):
        assert expected(bug) is None
