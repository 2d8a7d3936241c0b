"""Find a source of images: generated ones, a published data set, or a folder of image files."""

import hashlib
import os
from pathlib import Path

import numpy as np

from dcgan.config import DataConfig
from dcgan.data.decoding import Images
from dcgan.data.folders import check_folder, image_files, split_folders
from dcgan.data.published import DATA_SETS, find_celeba, find_labeled
from dcgan.errors import UserError, cannot_read, first_line
from dcgan.files import expand

NUM_PROBED = 64  # files whose content is part of the fingerprint …
PROBE = 2**16  # … up to this many bytes


def find_source(config: DataConfig) -> tuple[str, list[Path]]:
    """Find the files that `config` names; a missing data set is downloaded where possible.

    Returns:
        A fingerprint that changes when the images do, and the files (none if generated).

    Raises:
        UserError: the files are missing and cannot be downloaded, or the data set does not come in
            the size asked for.
    """
    if config.num_images is not None:
        return f"{config.num_images} drawn", []
    assert config.root is not None
    root = expand(config.root)
    try:
        if config.source == "folder" or root.exists():
            check_folder(root, "data.root")
        if config.source in DATA_SETS:
            _check_size(config)
            paths = find_labeled(DATA_SETS[config.source], root)
        else:
            celeba = config.source == "celeba"
            paths = image_files(find_celeba(root) if celeba else split_folders(root)[0])
        return _fingerprint(paths, root), paths
    except OSError as error:  # no permission, or a file vanished
        if fault := cannot_read(f"data.root={root}", error):
            raise fault from error
        raise UserError(f"data.root={root}: {first_line(error)}") from error


def fit_channels(images: Images, channels: int) -> Images:
    """Convert (…, C, H, W) to 1 or 3 channels: repeat gray, or weight colors (ITU-R BT.601)."""
    if images.shape[-3] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-3)
    red, green, blue = np.moveaxis(images.astype(np.float32), -3, 0)
    gray = np.rint(0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)
    return np.expand_dims(gray, -3)


def _check_size(config: DataConfig) -> None:
    data_set = DATA_SETS[config.source]
    padding = config.image_size - data_set.size
    if padding < 0 or (padding > 0 and not data_set.pad):
        larger = ", or larger (padded)" if data_set.pad else ""
        raise UserError(
            f"data.image_size={config.image_size}: {config.source} images are never resized; must"
            f" be {data_set.size}{larger}"
        )


def _fingerprint(paths: list[Path], root: Path) -> str:
    """Hash of the files' folder, names, sizes and times, and of the beginning of some files.

    Reading every file would take as long as preparing the images.
    """
    digest = hashlib.sha256(os.fsencode(root.resolve()))
    for path in paths:
        status = path.stat()
        digest.update(os.fsencode(path.relative_to(root)))
        digest.update(f"|{status.st_size}|{status.st_mtime_ns}\n".encode())
    for path in paths[:: -(-len(paths) // NUM_PROBED)]:
        with path.open("rb") as file:
            digest.update(file.read(PROBE))
    return digest.hexdigest()
