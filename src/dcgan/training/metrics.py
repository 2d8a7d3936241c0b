"""The metrics of one step that go into every log line."""

import torch
from lightning_fabric import Fabric
from torch import Tensor

from dcgan.training.devices import mean_over_ranks
from dcgan.training.losses import LOSSES
from dcgan.training.step import StepResult


def step_metrics(result: StepResult, loss: str, fabric: Fabric) -> dict[str, float]:
    """Read one step's metrics from the device, averaged over the processes of the run.

    d_real, d_fake: mean output of D on real and on generated images, before any sigmoid.
    d_accuracy: share of both that D classifies correctly, by the loss's threshold (the mean of all
    outputs if it has none).
    diversity: mean distance between two generated images, divided by that between two real ones;
    left out if the batch has only one.
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
    # Stacked first: one host sync instead of six.
    stacked = torch.stack([value.float() for value in values.values()])
    return dict(zip(values, mean_over_ranks(stacked, fabric).tolist(), strict=True))


def _mean_distance(images: Tensor) -> Tensor:
    """The mean Euclidean distance between pairs of (N, C, H, W) images: a scalar."""
    return torch.pdist(images.float().flatten(1)).mean()
