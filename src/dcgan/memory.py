"""What is too large for this machine is refused before any work."""

import psutil

from dcgan.errors import UserError


def check_memory(setting: str, num_bytes: float) -> None:
    """Refuse what takes more memory than the machine has.

    Args:
        setting: what decides it, as NAME=VALUE.
        num_bytes: what it takes at least.

    Raises:
        UserError: with both sizes.
    """
    try:
        total = psutil.virtual_memory().total
    except OSError:  # a system that does not tell
        return
    if num_bytes > total:
        takes, has = (f"{size / 2**30:,.1f} GiB" for size in (num_bytes, total))
        raise UserError(f"{setting}: would take {takes} of memory; this machine has {has}")
