"""The checkerboard scores of a run at one step: of its images, its blocks, and D's gradient."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcgan.checkerboard.images import (
    contrast,
    phase_energy,
    spectrum,
    spectrum_peak,
    usable_periods,
)
from dcgan.checkerboard.layers import (
    input_moments,
    measure_stamp,
    step_imbalance,
    tap_contrast,
)
from dcgan.config import TrainConfig
from dcgan.data.batches import evenly_spread
from dcgan.sampling import generate
from dcgan.seeding import stream
from dcgan.training.regularizers import input_gradients
from dcgan.training.state import State

NUM_REAL = 2000  # real images that the generated ones are compared with
NUM_GRADIENTS = 128  # real images at which D's gradient is taken
NUM_MOMENTS = 128  # latents from which the blocks' input moments are taken


@dataclass(frozen=True)
class Scores:
    """Numbers for curves, arrays for pictures."""

    numbers: Mapping[str, float]
    arrays: Mapping[str, Tensor]  # spectrum (H, W), phase_energy2 (2, 2), stamp_up1 (h, w), …


def is_score_step(step: int, first: int, last: int) -> bool:
    """Steps 0, first, 2·first, 4·first, … and the last one."""
    doublings, rest = divmod(step, first)
    return step in (0, last) or (rest == 0 and doublings.bit_count() == 1)


class Scorer:
    """Scores the same latents throughout, against the same real images."""

    def __init__(self, config: TrainConfig, state: State) -> None:
        trainer = config.trainer
        self._state = state
        self._latents = torch.randn(
            trainer.num_scored, state.latent_size, generator=stream(config.seed, "score")
        )
        real = evenly_spread(state.batches.images, NUM_REAL)
        self.periods = usable_periods(*real.shape[-2:])
        self.real = _image_scores(real, self.periods)
        self._at = real[:: max(1, len(real) // NUM_GRADIENTS)][:NUM_GRADIENTS].clone()

    def measure(self) -> Scores:
        """Score the run as it stands; nothing of it is changed.

        r2, r4: grid-peak ratio, and r2_over_real: divided by the real data's; a2, a2_over_std: the
        periodic part's RMS, and its share of the images' standard deviation; pec2, pec4: phase-
        energy contrast; rho_up1, kappa_up1, …: of each upsampling block on its real inputs;
        discriminator_pec2: of ∂D/∂x at real images.
        """
        generator = self._state.sampler
        blocks = upsampling_blocks(generator)
        images = generate(generator, self._latents)
        with input_moments(blocks) as moments:
            generate(generator, self._latents[:NUM_MOMENTS])
        scores = _image_scores(images, self.periods)
        numbers, arrays = dict(scores.numbers), dict(scores.arrays)
        for period in self.periods:
            real_ratio = self.real.numbers[f"r{period}"]
            numbers[f"r{period}_over_real"] = numbers[f"r{period}"] / real_ratio
        for name, block in blocks.items():
            stamp = measure_stamp(block)
            numbers[f"rho_{name}"] = step_imbalance(stamp, moments[name])
            numbers[f"kappa_{name}"] = tap_contrast(stamp)
            arrays[f"stamp_{name}"] = stamp.energy.sqrt()
        gradients = gradients_at(self._at, self._state.plain_discriminator)
        if 2 in self.periods:
            arrays["discriminator_phase_energy2"] = energy = phase_energy(gradients, 2)
            numbers["discriminator_pec2"] = contrast(energy)
        return Scores(numbers, arrays)


def upsampling_blocks(generator: nn.Module) -> dict[str, nn.Module]:
    """The generator's upsampling blocks by name: up1, up2 and so on."""
    return {
        name.rpartition(".")[2]: block
        for name, block in generator.named_modules()
        if name.rpartition(".")[2].startswith("up") and isinstance(block, nn.Sequential)
    }


def gradients_at(images: Tensor, discriminator: nn.Module) -> Tensor:
    """∂D/∂x at each of (N, C, H, W) images, by running batch statistics: same shape, on the CPU."""
    device = next(discriminator.parameters()).device
    was_training = discriminator.training
    discriminator.eval()
    try:
        gradients = input_gradients(discriminator, images.to(device))
    finally:
        discriminator.train(was_training)
    return gradients.detach().reshape(images.shape).cpu()


def _image_scores(images: Tensor, periods: tuple[int, ...]) -> Scores:
    std = images.std().item()
    numbers: dict[str, float] = {"std": std}
    arrays = {"spectrum": spectrum(images)}
    for period in periods:
        peak = spectrum_peak(arrays["spectrum"], period)
        energy = phase_energy(images, period)
        numbers[f"r{period}"] = peak.ratio
        numbers[f"a{period}"] = peak.amplitude
        numbers[f"a{period}_over_std"] = peak.amplitude / std if std else 0.0
        numbers[f"pec{period}"] = contrast(energy)
        arrays[f"phase_energy{period}"] = energy
    return Scores(numbers, arrays)
