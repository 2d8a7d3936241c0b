"""Diagnose a target: a run, an exported generator, a network from code, or a folder of images."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from dcgan.checkerboard import Diagnosis, diagnose
from dcgan.checkerboard.judgement import judge_all
from dcgan.config import DiagnoseConfig
from dcgan.config.identity import LAST
from dcgan.diagnosing.factory import load_factory
from dcgan.diagnosing.tiles import Pictures, cut_into_tiles, luminance, read_folder, tile_side
from dcgan.diagnosing.verdicts import both, judge_images, judge_layers, limits
from dcgan.errors import MachineError, UserError, first_line
from dcgan.evaluation.heldout import read_run
from dcgan.files import expand, make_folder, write_json
from dcgan.networks.checkpoint import find_checkpoint, read_checkpoint
from dcgan.networks.saved import load_generator
from dcgan.pictures import evenly_spread, normalize, to_uint8
from dcgan.sampling import check_images, generate, latents_of_seeds

log = logging.getLogger(__name__)

NUM_INPUTS = 128  # latents for the input statistics that ρ uses
MOSTLY = 0.5  # at least this share of JPEGs: their blocks may account for a pattern
MIN_TRAINING_TILES = 100  # compared with 40 clean images, most sets of 40 are undecided


def diagnose_target(config: DiagnoseConfig, run_dir: Path) -> dict[str, Any]:
    """Diagnose `config.target` and write result.json.

    Returns:
        The content of result.json (verdict, which is a key of `STATUS`, reason, layers if the
        target is a network, and what is known of its images), and the layers as text under
        "layer_table".

    Raises:
        UserError: the target or the reference cannot be read, or the factory fails.
    """
    target = expand(config.target)
    network: Diagnosis | None = None
    if not target.exists():  # then the settings allow a factory only
        network = _diagnose_factory(config)
        verdict, reason = judge_layers(network)
        found: dict[str, Any] = {"verdict": verdict, "reason": reason}
    elif target.suffix in (".pt", ".safetensors") or (target / LAST).is_file():
        network, pictures = _diagnose_generator(config)
        training = None
        if config.reference is None and target.suffix != ".safetensors":
            try:
                training = _training_images(config)
            except (UserError, MachineError) as error:
                log.warning("%s; comparing with noise instead", error)
        found = diagnose_images(config, pictures, training)
        found["both"] = both(network, found["verdict"])
    else:
        found = diagnose_images(config, read_folder(target, config.num_images, "target"))
    given = {"target": config.target, "reference": None}
    result = {**given, "both": None, **found}  # a run's layers and images
    if network is not None:
        result["layers"] = [{**asdict(layer), "verdict": layer.verdict} for layer in network.layers]
    make_folder(run_dir)
    write_json(run_dir / "result.json", result)
    return result | {"layer_table": network and str(network)}


def _diagnose_factory(config: DiagnoseConfig) -> Diagnosis:
    if config.reference is not None:
        raise UserError(f"reference={config.reference}: is for images; the target is code")
    network, example = load_factory(config.target)
    try:
        return diagnose(network, example)
    except Exception as error:
        kind = type(error).__name__
        raise UserError(
            f"target={config.target}: the network cannot be diagnosed ({kind}: {first_line(error)})"
        ) from error


def _diagnose_generator(config: DiagnoseConfig) -> tuple[Diagnosis, Pictures]:
    generator = load_generator(expand(config.target), config.weights)
    check_images(f"num_images={config.num_images}", config.num_images, generator)
    latents = latents_of_seeds(range(config.num_images), generator.latent_size)
    network = diagnose(generator, latents[:NUM_INPUTS])
    images = normalize(to_uint8(generate(generator, latents)))  # as saved to and read from files
    return network, _in_tiles(images)


def _training_images(config: DiagnoseConfig) -> Pictures:
    """What a run was trained on.

    Raises:
        UserError: it is no longer there, or not enough to compare with.
    """
    root = read_checkpoint(find_checkpoint(config.target))["config"]["data"]["root"]
    if root is not None and not expand(root).exists():  # read_run would download the data again
        raise UserError(f"data.root={root}: no such folder")
    at_most = max(config.num_images, MIN_TRAINING_TILES)
    pictures = _in_tiles(evenly_spread(read_run(config.target)[2], at_most))
    if (found := len(pictures.tiles)) < MIN_TRAINING_TILES:
        raise UserError(f"the training images give {found} tiles, too few to compare with")
    return pictures


def _in_tiles(images: Tensor) -> Pictures:
    return Pictures(cut_into_tiles(images, tile_side([images.shape[-1]])))


def diagnose_images(
    config: DiagnoseConfig, pictures: Pictures, reference: Pictures | None = None
) -> dict[str, Any]:
    """The part of the result that is about images.

    Args:
        reference: what to compare with if `config.reference` is None; None: noise.
    """
    tiles, against, jpegs = pictures.tiles, None, pictures.jpegs
    unreadable = dict(pictures.unreadable)
    if config.reference is not None:
        reference = read_folder(expand(config.reference), config.num_images, "reference")
    if reference is not None:
        unreadable |= reference.unreadable
        jpegs = max(jpegs, reference.jpegs)
        side = min(tiles.shape[-1], reference.tiles.shape[-1])
        tiles, against = (cut_into_tiles(t, side) for t in (tiles, reference.tiles))
    if jpegs:
        tiles, against = luminance(tiles), None if against is None else luminance(against)
    # A reference's blocks lower the ratio; they do not explain a pattern of the target.
    periods = judge_all(tiles, against, pictures.jpegs >= MOSTLY)
    verdict, reason = judge_images(periods, tiles, against)
    return {
        "verdict": verdict,
        "reason": reason,
        "reference": config.reference or (None if reference is None else "the training images"),
        "limits": limits(periods, tiles.shape[-1]),
        "num_tiles": len(tiles),
        "tile_side": tiles.shape[-1],
        "left_out_as_too_small": pictures.num_small,
        "unreadable": unreadable,
        "only_brightness": jpegs > 0,
        "periods": [{**asdict(period), "verdict": period.verdict} for period in periods],
    }
