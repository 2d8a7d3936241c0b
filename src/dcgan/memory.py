"""Refuse what does not fit into this machine's memory, before any work is done."""

import psutil

from dcgan.errors import UserError


def check_memory(setting: str, num_bytes: float) -> None:
    """Refuse a setting that takes more memory than the machine has.

    Args:
        setting: NAME=VALUE, for the message.
        num_bytes: the least memory it takes.

    Raises:
        UserError: it does not fit; the message has both sizes.
    """
    try:
        total = psutil.virtual_memory().total
    except OSError:  # unknown on this system
        return
    if num_bytes > total:
        takes, has = (f"{size / 2**30:,.1f} GiB" for size in (num_bytes, total))
        raise UserError(f"{setting}: would take {takes} of memory; this machine has {has}")
