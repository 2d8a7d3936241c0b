"""dcgan-evaluate's work: a generator against real images, as a table, a picture and JSON."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from dcgan.config import DataConfig, EvaluateConfig
from dcgan.data.labeled import has_labels
from dcgan.evaluation.assessment import NAMES, assess, class_shares
from dcgan.evaluation.features import get_extractor
from dcgan.evaluation.heldout import held_out, read_run
from dcgan.evaluation.memorization import nearest
from dcgan.files import make_folder, write_json
from dcgan.intervals import Summary, summarize
from dcgan.networks.generator import Generator
from dcgan.networks.saved import load_generator
from dcgan.pictures import evenly_spread, subsample
from dcgan.reports.figures import save_png
from dcgan.reports.quality_picture import quality_picture
from dcgan.sampling import generate
from dcgan.seeding import stream

NUM_NEAREST = 1000  # images whose nearest training image is looked for


def write_evaluation(config: EvaluateConfig, run_dir: Path) -> dict[str, Any]:
    """Evaluate a checkpoint; write result.json and quality.png into `run_dir`.

    Returns:
        What result.json holds, and the same for people under "table".

    Raises:
        UserError: the checkpoint or its data cannot be read.
    """
    checkpoint, data, training = read_run(config.checkpoint, config.root, "set root=FOLDER")
    extractor = get_extractor(data, checkpoint["data_digest"])
    unseen, known = _real_images(data, training, config.num_images)
    real = extractor.extract(unseen)
    generator = load_generator(Path(config.checkpoint).expanduser(), config.weights)

    # Real training images first: what a perfect generator would get.
    floor = assess(known, unseen, real, extractor)
    copies = has_labels(data) and data.source != "digits"  # held-out images are really new
    if copies:
        distances = nearest(subsample(unseen, NUM_NEAREST), training).distances
        floor.numbers["nearest_training"] = distances.median().item()
    found, near = [], []
    for seed in tqdm(config.seeds, desc="evaluating", unit="seed", disable=None):
        images = _draw(generator, seed, len(known))
        found.append(assess(images, unseen, real, extractor))
        if copies:
            near.append(nearest(images[:NUM_NEAREST], training))
            found[-1].numbers["nearest_training"] = near[-1].distances.median().item()

    values = {key: [each.numbers[key] for each in found] for key in found[0].numbers}
    summaries = {key: summarize(each) for key, each in values.items()}
    shares: tuple[list[float], list[float]] | None = None  # of the classes: generated, real
    if real.probabilities is not None:
        generated = np.mean([each.class_shares or [] for each in found], axis=0)
        shares = generated.tolist(), class_shares(real.probabilities).tolist()
    make_folder(run_dir)
    picture = quality_picture(
        images[:NUM_NEAREST],
        extractor.extract(images[:NUM_NEAREST]).probabilities,
        f"FID {summaries['fid']}",
        shares,
        (near[-1], training) if near else None,
    )
    save_png(picture, run_dir / "quality.png")
    result = {
        "checkpoint": config.checkpoint,
        "step": checkpoint["step"],
        "images_seen": checkpoint["step"] * checkpoint["config"]["trainer"]["batch_size"],
        "weights": "raw" if config.weights == "raw" or checkpoint["ema"] is None else "ema",
        "num_images": len(known),
        "num_held_out": len(unseen),
        "held_out": _origin(data),
        "sampling_seeds": list(config.seeds),
        "features": extractor.recipe,
        "scores": {k: {**asdict(summaries[k]), "values": values[k]} for k in values},
        "real_training_images": floor.numbers,
        "class_shares": shares and shares[0],
        "held_out_class_shares": shares and shares[1],
        "picture": "quality.png",
    }
    write_json(run_dir / "result.json", result)
    return result | {"table": _table(summaries, floor.numbers)}


def _real_images(data: DataConfig, training: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Held-out images, and as many that the generator was trained on."""
    known = training if has_labels(data) else training[1::2]
    return held_out(data, training[::2], number), evenly_spread(known, number)


def _origin(data: DataConfig) -> str:
    if data.source == "digits":
        return "other drawings of the training set's originals"
    return "test split" if has_labels(data) else "every second training image"


def _draw(generator: Generator, seed: int, number: int) -> Tensor:
    """As many as there are real training images to compare with: FID depends on the number."""
    latents = torch.randn(number, generator.latent_size, generator=stream(seed, "evaluation"))
    return generate(generator, latents)


def _table(summaries: Mapping[str, Summary], floor: Mapping[str, float]) -> str:
    """Generated images with intervals over sampling seeds, beside real ones.

    The last column is of training images against held-out ones, but for the nearest training
    image, which is that of held-out images.
    """
    lines = [f"{'':<28} {'generated':<28} real"]
    for key, name in NAMES.items():
        if key in summaries:
            lines.append(f"{name:<28} {summaries[key]!s:<28} {floor[key]:.3g}")
    return "\n".join(lines)
