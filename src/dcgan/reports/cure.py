"""The work of dcgan-cure: remove the checkerboard from a trained generator, without training."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from dcgan.checkerboard import bake, balance
from dcgan.checkerboard.images import fine_detail, spectrum, usable_periods
from dcgan.checkerboard.judgement import PeriodJudgement, judge
from dcgan.checkerboard.scores import is_grid
from dcgan.config import CureConfig
from dcgan.data.splits import num_classes
from dcgan.errors import UserError
from dcgan.evaluation.distances import fid_against
from dcgan.evaluation.features import get_extractor
from dcgan.evaluation.heldout import held_out, read_run
from dcgan.files import make_folder, write_json
from dcgan.networks.generator import Generator
from dcgan.networks.saved import available, export_generator, generator_of, with_notch
from dcgan.pictures import evenly_spread, save_grid
from dcgan.progress import progress
from dcgan.sampling import check_images, generate, latents_of_seeds
from dcgan.training.scores import upsampling_blocks

NUM_STATISTICS = 2048  # latents used to recompute batch norm's statistics
NOTCHES = (1, 2, 4, 8, 16)  # orders
MOST_DETAIL = 1.2  # the most fine detail allowed, relative to the original images
NUM_SHOWN = 8  # images in the figure, each enlarged
ENLARGE = 4


@dataclass(frozen=True)
class Cure:
    """A cure and its effect on the images."""

    name: str
    periods: list[PeriodJudgement]
    change: float  # RMS difference of the images, on the [−1, 1] scale
    # Power of the fine detail relative to before, without the checkerboard's frequencies.
    detail: float
    fid: float | None  # None if the data have no labels

    @property
    def is_clean(self) -> bool:
        """Whether no period has a checkerboard; by the ratios, not by their intervals."""
        return not any(is_grid(period.ratio, period.raw) for period in self.periods)


def write_cure(config: CureConfig, run_dir: Path) -> dict[str, Any]:
    """Try every cure; write result.json, cured.safetensors and cured.png into `run_dir`.

    Returns:
        The content of result.json with `cures` as objects, and the run's config, with the data
        where they are now.

    Raises:
        UserError: the checkpoint or its data cannot be read, or its images are too small.
    """
    checkpoint, data, training = read_run(config.checkpoint, config.root, "set root=FOLDER")
    generator = generator_of(checkpoint, config.weights)
    check_images(f"num_images={config.num_images}", config.num_images, generator)
    latents = latents_of_seeds(range(config.num_images), generator.latent_size)
    real = evenly_spread(training, config.num_images)
    if not usable_periods(*real.shape[-2:]):
        raise UserError(f"checkpoint={config.checkpoint}: images below 16 pixels are not scored")
    fid = None
    if num_classes(data):
        extractor = get_extractor(data, checkpoint["data_digest"])
        fid = fid_against(held_out(data, training, config.num_images), extractor)
    candidates = {"nothing": generator, **candidates_for(generator, latents)}
    cures, shown = try_cures(candidates, latents, real, fid)
    best = recommended(cures)
    make_folder(run_dir)
    cured, picture = run_dir / "cured.safetensors", run_dir / "cured.png"
    for path in (cured, picture):  # of another run that was cured into this folder
        path.unlink(missing_ok=True)
    if best is not None and best.name != "nothing":
        export_generator(cured, candidates[best.name])
        pairs = torch.cat([shown["nothing"], shown[best.name]])
        save_grid(F.interpolate(pairs, scale_factor=ENLARGE), picture, NUM_SHOWN)
    result = {
        "checkpoint": config.checkpoint,
        "step": checkpoint["step"],
        "weights": available(checkpoint, config.weights),
        "num_images": config.num_images,
        "recommended": None if best is None else best.name,
        "cures": [asdict(cure) | {"is_clean": cure.is_clean} for cure in cures],
    }
    write_json(run_dir / "result.json", result)
    return result | {"cures": cures, "config": checkpoint["config"] | {"data": asdict(data)}}


def try_cures(
    candidates: Mapping[str, Generator],
    latents: Tensor,
    real: Tensor,
    fid: Callable[[Tensor], float] | None,
) -> tuple[list[Cure], dict[str, Tensor]]:
    """Compare the images of generators with those of "nothing", the uncured one.

    Returns:
        What each makes of the images; and its first `NUM_SHOWN` images, by name.
    """
    cures, shown = [], {}
    before = generate(candidates["nothing"], latents)
    detail = fine_detail(spectrum(before))
    for name, candidate in progress(candidates.items(), desc="curing", unit="cure"):
        after = before if name == "nothing" else generate(candidate, latents)
        shown[name] = after[:NUM_SHOWN].clone()  # a view would keep all images
        cures.append(
            Cure(
                name,
                judge(after, real),
                change=(after - before).square().mean().sqrt().item(),
                detail=fine_detail(spectrum(after)) / detail,
                fid=None if fid is None else fid(after),
            )
        )
    return cures, shown


def candidates_for(generator: Generator, latents: Tensor) -> dict[str, Generator]:
    """Changed copies of a trained generator to try, with ordinary weights, by name."""
    found: dict[str, Generator] = {}
    blocks = list(upsampling_blocks(generator))
    for order, count in product((1, 2), range(1, len(blocks) + 1)):
        cured = copy.deepcopy(generator)
        parts = [cured.layers.get_submodule(name) for name in blocks[-count:]]
        if any(layer.problem for part in parts for layer in balance(part, order=order)):
            continue
        bake(cured)
        if count > 1:  # the running statistics no longer match the changed kernels
            update_bn([latents[:NUM_STATISTICS]], cured)
        name = {1: "last block", len(blocks): "all blocks"}.get(count, f"last {count} blocks")
        found[f"{name} balanced, order {order}"] = cured
    for notch in NOTCHES:
        if notch < generator.image_size:
            found[f"notch of order {notch}"] = with_notch(generator, notch)
    return found


def recommended(cures: list[Cure]) -> Cure | None:
    """The candidate that makes the images clean and changes them least; None if none does.

    This is "nothing" if they are already clean. A candidate that adds fine detail is never
    recommended: the added detail is noise, which looks worse than the checkerboard.
    """
    cures = [cure for cure in cures if cure.is_clean and cure.detail < MOST_DETAIL]
    return min(cures, key=lambda cure: cure.change, default=None)
