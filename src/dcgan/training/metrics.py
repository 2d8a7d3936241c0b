"""The numbers of one step that every log line has."""

import torch
from lightning_fabric import Fabric
from torch import Tensor

from dcgan.training.devices import mean_over_ranks
from dcgan.training.losses import LOSSES
from dcgan.training.step import StepResult


def step_metrics(result: StepResult, loss: str, fabric: Fabric) -> dict[str, float]:
    """Read one step's numbers from the device; the mean over the processes of a run.

    d_real and d_fake are the means of what D says of real images and of fakes, before any sigmoid;
    d_accuracy is the share of both that D classifies correctly, by the loss's threshold (where it
    has none: by their own mean); diversity is the mean distance between two generated images over
    that between two real ones, and left out where there are not two.
    """
    real, fake = result.real_outputs.float(), result.fake_outputs.float()
    threshold = LOSSES[loss].threshold
    middle = torch.cat([real, fake]).mean() if threshold is None else threshold
    values = {
        "discriminator_loss": result.losses[0],
        "generator_loss": result.losses[1],
        "d_real": real.mean(),
        "d_fake": fake.mean(),
        "d_accuracy": torch.cat([real > middle, fake <= middle]).float().mean(),
    }
    if len(result.real) > 1:
        values["diversity"] = _mean_distance(result.fake) / _mean_distance(result.real)
    # Stacked first: one wait for the device instead of six.
    stacked = torch.stack([value.float() for value in values.values()])
    return dict(zip(values, mean_over_ranks(stacked, fabric).tolist(), strict=True))


def _mean_distance(images: Tensor) -> Tensor:
    """The mean Euclidean distance between two of (N, C, H, W) images: ()."""
    return torch.pdist(images.float().flatten(1)).mean()
