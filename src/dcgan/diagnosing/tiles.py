"""Tiles of the images in a folder, or of generated ones."""

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dcgan.config.identity import LAST
from dcgan.data.decoding import BrokenImage, opened, plain
from dcgan.data.folders import abridged, image_files, shown
from dcgan.errors import UserError
from dcgan.pictures import normalize, subsample
from dcgan.progress import progress

log = logging.getLogger(__name__)

MAX_TILES = 2000
TILE = 64  # pixels; larger images are cut into tiles of this size
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, as in JPEG (ITU-R BT.601)


@dataclass
class Pictures:
    """Images read from a folder, or generated, cut into tiles."""

    tiles: Tensor  # (N, C, side, side) in [−1, 1]
    num_small: int = 0  # images too small for a tile
    jpegs: float = 0.0  # the share of the files that are JPEGs
    unreadable: dict[str, str] = field(default_factory=dict)  # file → reason


def tile_side(sides: Sequence[int]) -> int:
    """The side of the square tiles into which images are cut, from each image's shorter side.

    At most 64, and small enough for at least half of the images; smaller images are left out.

    Raises:
        UserError: half of the images are too small for any period.
    """
    usual = sorted(sides)[(len(sides) - 1) // 2]
    side = min(TILE, usual // 4 * 4)  # a multiple of 4 keeps the pixel phases aligned
    if side < 16:
        raise UserError(f"half of the images have {usual} pixels or fewer on a side: 16 are needed")
    return side


def cut_into_tiles(images: Tensor, side: int) -> Tensor:
    """Every whole tile of (N, C, H, W) images, from the top left: (M, C, side, side)."""
    columns = images.unfold(2, side, side).unfold(3, side, side)
    return columns.permute(0, 2, 3, 1, 4, 5).reshape(-1, images.shape[1], side, side)


def luminance(tiles: Tensor) -> Tensor:
    """The brightness of (N, 3, H, W) tiles: (N, 1, H, W). Gray ones stay as they are.

    JPEG usually stores color at half the resolution. The decoder enlarges it, which leaves a
    pattern of period 2 in red, green and blue; their brightness is free of it.
    """
    if tiles.shape[1] == 1:
        return tiles
    return torch.einsum("nchw,c->nhw", tiles, tiles.new_tensor(LUMA))[:, None]


def read_folder(folder: Path, num_images: int, setting: str) -> Pictures:
    """Cut evenly spaced images below a folder into tiles; keep about `MAX_TILES`, evenly spaced.

    Raises:
        UserError: this is not a folder of images, or none of them can be read. The message names
            `setting`.
    """
    if folder.is_file():
        raise UserError(f"{folder}: must be a folder of images, a run, a .pt or a .safetensors")
    if next(folder.rglob("metrics.jsonl"), None) is not None:
        raise UserError(f"{folder}: contains runs; pass the folder of one that has saved {LAST}")
    paths = image_files(folder, setting)
    paths = [paths[i] for i in subsample(torch.arange(len(paths)), num_images).tolist()]
    unreadable: dict[str, str] = {}
    headers = dict(_read(paths, lambda image: (min(image.size), image.format), unreadable))
    sizes = {path: size for path, (size, _) in headers.items()}
    side = tile_side(list(sizes.values())) if sizes else 0
    large = [path for path, size in sizes.items() if size >= side]

    def pixels_of(image: Image.Image) -> np.ndarray:
        pixels = np.array(plain(image, "RGB"))
        if min(pixels.shape[:2]) < side:
            raise ValueError("smaller than its header says")
        return pixels

    bar = progress(large, desc=f"reading {folder.name}", unit="img")
    tiles = []
    for _, pixels in _read(bar, pixels_of, unreadable):
        cut = cut_into_tiles(torch.from_numpy(pixels).permute(2, 0, 1)[None], side)
        tiles.append(subsample(cut, max(1, MAX_TILES // len(large))))
    named = abridged([f"{path}: {reason}" for path, reason in unreadable.items()], 3)
    if not tiles:
        raise UserError(f"{setting}={folder}: none of {len(paths)} images can be read ({named})")
    if unreadable:
        log.warning("%d of %d images left out: %s", len(unreadable), len(paths), named)
    jpegs = sum(kind in ("JPEG", "MPO") for _, kind in headers.values()) / len(headers)
    return Pictures(normalize(torch.cat(tiles)), len(sizes) - len(large), jpegs, unreadable)


def _read(
    paths: Iterable[Path], use: Callable[[Image.Image], Any], unreadable: dict[str, str]
) -> Iterator[tuple[Path, Any]]:
    """Yield each path with the result of `use` for its image; collect broken ones."""
    for path in paths:
        try:
            with warnings.catch_warnings(), opened(path) as image:
                warnings.simplefilter("ignore")  # Pillow's, about damage it can recover from
                result = use(image)
        except BrokenImage as error:
            unreadable[shown(path)] = str(error)
        else:
            yield path, result
