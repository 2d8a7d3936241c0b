"""Diagnose checkerboard artifacts in a run, an exported generator or a folder of images."""

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from dcgan.checkerboard import diagnose
from dcgan.checkerboard.judgement import (
    MAX_TILES,
    MIN_TILES,
    PeriodJudgement,
    cut_into_tiles,
    judge,
    tile_side,
)
from dcgan.checkerboard.scores import PRESENT
from dcgan.config import DiagnoseConfig
from dcgan.config.identity import LAST
from dcgan.data.decoding import BrokenImage, opened, plain
from dcgan.data.folders import JPEG_SUFFIXES, abridged, image_files, shown
from dcgan.errors import UserError
from dcgan.files import expand, make_folder, write_json
from dcgan.networks.saved import load_generator
from dcgan.pictures import normalize, to_uint8
from dcgan.sampling import check_images, generate, latents_of_seeds

log = logging.getLogger(__name__)

NUM_INPUTS = 128  # latents for the input statistics that ρ uses
LAYER_OF_PERIOD = {2: "the last upsampling layer", 4: "the upsampling layer before the last"}
STATUS = {"clean": 0, "grid": 1, "could not judge": 3}


@dataclass
class Pictures:
    """Images read from a folder, or generated, cut into tiles."""

    tiles: Tensor  # (N, C, side, side) in [−1, 1]
    num_small: int = 0  # images too small for a tile
    jpeg: bool = False  # whether any is a JPEG, whose blocks leave a pattern of period 8
    unreadable: dict[str, str] = field(default_factory=dict)  # file → reason


def diagnose_target(config: DiagnoseConfig, run_dir: Path) -> dict[str, Any]:
    """Diagnose `config.target` and write result.json.

    Returns:
        The content of result.json (verdict, which is a key of `STATUS`, reason, periods, and layers
        if the target is a generator), and the layers as text under "layer_table".

    Raises:
        UserError: the target or the reference cannot be read.
    """
    target = expand(config.target)
    network, against = None, None
    if target.suffix in (".pt", ".safetensors") or (target / LAST).is_file():
        generator = load_generator(target, config.weights)
        check_images(f"num_images={config.num_images}", config.num_images, generator)
        latents = latents_of_seeds(range(config.num_images), generator.latent_size)
        network = diagnose(generator, latents[:NUM_INPUTS])
        images = normalize(
            to_uint8(generate(generator, latents))
        )  # as saved to and read from files
        pictures = Pictures(cut_into_tiles(images, tile_side([images.shape[-1]])))
    else:
        pictures = _read_folder(target, config.num_images, "target")
    tiles, unreadable = pictures.tiles, dict(pictures.unreadable)
    if config.reference is not None:
        folder = expand(config.reference)
        reference = _read_folder(folder, config.num_images, "reference")
        unreadable |= reference.unreadable
        side = min(tiles.shape[-1], reference.tiles.shape[-1])
        tiles, against = (cut_into_tiles(t, side) for t in (tiles, reference.tiles))
    periods = judge(tiles, against)
    verdict, reason = _verdict(periods, tiles, against)
    result: dict[str, Any] = {
        "target": config.target,
        "reference": config.reference,
        "verdict": verdict,
        "reason": reason,
        "num_tiles": len(tiles),
        "tile_side": tiles.shape[-1],
        "left_out_as_too_small": pictures.num_small,
        "unreadable": unreadable,
        "jpeg": pictures.jpeg,
        "periods": [{**asdict(period), "verdict": period.verdict} for period in periods],
    }
    if network is not None:
        result["layers"] = [{**asdict(layer), "verdict": layer.verdict} for layer in network.layers]
    make_folder(run_dir)
    write_json(run_dir / "result.json", result)
    return result | {"layer_table": network and str(network)}


def _read_folder(folder: Path, num_images: int, setting: str) -> Pictures:
    """Cut evenly spaced images below a folder into tiles; keep about `MAX_TILES`, evenly spaced.

    Raises:
        UserError: this is not a folder of images, or none of them can be read. The message names
            `setting`.
    """
    if folder.is_file():
        raise UserError(f"{folder}: must be a folder of images, a run, a .pt or a .safetensors")
    if next(folder.rglob("metrics.jsonl"), None) is not None:
        raise UserError(f"{folder}: holds runs; name one that has saved {LAST}")
    paths = image_files(folder, setting)
    jpeg = any(path.suffix.lower() in JPEG_SUFFIXES for path in paths)
    paths = [paths[i] for i in _evenly(len(paths), num_images)]
    unreadable: dict[str, str] = {}
    sizes = dict(_read(paths, lambda image: min(image.size), unreadable))
    side = tile_side(list(sizes.values())) if sizes else 0
    large = [path for path, size in sizes.items() if size >= side]

    def pixels_of(image: Image.Image) -> np.ndarray:
        pixels = np.array(plain(image, "RGB"))
        if min(pixels.shape[:2]) < side:
            raise ValueError("smaller than its header says")
        return pixels

    bar = tqdm(large, desc=f"reading {folder.name}", unit="img", disable=None)
    tiles = []
    for _, pixels in _read(bar, pixels_of, unreadable):
        cut = cut_into_tiles(torch.from_numpy(pixels).permute(2, 0, 1)[None], side)
        tiles.append(cut[_evenly(len(cut), max(1, MAX_TILES // len(large)))])
    named = abridged([f"{path}: {reason}" for path, reason in unreadable.items()], 3)
    if not tiles:
        raise UserError(f"{setting}={folder}: none of {len(paths)} images can be read ({named})")
    if unreadable:
        log.warning("%d of %d images left out: %s", len(unreadable), len(paths), named)
    return Pictures(normalize(torch.cat(tiles)), len(sizes) - len(large), jpeg, unreadable)


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


def _evenly(count: int, at_most: int) -> list[int]:
    """At most `at_most` evenly spaced indices below `count`."""
    chosen: list[int] = np.linspace(0, count - 1, min(count, at_most)).astype(int).tolist()
    return chosen


def _verdict(
    periods: list[PeriodJudgement], tiles: Tensor, reference: Tensor | None
) -> tuple[str, str]:
    for name, some in (("target", tiles), ("reference", reference)):
        if some is not None and len(some) < MIN_TILES:
            few = f"the {name} gives {len(some)} tiles; at least {MIN_TILES} are needed"
            return "could not judge", few
    for name, some in (("target", tiles), ("reference", reference)):
        if some is not None and some.flatten(2).std(-1).max() == 0:
            return "could not judge", f"every image of the {name} is of one color"
    beside = "clean images" if reference is None else "the reference"
    grids = [period for period in periods if period.verdict == "grid"]
    if grids:
        found = ", ".join(
            f"period {p.period}: {p.ratio:.3g} times that of {beside} {_interval(p)}" for p in grids
        )
        guilty = " and ".join(LAYER_OF_PERIOD[p.period] for p in grids)
        return "grid", f"{found}; this is produced by {guilty}"
    undecided = [f"{p.period} {_interval(p)}" for p in periods if p.verdict == "undecided"]
    if undecided:
        around = f"the interval contains {PRESENT:g} (period {', '.join(undecided)})"
        return "could not judge", f"{around}: more images help"
    return "clean", f"no period exceeds {PRESENT:g} times that of {beside}"


def _interval(period: PeriodJudgement) -> str:
    return f"[{period.low:.3g}, {period.high:.3g}]"
