"""dcgan-evaluate's work: a generator against real images, as a table, a picture and JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from tqdm import tqdm

from dcgan.config import EvaluateConfig
from dcgan.data.labeled import has_labels
from dcgan.evaluation.assessment import NAMES, assess, class_shares
from dcgan.evaluation.features import get_extractor
from dcgan.evaluation.heldout import held_out, read_run
from dcgan.evaluation.memorization import nearest
from dcgan.files import make_folder, write_json
from dcgan.intervals import summarize
from dcgan.networks.saved import load_generator
from dcgan.pictures import evenly_spread, grid, normalize, subsample
from dcgan.reports.figures import STYLE, panels, save_png
from dcgan.reports.page import render
from dcgan.sampling import generate
from dcgan.seeding import stream

NUM_NEAREST = 1000  # images whose nearest training image is looked for
COLUMNS = 10  # of the picture: one for each class
ROWS = 10


def write_evaluation(config: EvaluateConfig, run_dir: Path) -> dict[str, Any]:
    """Evaluate a checkpoint; write result.json and quality.png into `run_dir`.

    Returns:
        What result.json holds, and the same for people under "table".

    Raises:
        UserError: the checkpoint or its data cannot be read.
    """
    checkpoint, data, training = read_run(config.checkpoint, config.root, "set root=FOLDER")
    extractor = get_extractor(data, checkpoint["data_digest"])
    labeled = has_labels(data)
    # Without a test split, every second training image stands for it.
    unseen = held_out(data, training[::2], config.num_images)
    known = evenly_spread(training if labeled else training[1::2], config.num_images)
    real = extractor.extract(unseen)
    generator = load_generator(Path(config.checkpoint).expanduser(), config.weights)

    # Real training images first: what a perfect generator would get.
    floor = assess(known, unseen, real, extractor).numbers
    copies = labeled and data.source != "digits"  # held-out images are really new
    if copies:
        distances, _ = nearest(subsample(unseen, NUM_NEAREST), training)
        floor["nearest_training"] = distances.median().item()
    found = []
    for seed in tqdm(config.seeds, desc="evaluating", unit="seed", disable=None):
        # As many as there are real training images to compare with: FID depends on the number.
        random = stream(seed, "evaluation")
        latents = torch.randn(len(known), generator.latent_size, generator=random)
        images = generate(generator, latents)
        found.append(assess(images, unseen, real, extractor))
        if copies:
            distances, indices = nearest(images[:NUM_NEAREST], training)
            found[-1].numbers["nearest_training"] = distances.median().item()

    values = {key: [each.numbers[key] for each in found] for key in found[0].numbers}
    scores = {key: summarize(each) for key, each in values.items()}
    shares: dict[str, list[float]] = {}  # of the classes
    if real.probabilities is not None:
        generated = np.mean([each.class_shares or [] for each in found], axis=0)
        shares["generated"] = generated.tolist()
        shares["held out"] = class_shares(real.probabilities).tolist()
    make_folder(run_dir)
    images = images[:NUM_NEAREST]
    picture = _picture(
        images,
        extractor.extract(images).probabilities,
        f"FID {scores['fid']}",
        shares,
        (distances, normalize(training[indices])) if copies else None,
    )
    save_png(picture, run_dir / "quality.png")
    origin = "test split" if labeled else "every second training image"
    if data.source == "digits":
        origin = "other drawings of the training set's originals"
    result = {
        "checkpoint": config.checkpoint,
        "step": checkpoint["step"],
        "images_seen": checkpoint["step"] * checkpoint["config"]["trainer"]["batch_size"],
        "weights": "raw" if config.weights == "raw" or checkpoint["ema"] is None else "ema",
        "num_images": len(known),
        "num_held_out": len(unseen),
        "held_out": origin,
        "sampling_seeds": list(config.seeds),
        "features": extractor.recipe,
        "scores": {k: {**asdict(scores[k]), "values": values[k]} for k in values},
        "real_training_images": floor,
        "class_shares": shares.get("generated"),
        "held_out_class_shares": shares.get("held out"),
        "picture": "quality.png",
    }
    write_json(run_dir / "result.json", result)
    table = render("quality.txt", names=NAMES, scores=scores, floor=floor)
    return result | {"table": table.rstrip()}


@mpl.rc_context(STYLE)
def _picture(
    images: Tensor,
    probabilities: Tensor | None,
    title: str,
    shares: dict[str, list[float]],
    near: tuple[Tensor, Tensor] | None,
) -> Figure:
    """Images by class, the classes' shares, and the nearest copies, as far as there are such.

    Args:
        images: (N, C, H, W) in [−1, 1], generated.
        probabilities: (N, 10) of their classes.
        shares: of the classes, generated and held out.
        near: (N,) distances of the nearest training images, and these, as `images`.
    """
    count = 1 + bool(shares) + (near is not None)
    figure, axes = panels(count, count, 3.7, 4.0)
    if probabilities is None:
        _show(axes[0], images[: ROWS * COLUMNS], title)
        return figure
    by_class, closest = [], []
    for number in range(COLUMNS):
        others = probabilities.argmax(1) != number
        members = (~others).nonzero().flatten()
        if not len(members):  # nothing is taken for it: what comes nearest
            members = probabilities[:, number].argsort(descending=True)[:1]
        by_class.append(members[torch.arange(ROWS) % len(members)])  # a class may repeat its few
        if near is not None:
            closest.append(near[0].masked_fill(others, torch.inf).argsort()[: COLUMNS // 2])
    _show(axes[0], images[torch.stack(by_class, 1).flatten()], f"{title}; a column for each class")
    if shares:
        classes = np.arange(COLUMNS)
        for side, (name, values) in zip((-0.2, 0.2), shares.items(), strict=True):
            axes[1].bar(classes + side, np.multiply(values, 100), 0.4, label=name)
        axes[1].set_xticks(classes)
        axes[1].set_title("classes, % of images", fontsize=9)
        axes[1].set_ylim(0, 130 * max(map(max, shares.values())))  # room for the legend
        axes[1].legend(loc="upper right", fontsize=8, ncols=2)
    if near is not None:  # a row for each class
        nearest_first = torch.cat(closest)
        pairs = torch.stack([images[nearest_first], near[1][nearest_first]], 1).flatten(0, 1)
        _show(axes[-1], pairs, "nearest; right of each: the training image")
    return figure


def _show(axis: Axes, images: Tensor, title: str) -> None:
    axis.imshow(np.asarray(grid(images, num_columns=COLUMNS)))
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()
