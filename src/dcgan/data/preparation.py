"""Decode and resize once: every image of a source in one uint8 file, memory-mapped after that.

The file's name is a hash of the source and the settings, so a changed folder or another size gets a
file of its own. A lock lets two runs start at once: one prepares, the other waits and reads.
"""

import errno
import hashlib
import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

from dcgan.config import DataConfig
from dcgan.data.sources import ArraySource, Images, decode, open_source
from dcgan.errors import UserError
from dcgan.files import replacing, write_json

log = logging.getLogger(__name__)

PREPARATION_VERSION = 1  # raised when the same source would be prepared into other pixels
MACHINE_ERRORS = (errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOSPC)
FILES_PER_TASK = 256  # what one process decodes at a time; bounds its memory


@dataclass(frozen=True)
class Prepared:
    """A prepared source on disk."""

    path: Path  # (N, C, H, W) uint8, .npy
    digest: str  # of the images: equal digests, equal images
    num_skipped: int  # broken files left out

    def open(self) -> Images:
        """The (N, C, H, W) uint8 images, memory-mapped (copy on write: the file cannot change)."""
        images: Images = np.load(self.path, mmap_mode="c")
        return images


def prepare(config: DataConfig) -> Prepared:
    """Return the prepared images of a source; decode them first if no run has done so yet.

    Raises:
        UserError: the source is missing, an image is broken (and `on_error` is fail), or the cache
            folder cannot be written.
    """
    cache = Path(config.cache_dir).expanduser()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(cache / f"{config.source}.lock"):
            path = _find_or_write(config, cache)
    except OSError as error:
        raise UserError(f"data.cache_dir={cache}: cannot prepare images there ({error})") from error
    facts_path = path.with_suffix(".json")
    facts = json.loads(facts_path.read_text(encoding="utf-8"))
    if facts["num_skipped"]:
        log.warning("%d broken images were left out; see %s", facts["num_skipped"], facts_path)
    if facts["num_enlarged"]:
        log.warning(
            "%d images were enlarged to %d pixels: enlarging leaves a grid of its own",
            facts["num_enlarged"],
            config.image_size,
        )
    return Prepared(path, facts["digest"], facts["num_skipped"])


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock file; say so if another run must be waited for."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another run that prepares these images")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _find_or_write(config: DataConfig, cache: Path) -> Path:
    """The prepared file of a source (downloaded if need be), written if it is not there yet."""
    source = open_source(config)
    settings = {
        "version": PREPARATION_VERSION,
        "source": config.source,
        "fingerprint": source.fingerprint,
        "image_size": config.image_size,
        "channels": config.channels,
        "crop": config.crop,
        "on_error": config.on_error,
    }
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    path = cache / f"{config.source}-{config.image_size}x{config.image_size}-{key}.npy"
    facts_path = path.with_suffix(".json")
    if path.exists() and facts_path.exists():
        return path
    broken: dict[str, str] = {}
    num_enlarged = 0
    with replacing(path) as partial:
        if isinstance(source, ArraySource):
            with partial.open("wb") as file:
                np.save(file, source.read())
        else:
            broken, num_enlarged = _decode_files(source.paths, config, partial)
        with partial.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    facts = {
        **settings,
        "digest": digest,
        "num_skipped": len(broken),
        "num_enlarged": num_enlarged,
        "skipped": broken,
    }
    write_json(facts_path, facts)
    return path


def _decode_files(
    paths: list[Path], config: DataConfig, partial: Path
) -> tuple[dict[str, str], int]:
    """Decode `paths` into `partial`; return what was broken (path → reason), and enlarged how many.

    The processes write their rows straight into the file, so no image passes through this one.
    """
    shape = (len(paths), config.channels, config.image_size, config.image_size)
    images = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
    offset = images.offset
    del images
    if hasattr(os, "posix_fallocate"):  # not on macOS
        # Reserve the space now: a full disk is an error here, but a crash in a mapped write.
        with partial.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, offset + int(np.prod(shape)))

    starts = range(0, len(paths), FILES_PER_TASK)
    num_workers = min(config.num_workers or cpu_count(), len(starts))
    tasks = (
        delayed(_decode_rows)(partial, start, paths[start : start + FILES_PER_TASK], config)
        for start in starts
    )
    broken: dict[str, str] = {}
    broken_rows: list[int] = []
    num_enlarged = 0
    results = Parallel(n_jobs=num_workers, return_as="generator_unordered")(tasks)
    bar = tqdm(total=len(paths), desc="preparing images", unit="img", disable=None)
    with warnings.catch_warnings(), closing(results), bar:
        warnings.simplefilter("ignore")  # joblib's, of tasks that an error cancels
        for num_done, errors, enlarged in results:
            bar.update(num_done)
            num_enlarged += enlarged
            for row, reason in errors.items():
                if config.on_error == "fail":
                    raise UserError(
                        f"{paths[row]}: broken image ({reason});"
                        " data.on_error=skip leaves such files out"
                    )
                broken[str(paths[row])] = reason
                broken_rows.append(row)
    if len(broken) == len(paths):
        raise UserError(f"data.root={config.root}: every one of {len(paths)} images is broken")
    if broken_rows:
        _drop_rows(partial, set(broken_rows))
    return broken, num_enlarged


def _decode_rows(
    partial: Path, start: int, paths: list[Path], config: DataConfig
) -> tuple[int, dict[int, str], int]:
    """In a process of its own: decode `paths` into rows `start`, `start` + 1, … of the file."""
    images = np.lib.format.open_memmap(partial, "r+")
    errors: dict[int, str] = {}
    num_enlarged = 0
    for row, path in enumerate(paths, start):
        try:
            images[row], enlarged = decode(path, config.image_size, config.channels, config.crop)
            num_enlarged += enlarged
        except Exception as error:
            if isinstance(error, MemoryError) or getattr(error, "errno", None) in MACHINE_ERRORS:
                raise  # not the image's fault
            errors[row] = f"{type(error).__name__}: {error}"
    return len(paths), errors, num_enlarged


def _drop_rows(partial: Path, rows: set[int]) -> None:
    """Copy the file without `rows`, a block at a time."""
    images = np.lib.format.open_memmap(partial, "r")
    kept = np.delete(np.arange(len(images)), list(rows))
    with replacing(partial) as compact_path:
        shape = (len(kept), *images.shape[1:])
        compact = np.lib.format.open_memmap(compact_path, "w+", np.uint8, shape)
        for start in range(0, len(kept), 4096):
            compact[start : start + 4096] = images[kept[start : start + 4096]]
        compact.flush()
