"""Find MNIST, Fashion-MNIST, CIFAR-10 and CelebA in their usual layouts, or download them."""

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from torchvision import datasets

from dcgan.data.folders import abridged, shown
from dcgan.errors import UserError, first_line


@dataclass(frozen=True)
class DataSet:
    """A labeled data set: its name in torchvision, its image size, and its files.

    `places` are the folders below the root that may hold the files, torchvision's own first. Each
    file may be compressed (.gz), or all of them may be in one `archive`.
    """

    name: str
    size: int  # pixels
    pad: bool  # may be padded with black to a larger size
    places: tuple[str, ...]
    files: tuple[str, ...]
    archive: str | None = None
    # Of the training split; tells apart sets whose files have equal names.
    first_labels: tuple[int, ...] = ()


def _places(name: str) -> tuple[str, ...]:
    return (f"{name}/raw", name, "raw", ".")


_IDX = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
_CIFAR = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")
_CIFAR_PLACES = ("cifar-10-batches-py", "cifar-10-python/cifar-10-batches-py", ".")
_CELEBA_PLACES = (
    "celeba/img_align_celeba",
    "celeba/img_align_celeba/img_align_celeba",
    "img_align_celeba",
    "img_align_celeba/img_align_celeba",
    "celeba",
    ".",
)
DATA_SETS = {
    "mnist": DataSet("MNIST", 28, True, _places("MNIST"), _IDX, None, (5, 0, 4, 1, 9, 2, 1, 3)),
    "fashion_mnist": DataSet(
        "FashionMNIST", 28, True, _places("FashionMNIST"), _IDX, None, (9, 0, 0, 3, 0, 2, 7, 2)
    ),
    "cifar10": DataSet("CIFAR10", 32, False, _CIFAR_PLACES, _CIFAR, "cifar-10-python.tar.gz"),
}


def find_labeled(data_set: DataSet, root: Path) -> list[Path]:
    """The files of a data set, in the order of `DataSet.files`, or its archive.

    They are downloaded if missing.

    Raises:
        UserError: they are missing and cannot be downloaded.
    """
    missing = {}
    for place in data_set.places:
        plain = [root / place / name for name in data_set.files]
        paths = [path if path.is_file() else path.with_name(f"{path.name}.gz") for path in plain]
        missing[place] = [path.stem for path in paths if not path.is_file()]
        if not missing[place]:
            return paths
    archive = root / (data_set.archive or "")
    if archive.is_file():
        return [archive]
    nearest = min(missing, key=lambda place: len(missing[place]))
    _download(data_set.name, root, f"Place {', '.join(missing[nearest])} in {root / nearest}")
    return [root / data_set.places[0] / name for name in data_set.files]


def find_celeba(root: Path) -> Path:
    """The folder of the aligned 178x218 JPEGs; they are downloaded if missing.

    Raises:
        UserError: they are missing and cannot be downloaded.
    """
    folders = [root / place for place in _CELEBA_PLACES]
    for folder in folders:
        if any(path.name[0] != "." for path in folder.glob("*.jpg")):
            return folder
    fix = f"Unpack img_align_celeba.zip so that {folders[0]}/000001.jpg exists"
    for archive in (root / "img_align_celeba.zip", root / "celeba" / "img_align_celeba.zip"):
        if archive.is_file():
            raise UserError(f"data.root={root}: {archive} is not unpacked. {fix}")
    _download("CelebA", root, fix)
    return folders[0]


def _download(name: str, root: Path, fix: str) -> None:
    """Let torchvision download into a temporary folder below `root`, then move the files."""
    new = [path for path in (root, *root.parents) if not path.exists()]
    found = abridged(sorted(shown(path.name) for path in root.iterdir()), 8) if not new else ""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as temporary:
            getattr(datasets, name)(temporary, download=True)
            for path in Path(temporary).rglob("*"):
                if path.is_file():
                    target = root / path.relative_to(temporary)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target)
    except Exception as error:  # no network, a quota, gdown not installed, a damaged archive
        with contextlib.suppress(OSError):  # was not created, or is not empty
            for path in new:
                path.rmdir()
        raise UserError(
            f"data.root={root}: {name} is missing (found: {found or 'nothing'}), and the"
            f" download failed ({first_line(error)}). {fix}, then run the same command again"
        ) from error
