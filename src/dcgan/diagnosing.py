"""A checkpoint, an exported generator or a folder of images: does it leave a grid?"""

from collections.abc import Callable
from dataclasses import asdict
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
from dcgan.data.preparation import to_8_bits
from dcgan.data.sources import IMAGE_SUFFIXES, image_files
from dcgan.errors import UserError
from dcgan.files import make_folder, write_json
from dcgan.networks.saved import load_generator
from dcgan.pictures import normalize, to_uint8
from dcgan.sampling import generate, latents_of_seeds

JPEG = (".jpg", ".jpeg")  # whose blocks leave a grid of 8 pixels
NUM_INPUTS = 128  # latents whose activations weigh the layers' ρ
LAYER_OF_PERIOD = {2: "the last doubling layer", 4: "the doubling layer before the last"}
STATUS = {"clean": 0, "grid": 1, "could not judge": 3}


def diagnose_target(config: DiagnoseConfig, run_dir: Path) -> dict[str, Any]:
    """Diagnose what `config.target` names; write result.json.

    Returns:
        What result.json holds: verdict (a key of `STATUS`), reason, periods, and layers where there
        are any; these for people too, as "layer_table".

    Raises:
        UserError: the target or the reference cannot be read.
    """
    target = Path(config.target).expanduser()
    network, against, num_small, jpeg = None, None, 0, False
    if target.suffix in (".pt", ".safetensors") or (target / LAST).is_file():
        generator = load_generator(target, config.weights)
        latents = latents_of_seeds(range(config.num_images), generator.latent_size)
        network = diagnose(generator, latents[:NUM_INPUTS])
        images = normalize(to_uint8(generate(generator, latents)))  # as a file would have them
        tiles = cut_into_tiles(images, tile_side([images.shape[-1]]))
    else:
        tiles, num_small = _read_folder(target, config.num_images)
        jpeg = any(path.suffix.lower() in JPEG for path in target.rglob("*"))
    if config.reference is not None:
        against, _ = _read_folder(Path(config.reference).expanduser(), config.num_images)
        side = min(tiles.shape[-1], against.shape[-1])
        tiles, against = cut_into_tiles(tiles, side), cut_into_tiles(against, side)
    periods = judge(tiles, against)
    verdict, reason = _verdict(periods, tiles, against)
    result: dict[str, Any] = {
        "target": config.target,
        "reference": config.reference,
        "verdict": verdict,
        "reason": reason,
        "num_tiles": len(tiles),
        "tile_side": tiles.shape[-1],
        "left_out_as_too_small": num_small,
        "jpeg": jpeg,
        "periods": [{**asdict(period), "verdict": period.verdict} for period in periods],
    }
    if network is not None:
        result["layers"] = [{**asdict(layer), "verdict": layer.verdict} for layer in network.layers]
    make_folder(run_dir)
    write_json(run_dir / "result.json", result)
    return result | {"layer_table": network and str(network)}


def _read_folder(folder: Path, num_images: int) -> tuple[Tensor, int]:
    """Tiles of evenly chosen images of a tree, and how many images were too small for one.

    Returns:
        (N, 3, side, side) in [−1, 1], N at most about `MAX_TILES`, evenly taken from each image.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: neither a folder of images, a run, a .pt nor a .safetensors")
    if next(folder.rglob("metrics.jsonl"), None) is not None:
        raise UserError(f"{folder}: holds runs; name one that has saved {LAST}")
    paths = image_files(folder)
    if not paths:
        raise UserError(f"{folder}: no images in it ({' '.join(IMAGE_SUFFIXES)})")
    paths = [paths[i] for i in _evenly(len(paths), num_images)]
    sizes = [_read(path, lambda image: min(image.size)) for path in paths]
    side = tile_side(sizes)
    large = [path for path, size in zip(paths, sizes, strict=True) if size >= side]
    tiles = []
    for path in tqdm(large, desc=f"reading {folder.name}", unit="img", disable=None):
        pixels = _read(path, lambda image: np.array(to_8_bits(image).convert("RGB")))
        cut = cut_into_tiles(torch.from_numpy(pixels).permute(2, 0, 1)[None], side)
        tiles.append(cut[_evenly(len(cut), max(1, MAX_TILES // len(large)))])
    return normalize(torch.cat(tiles)), len(paths) - len(large)


def _read(path: Path, use: Callable[[Image.Image], Any]) -> Any:
    try:
        with Image.open(path) as image:
            return use(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: not a readable image ({type(error).__name__})") from error


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
    beside = "clean images" if reference is None else "the reference"
    grids = [period for period in periods if period.verdict == "grid"]
    if grids:
        found = ", ".join(
            f"period {p.period}: {p.ratio:.3g} times that of {beside} {_interval(p)}" for p in grids
        )
        guilty = " and ".join(LAYER_OF_PERIOD[p.period] for p in grids)
        return "grid", f"{found}; such is made by {guilty}"
    undecided = [f"{p.period} {_interval(p)}" for p in periods if p.verdict == "undecided"]
    if undecided:
        around = f"the interval contains {PRESENT:g} (period {', '.join(undecided)})"
        return "could not judge", f"{around}: more images help"
    return "clean", f"no period stands out {PRESENT:g} times above {beside}"


def _interval(period: PeriodJudgement) -> str:
    return f"[{period.low:.3g}, {period.high:.3g}]"
