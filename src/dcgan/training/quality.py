"""How good a run is while it trains: FID of its generator against held-out images."""

import torch

from dcgan.config import TrainConfig
from dcgan.evaluation.distances import frechet_distance
from dcgan.evaluation.features import get_extractor
from dcgan.evaluation.heldout import held_out
from dcgan.sampling import generate
from dcgan.seeding import stream
from dcgan.training.state import State


class QualityWatch:
    """Compares images of the same latents throughout with the same held-out images.

    Raises:
        UserError: there are no features for these data.
    """

    def __init__(self, config: TrainConfig, state: State) -> None:
        self._state = state
        number = config.trainer.num_evaluated
        self._extractor = get_extractor(config.data, state.data_digest)
        real = held_out(config.data, state.batches.images, number)
        self._real = self._extractor.extract(real).values
        self._latents = torch.randn(
            number, state.latent_size, generator=stream(config.seed, "quality")
        )

    def measure(self) -> float:
        """FID of the average (of the generator itself, if the run keeps none)."""
        images = generate(self._state.sampler, self._latents)
        return frechet_distance(self._real, self._extractor.extract(images).values)
