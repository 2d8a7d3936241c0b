"""Paths and commands as the user would type them at this prompt."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dcgan.config.words import setting


def shortest(path: Path) -> Path:
    """`path` as a user would type it: relative if it is inside the current folder."""
    path = path.absolute()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def command_line(program: str, *words: str) -> str:
    """The command line of a program installed next to this one; uses torchrun if this one does."""
    processes = os.environ.get("LOCAL_WORLD_SIZE", "1")
    if program == "dcgan-train" and processes != "1":
        torchrun = ("torchrun", f"--nproc-per-node={processes}", "-m", "dcgan.commands.train")
        return _joined([*torchrun, *words])
    installed = Path(sys.executable).parent / program
    on_path = shutil.which(program)
    if installed.exists() and (on_path is None or Path(on_path).parent != installed.parent):
        program = str(shortest(installed))
    return _joined([program, *words])


def _joined(words: Sequence[str]) -> str:
    """Words joined for a shell; "name='a b'", as people write it, where that is equivalent."""
    readable = re.compile(r"[^\"$`\\!\n]*'[^\"$`\\!\n]*")
    return " ".join(f'"{w}"' if readable.fullmatch(w) else shlex.quote(w) for w in words)


def command_again(
    name: str, changed: Mapping[str, object], words: Sequence[str] | None = None
) -> str:
    """This process's command line, or `words`, with settings changed; None removes a setting."""
    typed = sys.argv[1:] if words is None else words
    kept = [word for word in typed if word.partition("=")[0] not in changed]
    new = [setting(key, value) for key, value in changed.items() if value is not None]
    # Beside the other settings: argparse wants them all in one place, before or after the flags.
    are_settings = ("=" in word and not word.startswith("-") for word in kept)
    place = next((i for i, is_setting in enumerate(are_settings) if is_setting), len(kept))
    return command_line(f"dcgan-{name}", *kept[:place], *new, *kept[place:])
