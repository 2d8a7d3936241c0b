"""FID of a run while it trains, of its generator against held-out images."""

from typing import cast

import torch
from torch import Tensor

from dcgan.evaluation.distances import frechet_distance
from dcgan.evaluation.features import get_extractor
from dcgan.evaluation.heldout import held_out
from dcgan.sampling import generate
from dcgan.seeding import stream
from dcgan.training.step import State


class FidMeter:
    """Compares images of the same latents throughout with the same held-out images.

    Every process of the run generates its share, so none waits long for another.

    Raises:
        UserError: there are no features for these data.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        config, fabric = state.config, state.fabric
        self._number = config.trainer.num_evaluated
        self._extractor = get_extractor(config.data, state.data_digest)
        real = held_out(config.data, state.batches.images, self._number)
        self._real = self._extractor.extract(real).values
        latents = torch.randn(
            self._number,
            state.generator.latent_size,
            generator=stream(config.seed, "quality"),
        )
        missing = -self._number % fabric.world_size  # equal shares; what is too much is cut off
        padded = torch.cat([latents, latents[:missing]])
        self._share = padded[fabric.global_rank :: fabric.world_size]

    def measure(self) -> float:
        """FID of the average (of the generator itself, if the run keeps none)."""
        fabric = self._state.fabric
        features = self._extractor.extract(generate(self._state.sampler, self._share)).values
        if fabric.world_size > 1:
            parts = cast(Tensor, fabric.all_gather(features.to(fabric.device))).cpu()
            features = parts.transpose(0, 1).flatten(0, 1)[: self._number]
        return frechet_distance(self._real, features)
