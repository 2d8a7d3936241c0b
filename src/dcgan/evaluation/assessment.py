"""Score a set of images against held-out real ones."""

from dataclasses import dataclass
from statistics import mean

import torch
from scipy.stats import entropy
from torch import Tensor

from dcgan.checkerboard.judgement import judge
from dcgan.checkerboard.scores import CONTRAST, PEAK_OVER_REAL
from dcgan.evaluation.distances import frechet_distance, kernel_distance, precision_recall
from dcgan.evaluation.features import Extractor, Features
from dcgan.evaluation.patches import patch_distances
from dcgan.pictures import subsample

NUM_JUDGED = 2000  # images for the checkerboard scores
CHECKERBOARD = (*PEAK_OVER_REAL.values(), *CONTRAST.values())
# Key in result.json: name in the table; in the table's order.
NAMES = {
    "fid": "FID",
    "kid": "KID",
    "precision": "precision",
    "recall": "recall",
    "confidence": "classifier's confidence",  # mean of its largest probability
    "class_kl": "KL of the classes, nats",  # relative to the held-out images
    "patches": "fine patches, SWD x 1000",  # sliced Wasserstein distance; unlabeled data only
    "patches_coarse": "coarser patches, SWD x 1000",
    "nearest_training": "nearest training image, RMS",
} | {score.key: score.name for score in CHECKERBOARD}


@dataclass(frozen=True)
class Assessment:
    """The scores of a set of images."""

    numbers: dict[str, float]
    probabilities: Tensor | None  # (N, classes) of the images; None without a classifier


def assess(
    images: Tensor, held_out: Tensor, real: Features | None, extractor: Extractor | None
) -> Assessment:
    """Score images against held-out ones, both (N, C, H, W) in [−1, 1]; see `NAMES`.

    Args:
        real: features of the held-out images; None, like the extractor, if there are none.
    """
    numbers, probabilities = {}, None
    few, few_held_out = subsample(images, NUM_JUDGED), subsample(held_out, NUM_JUDGED)
    features = None if extractor is None else extractor.extract(images)
    if features is not None and real is not None:
        numbers["fid"] = frechet_distance(real.values, features.values)
        numbers["kid"] = kernel_distance(real.values, features.values)
        precision, recall = precision_recall(real.values, features.values)
        numbers |= {"precision": precision, "recall": recall}
        if features.probabilities is not None and real.probabilities is not None:
            generated = class_shares(features.probabilities)
            numbers["confidence"] = features.probabilities.max(1).values.double().mean().item()
            # ∞ where a class is not in the held-out images.
            numbers["class_kl"] = float(entropy(generated, class_shares(real.probabilities)))
            probabilities = features.probabilities
    if probabilities is None:
        finest, *coarser = patch_distances(few_held_out, few)
        numbers["patches"] = finest
        if coarser:
            numbers["patches_coarse"] = mean(coarser)
    for judged in judge(few, few_held_out):
        numbers[PEAK_OVER_REAL[judged.period].key] = judged.ratio
        if judged.contrast is not None:
            numbers[CONTRAST[judged.period].key] = judged.contrast
    return Assessment(numbers, probabilities)


def class_shares(probabilities: Tensor) -> Tensor:
    """The share of images that are classified as each class: (classes,)."""
    _, classes = probabilities.shape
    counts = torch.bincount(probabilities.argmax(1), minlength=classes)
    return counts.double() / len(probabilities)
