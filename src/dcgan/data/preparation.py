"""Decode and resize all images of a source once, into one uint8 file that is memory-mapped.

The file's name is a hash of the source and the settings, so a changed folder or another size gets
its own file. Under a lock, two runs can start at once: one prepares, the other waits and reads.
Every run checks the file's digest, and prepares the images again if it differs.
"""

import hashlib
import logging
import math
import warnings
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from joblib import cpu_count
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from dcgan.config import DataConfig
from dcgan.config.run import FILE_SOURCES
from dcgan.data.decoding import BrokenImage, Images, TooLarge, decode
from dcgan.data.folders import shown
from dcgan.data.labeled import read_images
from dcgan.data.sources import find_source
from dcgan.errors import UserError
from dcgan.files import cannot_write, expand, locked, replacing, to_json, write_json
from dcgan.progress import progress

log = logging.getLogger(__name__)

PREPARATION_VERSION = 3  # increase when the same source would give other pixels
FILES_PER_TASK = 16  # sent to a thread at a time


@dataclass(frozen=True)
class Facts:
    """What is written next to prepared images, as JSON."""

    recipe: dict[str, Any]  # everything that determines the pixels
    digest: str  # SHA-256 of the .npy file: equal digests, equal images
    num_enlarged: int
    skipped: dict[int, str]  # corrupt files: place in the sorted list of files → file and reason


@dataclass(frozen=True)
class Prepared:
    """A prepared source on disk."""

    path: Path  # (N, C, H, W) uint8, .npy
    digest: str  # as in `Facts`
    files: list[Path]  # of the images, in order; empty if there is no file for each

    def open(self) -> Tensor:
        """The (N, C, H, W) uint8 images, memory-mapped and read-only: never write into them."""
        # A private writable mapping, which torch would prefer, counts against the memory limit.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return torch.from_numpy(np.load(self.path, mmap_mode="r"))


def prepare(config: DataConfig) -> Prepared:
    """Return the prepared images of a source; prepare them first if no run has done so yet.

    Raises:
        UserError: the source is missing, or an image is corrupt (and `on_corrupt_image` is fail).
        UserError, MachineError: the cache folder cannot be written when it has to be.
    """
    cache = expand(config.cache_dir)
    with locked(cache / f"{config.source}.lock") as refusal:
        recipe, paths = _recipe(config)
        key = hashlib.sha256(to_json(recipe).encode()).hexdigest()[:16]
        path = cache / f"{config.source}-{config.image_size}x{config.image_size}-{key}.npy"
        facts = _read_facts(path, recipe)
        if facts is None:
            if refusal is not None:
                raise cannot_write(f"data.cache_dir={cache}", refusal) from refusal
            facts = _write(path, recipe, paths, config)
    if facts.skipped:
        see = path.with_suffix(".json")
        log.warning("corrupt images skipped: %d; see %s", len(facts.skipped), see)
    if facts.num_enlarged:
        enlarged = f"{facts.num_enlarged} images were enlarged to {config.image_size} pixels"
        log.warning("%s: interpolation leaves artifacts of its own", enlarged)
    files = paths if config.source in FILE_SOURCES else []
    kept = [file for place, file in enumerate(files) if place not in facts.skipped]
    return Prepared(path, facts.digest, kept)


def _recipe(config: DataConfig) -> tuple[dict[str, Any], list[Path]]:
    """Everything that determines the pixels of a prepared source, and its files."""
    fingerprint, paths = find_source(config)
    names = ("source", "image_size", "channels", "crop", "on_corrupt_image", "max_pixels")
    settings = {name: getattr(config, name) for name in names}
    return {"version": PREPARATION_VERSION, "fingerprint": fingerprint, **settings}, paths


def _read_facts(path: Path, recipe: dict[str, Any]) -> Facts | None:
    """Read and verify what is known of a prepared source; None if it must be prepared (again)."""
    facts_path = path.with_suffix(".json")
    try:
        if not path.exists() and not facts_path.exists():
            return None
        facts = TypeAdapter(Facts).validate_json(facts_path.read_bytes())
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if (facts.recipe, facts.digest) == (recipe, digest):
            return facts
    except (OSError, ValidationError):
        pass
    log.warning("%s: incomplete or damaged; preparing the images again", path)
    return None


def _write(path: Path, recipe: dict[str, Any], paths: list[Path], config: DataConfig) -> Facts:
    """Prepare a source and write its files."""
    skipped: dict[int, str] = {}
    num_enlarged = 0
    try:
        with replacing(path) as partial_path, partial_path.open("w+b") as file:
            if config.source in FILE_SOURCES:
                skipped, num_enlarged = _decode_files(paths, config, file)
            else:
                np.save(file, read_images(config))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        facts = Facts(recipe, digest, num_enlarged, skipped)
        write_json(path.with_suffix(".json"), facts)
    except OSError as error:
        raise cannot_write(f"data.cache_dir={path.parent}", error) from error
    return facts


def _decode_files(
    paths: list[Path], config: DataConfig, file: BinaryIO
) -> tuple[dict[int, str], int]:
    """Decode into `file`, in order; return what is skipped, see `Facts`, and number enlarged."""
    _write_header(file, len(paths), config)
    decoding_threads = min(
        config.decoding_threads or cpu_count(), math.ceil(len(paths) / FILES_PER_TASK)
    )
    skipped: dict[int, str] = {}
    num_enlarged = 0
    # Pillow releases the GIL while decoding and resizing, so threads are enough.
    with warnings.catch_warnings(), ThreadPool(decoding_threads) as pool:
        warnings.simplefilter("ignore")  # Pillow's, about damage it can recover from
        decode_one = partial(_try_to_decode, config=config)
        results = pool.imap(decode_one, paths, FILES_PER_TASK)
        bar = progress(paths, desc="preparing images", unit="img")
        for place, (path, result) in enumerate(zip(bar, results, strict=True)):
            if not isinstance(result, BrokenImage):
                image, enlarged = result
                file.write(image.tobytes())
                num_enlarged += enlarged
            elif config.on_corrupt_image == "skip":
                skipped[place] = f"{shown(path)}: {result}"
            else:
                raise UserError(f"{shown(path)}: {result}; {_fix_for(result, config)}")
    if len(skipped) == len(paths):
        raise UserError(f"data.root={config.root}: all {len(paths)} images are corrupt ({result})")
    file.seek(0)  # NumPy's header has a fixed size, whatever the number of images
    _write_header(file, len(paths) - len(skipped), config)
    return skipped, num_enlarged


def _fix_for(broken: BrokenImage, config: DataConfig) -> str:
    skip = "remove the file, or train with data.on_corrupt_image=skip, which leaves such files out"
    if isinstance(broken, TooLarge):
        return f"more than data.max_pixels={config.max_pixels}; raise that limit, or {skip}"
    return skip


def _write_header(file: BinaryIO, num_images: int, config: DataConfig) -> None:
    shape = (num_images, config.channels, config.image_size, config.image_size)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _try_to_decode(path: Path, config: DataConfig) -> tuple[Images, bool] | BrokenImage:
    """Run `decode` in a thread; return `BrokenImage` instead of raising it."""
    try:
        return decode(path, config.image_size, config.channels, config.crop, config.max_pixels)
    except BrokenImage as error:
        return error
