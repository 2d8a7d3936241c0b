"""Find the image files below a folder; log everything that is left out in one line."""

import contextlib
import logging
import os
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from dcgan.errors import UserError

log = logging.getLogger(__name__)

# Formats that Pillow registers but that are not usable here: BUFR, GRIB and HDF5 hold scientific
# data and need another library, MPEG is video, WMF is rendered only on Windows, and EPS starts
# Ghostscript, which executes the file.
NO_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}

# Kinds of entries in a folder; all but the first two are left out.
IMAGE, FOLDER = "images", "folders"
DANGLING = "dangling"  # links to nothing
HIDDEN = "hidden"  # files and folders, such as copies kept by notebooks and file managers
NO_IMAGE = "of other kinds"
REPEATED = "already read"  # folders reached again through a link
UNREADABLE = "unreadable"  # no permission, or neither file nor folder

# Formats that Pillow opens, by suffix: .png → PNG.
Image.preinit()  # so that the common formats are tried first
_BY_SUFFIX = Image.registered_extensions()
_READABLE = {*Image.OPEN, "MPO"} - NO_PICTURES  # MPO is opened as JPEG
IMAGE_SUFFIXES = {suffix: name for suffix, name in _BY_SUFFIX.items() if name in _READABLE}
FORMATS = [name for name in Image.ID if name in IMAGE_SUFFIXES.values()]  # in Pillow's order


def image_files(folder: Path, setting: str = "data.root") -> list[Path]:
    """All image files below a folder, recognized by suffix, sorted; links are followed.

    Hidden files and folders, dangling links, other files, and anything unreadable are left out; one
    log line counts them. A folder that several links lead to is read once.

    Args:
        setting: the setting that names the folder, for messages.

    Raises:
        UserError: there is no such folder, or no images in it.
    """
    check_folder(folder, setting)
    found = defaultdict(list)
    for kind, path in _entries(folder):
        found[kind].append(path)
    paths = sorted(found.pop(IMAGE, []))
    left_out = ", ".join(_described(kind, found[kind], folder) for kind in sorted(found))
    where = f"{setting}={shown(folder)}"
    if not paths:
        raise UserError(
            f"{where}: no images in it ({left_out or 'it is empty'}); must hold files that Pillow"
            " opens, such as .jpg, .png or .webp"
        )
    if left_out:
        level = logging.WARNING if found.keys() & {DANGLING, UNREADABLE} else logging.INFO
        log.log(level, "%s: %d images; left out: %s", where, len(paths), left_out)
    return paths


def split_folders(root: Path) -> tuple[Path, Path | None]:
    """The folders of training and test images: ROOT/train and ROOT/test or val, else ROOT."""
    for name in ("test", "val"):
        if (root / "train").is_dir() and (root / name).is_dir():
            return root / "train", root / name
    return root, None


def class_folders(folder: Path) -> list[str]:
    """The subfolders with images, sorted; none if fewer than two, or if images lie beside them."""
    with os.scandir(folder) as entries:
        kinds = {entry.name: _kind(entry) for entry in entries}
    folders = sorted(name for name, kind in kinds.items() if kind == FOLDER)
    names = [n for n in folders if any(kind == IMAGE for kind, _ in _entries(folder / n))]
    return [] if len(names) < 2 or IMAGE in kinds.values() else names


def check_folder(folder: Path, setting: str) -> None:
    """Raise `UserError` unless the folder exists."""
    if not folder.is_dir():
        what = "is a file; must be a folder" if folder.exists() else "no such folder"
        raise UserError(f"{setting}={shown(folder)}: {what}")


def shown(path: str | Path) -> str:
    """A path as one line of valid UTF-8: unprintable characters are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(path))


def abridged(names: Sequence[str], at_most: int) -> str:
    """The first `at_most` names, followed by … if there are more."""
    return ", ".join([*names[:at_most], *["…"] * (len(names) > at_most)])


def _entries(root: Path) -> Iterator[tuple[str, Path]]:
    """Everything below a folder, each with its kind; hidden folders are not entered."""
    seen = set()
    pending = deque([root])
    while pending:
        folder = pending.popleft()
        if (real := folder.resolve()) in seen:
            yield REPEATED, folder
            continue
        seen.add(real)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    path, kind = folder / entry.name, _kind(entry)
                    if kind != FOLDER:
                        yield kind, path
                    elif entry.is_symlink():
                        pending.append(path)  # last, so that folders are read under their own names
                    else:
                        pending.appendleft(path)
        except OSError:
            yield UNREADABLE, folder


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.name.startswith("."):
        return HIDDEN
    with contextlib.suppress(OSError):  # no permission, or a link to itself
        if entry.is_dir():
            return FOLDER
        if Path(entry.name).suffix.lower() not in IMAGE_SUFFIXES:
            return NO_IMAGE
        if entry.is_file():
            return IMAGE
    return DANGLING if entry.is_symlink() else UNREADABLE


def _described(kind: str, paths: list[Path], root: Path) -> str:
    """For example "2 hidden (.ipynb_checkpoints, a/._0.jpg)" or "1 of other kinds (.txt 1)"."""
    if kind == NO_IMAGE:
        suffixes = Counter(shown(path.suffix.lower()) or "no suffix" for path in paths)
        counted = sorted(suffixes.items(), key=lambda item: (-item[1], item[0]))
        names = [f"{suffix} {count}" for suffix, count in counted]
    else:
        names = sorted(shown(path.relative_to(root)) for path in paths)
    return f"{len(paths)} {kind} ({abridged(names, 8)})"
