"""Decode and resize once: every image of a source in one uint8 file, memory-mapped after that.

The file's name is a hash of the source and the settings, so a changed folder or another size gets a
file of its own. A lock lets two runs start at once: one prepares, the other waits and reads.
"""

import errno
import hashlib
import json
import logging
import math
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock
from joblib import Parallel, cpu_count, delayed
from PIL import Image, ImageOps
from tqdm import tqdm

from dcgan.config import DataConfig
from dcgan.data.sources import Images, find_source
from dcgan.errors import UserError
from dcgan.files import replacing, write_json

log = logging.getLogger(__name__)

PREPARATION_VERSION = 1  # raised when the same source would be prepared into other pixels
MACHINE_ERRORS = (errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOSPC)
FILES_PER_TASK = 64  # sent to a decoding process at a time; bounds its memory


@dataclass(frozen=True)
class Prepared:
    """A prepared source on disk."""

    path: Path  # (N, C, H, W) uint8, .npy
    digest: str  # of the images: equal digests, equal images

    def open(self) -> Images:
        """The (N, C, H, W) uint8 images, memory-mapped (copy on write: the file cannot change)."""
        return np.lib.format.open_memmap(self.path, mode="c")


def prepare(config: DataConfig) -> Prepared:
    """Return the prepared images of a source; decode them first if no run has done so yet.

    Raises:
        UserError: the source is missing, an image is broken (and `on_error` is fail), or the cache
            folder cannot be written.
    """
    cache = Path(config.cache_dir).expanduser()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{config.source}.lock"):
            path, facts = _find_or_write(config, cache)
    except OSError as error:
        raise UserError(f"data.cache_dir={cache}: cannot prepare images there ({error})") from error
    if facts["num_skipped"]:
        see = path.with_suffix(".json")
        log.warning("%d broken images were skipped; see %s", facts["num_skipped"], see)
    if facts["num_enlarged"]:
        enlarged = f"{facts['num_enlarged']} images were enlarged to {config.image_size} pixels"
        log.warning("%s: enlarging leaves a grid of its own", enlarged)
    return Prepared(path, facts["digest"])


def _find_or_write(config: DataConfig, cache: Path) -> tuple[Path, dict[str, Any]]:
    """A source's prepared file and what is said of it, written if they are not there yet."""
    fingerprint, paths = find_source(config)
    names = ("source", "image_size", "channels", "crop", "on_error")
    facts: dict[str, Any] = {"version": PREPARATION_VERSION, "fingerprint": fingerprint}
    facts |= {name: getattr(config, name) for name in names}
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    path = cache / f"{config.source}-{config.image_size}x{config.image_size}-{key}.npy"
    facts_path = path.with_suffix(".json")
    if path.exists() and facts_path.exists():
        return path, json.loads(facts_path.read_text(encoding="utf-8"))
    with replacing(path) as partial, partial.open("w+b") as file:
        if paths:
            broken, num_enlarged = _decode_files(paths, config, file)
        else:
            from dcgan.data.labeled import read_images  # torch, which decoding processes lack

            np.save(file, read_images(config))
            broken, num_enlarged = {}, 0
        file.seek(0)
        facts["digest"] = hashlib.file_digest(file, "sha256").hexdigest()
    facts |= {"num_skipped": len(broken), "num_enlarged": num_enlarged, "skipped": broken}
    write_json(facts_path, facts)
    return path, facts


def _decode_files(
    paths: list[Path], config: DataConfig, file: BinaryIO
) -> tuple[dict[str, str], int]:
    """Decode into `file`, in order; return the broken files (path → reason) and number enlarged."""
    _write_header(file, len(paths), config)
    num_workers = min(config.num_workers or cpu_count(), math.ceil(len(paths) / FILES_PER_TASK))
    results = Parallel(num_workers, batch_size=FILES_PER_TASK, return_as="generator")(
        delayed(_try_to_decode)(path, config) for path in paths
    )
    broken: dict[str, str] = {}
    num_enlarged = 0
    with warnings.catch_warnings(), closing(results):
        warnings.simplefilter("ignore")  # joblib's, of tasks that an error cancels
        bar = tqdm(paths, desc="preparing images", unit="img", disable=None)
        for path, result in zip(bar, results, strict=True):
            if not isinstance(result, str):
                image, enlarged = result
                file.write(image.tobytes())
                num_enlarged += enlarged
            elif config.on_error == "skip":
                broken[str(path)] = result
            else:
                cure = "data.on_error=skip leaves such files out"
                raise UserError(f"{path}: broken image ({result}); {cure}")
    if len(broken) == len(paths):
        raise UserError(f"data.root={config.root}: every one of {len(paths)} images is broken")
    file.seek(0)  # NumPy's header has room for any number of images
    _write_header(file, len(paths) - len(broken), config)
    return broken, num_enlarged


def _write_header(file: BinaryIO, num_images: int, config: DataConfig) -> None:
    shape = (num_images, config.channels, config.image_size, config.image_size)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _try_to_decode(path: Path, config: DataConfig) -> tuple[Images, bool] | str:
    """In a process of its own: what `decode` returns, or what is wrong with the file."""
    try:
        return decode(path, config.image_size, config.channels, config.crop)
    except Exception as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in MACHINE_ERRORS:
            raise  # not the image's fault
        return f"{type(error).__name__}: {error}"


def decode(path: Path, image_size: int, channels: int, crop: int | None) -> tuple[Images, bool]:
    """One file as (C, image_size, image_size) uint8: turned as its EXIF says, cropped, resized.

    The center square of `crop` pixels (None: the largest there is) is resized with Pillow's
    antialiased bicubic filter. Also returns whether that enlarged it.

    Raises:
        OSError, ValueError: the file is broken, or smaller than `crop`.
    """
    with Image.open(path) as opened:
        image = to_8_bits(ImageOps.exif_transpose(opened))
    image = image.convert("L" if channels == 1 else "RGB")
    side = min(image.size) if crop is None else crop
    if side > min(image.size):
        raise ValueError(f"{image.width}x{image.height} is smaller than data.crop={crop}")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    # Cropped first: resize(box=…) lets its filter look at pixels outside the box.
    image = image.crop((left, top, left + side, top + side))
    image = image.resize((image_size, image_size), Image.Resampling.BICUBIC)
    pixels = np.asarray(image).reshape(image_size, image_size, channels)
    return pixels.transpose(2, 0, 1), side < image_size


def to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8, which Pillow's own conversion would clip; refuse what has no scale."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"mode {image.mode}: pixels must have 8 or 16 bits")
    return image
