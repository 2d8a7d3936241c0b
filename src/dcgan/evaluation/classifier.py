"""A small classifier of the data's own classes, whose features are used to compare images.

It is trained once per data set, on the training split, and cached.
"""

import hashlib
import json
import logging
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, Strict, TypeAdapter
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from dcgan.config import DataConfig
from dcgan.data.labeled import NUM_CLASSES, Labeled
from dcgan.data.splits import class_sizes, num_classes, read_labeled
from dcgan.errors import UserError
from dcgan.files import cannot_write, expand, locked
from dcgan.networks.building import check_fit
from dcgan.networks.weights import Finite, load_tensors, save_tensors
from dcgan.pictures import normalize
from dcgan.progress import progress
from dcgan.reading import naming
from dcgan.seeding import derive_seed, stream

log = logging.getLogger(__name__)

# Part of every result and of the cache's file name: another recipe gives other features.
RECIPE: dict[str, Any] = {
    "version": 1,
    "epochs": 3,
    "min_steps": 400,  # so small data sets get more epochs
    "batch_size": 128,
    "learning_rate": 3e-3,
    "shift": 2,
}


@dataclass
class Saved:
    """The content of a cached classifier."""

    accuracy: Annotated[float, Strict(), Field(ge=0, le=1)]
    network: dict[str, Finite]


class Classifier(nn.Module):
    """Three convolutions, each followed by batch norm, ReLU and max pooling, and two linear layers.

    The initial weights are always the same, and the caller's random state is left alone.

    Args:
        channels: of the images, which may have any size of at least 8 pixels.
    """

    def __init__(self, channels: int, classes: int = NUM_CLASSES) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(0, "classifier"))
            for before, after in pairwise((channels, 32, 64, 128)):
                layers.append(nn.Conv2d(before, after, 3, padding=1, bias=False))
                layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
            self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten())
            self.to_features = nn.Linear(128 * 16, 128)
            self.to_logits = nn.Linear(128, classes)

    def features(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [−1, 1] to (N, 128), nonnegative."""
        return F.relu(self.to_features(self.body(images)))

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [−1, 1] to logits (N, classes)."""
        logits: Tensor = self.to_logits(self.features(images))
        return logits


def get_classifier(data: DataConfig, digest: str) -> tuple[Classifier, float]:
    """The classifier for a labeled data set: from the cache, or trained now, which takes minutes.

    If the cached file is damaged, it is trained again, with a warning.

    Args:
        digest: digest of the prepared training images.

    Returns:
        The network in eval mode, and its accuracy on the test split.

    Raises:
        UserError: the data are missing or damaged.
        UserError, MachineError: the cache folder cannot be written when it has to be.
    """
    cache = expand(data.cache_dir)
    classes = num_classes(data)
    # Equal images may have other labels, after a file was moved to another class.
    identity = [RECIPE, digest, data.channels, classes]
    if sizes := class_sizes(data):
        identity.append(sizes)
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    path = cache / f"classifier-{data.source}-{data.image_size}x{data.image_size}-{key}.pt"
    with locked(cache / f"classifier-{data.source}.lock") as refusal:
        if path.is_file():
            try:
                return _read(path, data.channels, classes)
            except UserError as error:
                log.warning("%s; training it again", error)
        if refusal is not None:
            raise cannot_write(f"data.cache_dir={cache}", refusal) from refusal
        log.info("training a classifier of %d classes, once; it is cached in %s", classes, path)
        network = train_classifier(read_labeled(data, train=True), classes)
        accuracy = accuracy_of(network, read_labeled(data, train=False))
        log.info("classifier test accuracy: %.2f %%", 100 * accuracy)
        save_tensors(path, {"accuracy": accuracy, "network": network.state_dict()})
        return _read(path, data.channels, classes)


def _read(path: Path, channels: int, classes: int) -> tuple[Classifier, float]:
    """The one reader of cached classifiers.

    Raises:
        UserError: the file is missing, damaged, or of another network.
    """
    content = load_tensors(path)
    with naming(path, "a classifier"):
        saved = TypeAdapter(Saved).validate_python(content)
        network = Classifier(channels, classes)
        check_fit(network, saved.network)
        network.load_state_dict(saved.network)
    return network.eval(), saved.accuracy


def train_classifier(data: Labeled, classes: int = NUM_CLASSES) -> Classifier:
    """Train with cross-entropy, Adam, a one-cycle schedule, and shifts of up to 2 pixels."""
    network = Classifier(data.images.shape[1], classes).to(memory_format=torch.channels_last)
    batch_size = min(RECIPE["batch_size"], len(data.images))
    per_epoch = len(data.images) // batch_size
    epochs = max(RECIPE["epochs"], math.ceil(RECIPE["min_steps"] / per_epoch))
    steps = epochs * per_epoch
    optimizer = torch.optim.Adam(network.parameters(), RECIPE["learning_rate"], fused=True)
    schedule = OneCycleLR(optimizer, RECIPE["learning_rate"], total_steps=steps)
    batches = _batches(data, batch_size, epochs)
    name = "training a classifier"
    for images, labels in progress(batches, desc=name, total=steps, unit="step"):
        loss = F.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def accuracy_of(network: Classifier, data: Labeled) -> float:
    """The share of images that are classified correctly."""
    parts = zip(data.images.split(500), data.labels.split(500), strict=True)
    right = [network(normalize(images)).argmax(1).eq(labels) for images, labels in parts]
    return torch.cat(right).double().mean().item()


def _batches(data: Labeled, batch_size: int, epochs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled batches, each shifted by up to 2 pixels, with edge pixels repeated."""
    random, shift = stream(0, "classifier data"), RECIPE["shift"]
    for _ in range(epochs):
        order = torch.randperm(len(data.images), generator=random)
        for rows in order[: len(order) // batch_size * batch_size].split(batch_size):
            images = normalize(data.images[rows])
            size = images.shape[-1]
            padded = F.pad(images, (shift,) * 4, mode="replicate")
            top, left = torch.randint(0, 2 * shift + 1, (2,), generator=random).tolist()
            yield padded[..., top : top + size, left : left + size], data.labels[rows]
