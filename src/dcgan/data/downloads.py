"""What every attempt to download shares: nothing half-made stays."""

import contextlib
from pathlib import Path


def missing_folders(folder: Path) -> list[Path]:
    """`folder` and its parents, as far as they do not exist, the deepest first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def remove_empty(folders: list[Path]) -> None:
    """Take back what a failed download made, as far as it is empty."""
    with contextlib.suppress(OSError):  # not made, or not empty: it stays
        for folder in folders:
            folder.rmdir()
