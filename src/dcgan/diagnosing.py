"""A checkpoint, an exported generator or a folder of images: does it leave a grid?"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from tqdm import tqdm

from dcgan.checkerboard.diagnosis import Diagnosis, diagnose
from dcgan.checkerboard.judgement import (
    CLEAN_RATIO,
    MAX_TILES,
    MIN_TILES,
    PRESENT,
    PeriodJudgement,
    cut_into_tiles,
    judge,
    tile_side,
)
from dcgan.config import DiagnoseConfig
from dcgan.errors import UserError
from dcgan.files import write_json
from dcgan.networks.saved import LAST, load_generator
from dcgan.sampling import generate, latents_of_seeds

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm"))
STATUS = {"clean": 0, "grid": 1, "could not judge": 2}


def diagnose_target(config: DiagnoseConfig, run_dir: Path) -> dict[str, Any]:
    """Diagnose what `config.target` names; write result.json.

    Returns:
        verdict (a key of `STATUS`), reason, periods, and layers where there are any; "table" and
        "layer_table" hold the same for people.

    Raises:
        UserError: the target or the reference cannot be read.
    """
    target = Path(config.target).expanduser()
    network = None
    if target.suffix in (".pt", ".safetensors") or (target / LAST).is_file():
        network, images = _generated(target, config)
    else:
        images = _read_folder(target, config.num_images)
    reference = None
    if config.reference is not None:
        reference = _read_folder(Path(config.reference).expanduser(), config.num_images)
    side = tile_side([(image.shape[1], image.shape[2]) for image in (*images, *(reference or []))])
    tiles = _tiles(images, side)
    against = None if reference is None else _tiles(reference, side)
    periods = judge(tiles, against)
    verdict, reason = _verdict(periods, tiles, against)
    result: dict[str, Any] = {
        "target": config.target,
        "reference": config.reference,
        "verdict": verdict,
        "reason": reason,
        "num_images": len(images),
        "num_tiles": len(tiles),
        "tile_side": side,
        "periods": [{**asdict(period), "verdict": period.verdict} for period in periods],
        "table": _table(periods, against is not None),
    }
    if network is not None:
        result["layers"] = [{**asdict(x), "verdict": x.verdict} for x in network.layers]
        result["layer_table"] = str(network)
    run_dir.mkdir(parents=True, exist_ok=True)
    plain = {k: v for k, v in result.items() if not k.endswith("table")}
    write_json(run_dir / "result.json", plain)
    return result


def _generated(target: Path, config: DiagnoseConfig) -> tuple[Diagnosis, list[Tensor]]:
    """The generator's layers on their real inputs, and its images."""
    generator = load_generator(target, config.weights)
    latents = latents_of_seeds(range(config.num_images), generator.latent_size)
    return diagnose(generator, latents[:128]), list(generate(generator, latents))


def _read_folder(folder: Path, num_images: int) -> list[Tensor]:
    """Evenly chosen images of a tree: (C, H, W) in [−1, 1] each, all grey or all colour."""
    if not folder.is_dir():
        raise UserError(f"{folder}: neither a folder of images, a run, a .pt nor a .safetensors")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise UserError(f"{folder}: no images in it ({', '.join(sorted(SUFFIXES))})")
    if len(paths) > num_images:
        chosen = np.linspace(0, len(paths) - 1, num_images).astype(int)
        paths = [paths[i] for i in chosen]
    images = []
    for path in tqdm(paths, desc=f"reading {folder.name}", unit="img", disable=None):
        try:
            with Image.open(path) as picture:
                pixels = np.asarray(picture.convert("RGB"))
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise UserError(f"{path}: not a readable image ({type(error).__name__})") from error
        images.append(torch.from_numpy(pixels.copy()).permute(2, 0, 1) / 127.5 - 1)
    return images


def _tiles(images: list[Tensor], side: int) -> Tensor:
    tiles = cut_into_tiles(images, side)
    if len(tiles) <= MAX_TILES:
        return tiles
    return tiles[torch.linspace(0, len(tiles) - 1, MAX_TILES).long()]


def _verdict(
    periods: list[PeriodJudgement], tiles: Tensor, reference: Tensor | None
) -> tuple[str, str]:
    for name, some in (("target", tiles), ("reference", reference)):
        if some is not None and len(some) < MIN_TILES:
            return "could not judge", f"the {name} gives {len(some)} tiles: at least {MIN_TILES}"
    grids = [period for period in periods if period.verdict == "grid"]
    beside = "the reference" if reference is not None else "clean images"
    if grids:
        found = ", ".join(
            f"period {p.period}: {p.ratio:.3g} times that of {beside} [{p.low:.3g}, {p.high:.3g}]"
            for p in grids
        )
        layer = {2: "the last doubling layer", 4: "the doubling layer before the last"}
        guilty = " and ".join(layer[p.period] for p in grids)
        return "grid", f"{found}; such is made by {guilty}"
    undecided = [period for period in periods if period.verdict == "undecided"]
    if undecided:
        which = ", ".join(f"{p.period} [{p.low:.3g}, {p.high:.3g}]" for p in undecided)
        return (
            "could not judge",
            f"the interval holds {PRESENT:g} (period {which}): more images help",
        )
    return "clean", f"no period stands out {PRESENT:g} times above {beside}"


def _table(periods: list[PeriodJudgement], with_reference: bool) -> str:
    beside = "÷ reference" if with_reference else f"÷ clean ({CLEAN_RATIO:g})"
    lines = [f"period  raw R   {beside:<13} 95 % interval     amplitude  PEC   verdict"]
    for p in periods:
        interval = f"[{p.low:.3g}, {p.high:.3g}]"
        lines.append(
            f"{p.period:<6}  {p.raw:<7.3g} {p.ratio:<13.3g} {interval:<17} {p.amplitude:<9.3g}"
            f"  {p.contrast:<5.3g} {p.verdict}"
        )
    return "\n".join(lines)
