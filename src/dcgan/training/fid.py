"""FID of a run while it trains, of its generator against held-out images."""

import torch

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
        number = config.trainer.num_evaluated
        self._extractor = get_extractor(config.data, state.data_digest)
        real = held_out(config.data, state.batches.images, number)
        self._real = self._extractor.extract(real).values
        shape = number, state.generator.latent_size
        latents = torch.randn(shape, generator=stream(config.seed, "quality"))
        self._share = latents[fabric.global_rank :: fabric.world_size]

    def measure(self) -> float:
        """FID of the average (of the generator itself, if the run keeps none)."""
        fabric = self._state.fabric
        features = self._extractor.extract(generate(self._state.sampler, self._share)).values
        if fabric.world_size > 1:
            parts = [features] * fabric.world_size  # replaced by those of each process
            torch.distributed.all_gather_object(parts, features)
            features = torch.cat(parts)
        return frechet_distance(self._real, features)
