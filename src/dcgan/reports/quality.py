"""The work of dcgan-evaluate: compare a generator with real images; table, picture and JSON."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dcgan.config import DataConfig, EvaluateConfig
from dcgan.data.splits import has_test_split, num_classes
from dcgan.errors import UserError
from dcgan.evaluation.assessment import CHECKERBOARD, NAMES, assess, class_shares
from dcgan.evaluation.features import Extractor, get_extractor
from dcgan.evaluation.heldout import held_out, read_run
from dcgan.evaluation.memorization import nearest
from dcgan.files import make_folder, write_json
from dcgan.intervals import summarize
from dcgan.networks.saved import available, generator_of
from dcgan.pictures import evenly_spread, normalize, save_grid, subsample
from dcgan.progress import progress
from dcgan.reports.page import render
from dcgan.sampling import generate
from dcgan.seeding import stream

log = logging.getLogger(__name__)

RATIOS = {score.key for score in CHECKERBOARD if score.logarithmic}
NUM_NEAREST = 1000  # images for which the nearest training image is searched
ROWS = 10  # in the picture
COLUMNS = 10  # in the picture, at most: one per class
HELD_OUT = {"digits": "other variants of the training set's originals"}  # not truly held out
PAIRS = 3  # in the picture: per class, the images closest to a training image


def write_evaluation(config: EvaluateConfig, run_dir: Path) -> dict[str, Any]:
    """Evaluate a checkpoint; write result.json and quality.png into `run_dir`.

    Returns:
        The content of result.json, and the printed table under "table".

    Raises:
        UserError: the checkpoint or its data cannot be read.
    """
    checkpoint, data, training = read_run(config.checkpoint, config.root, "set root=FOLDER")
    known, unseen = _real_images(data, training, config.num_images)
    extractor = _extractor(data, checkpoint["data_digest"])
    real = None if extractor is None else extractor.extract(unseen)
    generator = generator_of(checkpoint, config.weights)

    # First the scores of real training images, which a perfect generator would get.
    floor = assess(known, unseen, real, extractor).numbers
    near = None
    if has_test_split(data) and data.source not in HELD_OUT:
        near = nearest(subsample(unseen, NUM_NEAREST), training)
        floor["nearest_training"] = near[0].median().item()
    found = []
    for seed in progress(config.seeds, desc="evaluating", unit="seed"):
        # As many as there are real training images above: FID depends on the number.
        shape, random = (len(known), generator.latent_size), stream(seed, "evaluation")
        images = generate(generator, torch.randn(shape, generator=random))
        found.append(assess(images, unseen, real, extractor))
        if near is not None:
            near = nearest(images[:NUM_NEAREST], training)
            found[-1].numbers["nearest_training"] = near[0].median().item()

    values = {key: [each.numbers[key] for each in found] for key in found[0].numbers}
    scores = {key: summarize(each, logarithmic=key in RATIOS) for key, each in values.items()}
    make_folder(run_dir)
    shown = images[:NUM_NEAREST]
    save_samples(run_dir / "quality.png", shown, found[-1].probabilities, near, training)
    result = {
        **_origin(config, checkpoint, data),
        "num_images": len(known),
        "num_held_out": len(unseen),
        "features": None if extractor is None else extractor.recipe,
        "scores": {key: {**asdict(scores[key]), "values": values[key]} for key in values},
        "real_training_images": floor,
        "class_shares": _shares([each.probabilities for each in found]),
        "held_out_class_shares": _shares([None if real is None else real.probabilities]),
        "picture": "quality.png",
    }
    write_json(run_dir / "result.json", result)
    table = render("quality.txt", names=NAMES, scores=scores, floor=floor)
    return result | {"table": table.rstrip()}


def _real_images(data: DataConfig, training: Tensor, num_images: int) -> tuple[Tensor, Tensor]:
    """Training images and held-out ones: without a test split, two random halves.

    Raises:
        UserError: there are not two of each.
    """
    order = torch.randperm(len(training), generator=stream(0, "halves"))[: 2 * num_images]
    first, second = (training[half] for half in order.tensor_split(2))
    known = evenly_spread(training if has_test_split(data) else second, num_images)
    unseen = held_out(data, first, num_images)
    if min(len(known), len(unseen)) < 2:
        raise UserError(
            f"the run's data={data.source}: {len(known)} training and {len(unseen)} held-out"
            " images; at least 2 of each are needed"
        )
    return known, unseen


def _origin(config: EvaluateConfig, checkpoint: dict[str, Any], data: DataConfig) -> dict[str, Any]:
    """Which weights were evaluated, on which images."""
    images = "test split" if has_test_split(data) else "a random half of the training images"
    return {
        "checkpoint": config.checkpoint,
        "step": checkpoint["step"],
        "images_seen": checkpoint["step"] * checkpoint["config"]["trainer"]["batch_size"],
        "weights": available(checkpoint, config.weights),
        "held_out": HELD_OUT.get(data.source, images),
        "sampling_seeds": list(config.seeds),
    }


def _shares(probabilities: Sequence[Tensor | None]) -> list[float] | None:
    """The classes' shares among all images; None without a classifier."""
    known = [each for each in probabilities if each is not None]
    return class_shares(torch.cat(known)).tolist() if known else None


def _extractor(data: DataConfig, digest: str) -> Extractor | None:
    """The features to compare images in; None where unlabeled data would need Inception."""
    try:
        return get_extractor(data, digest)
    except UserError as error:
        if num_classes(data):
            raise
        log.warning("no FID, KID, precision or recall: %s", error)
        return None


def save_samples(
    path: Path,
    images: Tensor,
    probabilities: Tensor | None,
    near: tuple[Tensor, Tensor] | None,
    training: Tensor,
) -> None:
    """Save images as a grid, with a column per class where there are classes; see `by_class`."""
    if probabilities is None:
        save_grid(images[: ROWS * COLUMNS], path, COLUMNS)
    else:
        classes = probabilities[: len(images)].argmax(1)
        num_columns = min(probabilities.shape[1], COLUMNS)
        save_grid(by_class(images, classes, num_columns, near, training), path, num_columns)


def by_class(
    images: Tensor,
    classes: Tensor,
    num_columns: int,
    near: tuple[Tensor, Tensor] | None,
    training: Tensor,
) -> Tensor:
    """A column per class: its first images, then those closest to a training image, above it.

    Args:
        images: (N, C, H, W) in [−1, 1].
        classes: (N,), the classes; those from `num_columns` on are not shown.
        near: distance and index of each image's nearest training image, both (N,).
        training: (M, C, H, W) uint8.

    Returns:
        Rows of `num_columns` images, white between the parts and where a class has too few.
    """
    columns = torch.arange(num_columns)
    members = classes[:, None] == columns

    def smallest(keys: Tensor, count: int) -> Tensor:
        return keys[:, None].masked_fill(~members, torch.inf).argsort(0)[:count]  # (count, columns)

    rows = [(images, row) for row in smallest(torch.arange(len(images)).float(), ROWS)]
    if near is not None:
        originals = normalize(training[near[1]])
        closest = smallest(near[0], PAIRS)
        rows.append((torch.ones_like(images), closest[0]))
        rows += [(shown, row) for row in closest for shown in (images, originals)]
    belongs = members[..., None, None, None]
    return torch.cat([shown[row].where(belongs[row, columns], 1) for shown, row in rows])
