"""The scores of a run: checkerboard in its images, its blocks and D's gradient; FID."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dcgan.checkerboard import scores as names
from dcgan.checkerboard.images import (
    contrast,
    phase_energy,
    spectrum,
    spectrum_peak,
    usable_periods,
)
from dcgan.checkerboard.layers import input_moments, measure_stamp, step_imbalance, tap_contrast
from dcgan.evaluation.distances import frechet_distance
from dcgan.evaluation.features import get_extractor
from dcgan.evaluation.heldout import held_out
from dcgan.networks import Generator
from dcgan.pictures import evenly_spread
from dcgan.sampling import generate
from dcgan.seeding import stream
from dcgan.training.losses import input_gradients
from dcgan.training.step import State

NUM_REAL = 2000  # real images to compare with
NUM_GRADIENTS = 128  # real images for D's gradient
NUM_MOMENTS = 128  # latents for the moments of the blocks' inputs


class Scores(NamedTuple):
    """Scores as numbers for curves and arrays for pictures, by name."""

    numbers: dict[str, float]
    arrays: dict[str, Tensor]


class Scorer:
    """Scores a run, always with the same latents and the same real images."""

    def __init__(self, state: State) -> None:
        self._state = state
        shape = state.config.trainer.checkerboard_images, state.generator.latent_size
        self._latents = torch.randn(shape, generator=stream(state.config.seed, "score"))
        real = evenly_spread(state.batches.images, NUM_REAL)
        self.periods = usable_periods(*real.shape[-2:])
        self.real = _image_scores(real, self.periods)
        self._at = real[:: max(1, len(real) // NUM_GRADIENTS)][:NUM_GRADIENTS].clone()

    def measure(self) -> Scores:
        """Score the EMA generator (the raw one if there is none) and D, without side effects."""
        generator = self._state.sampler
        blocks = upsampling_blocks(generator)
        images = generate(generator, self._latents)
        with input_moments(blocks) as moments:
            generate(generator, self._latents[:NUM_MOMENTS])
        numbers, arrays = _image_scores(images, self.periods)
        for period in self.periods:
            key = names.PEAK[period].key
            numbers[names.PEAK_OVER_REAL[period].key] = numbers[key] / self.real.numbers[key]
        for name, block in blocks.items():
            stamp = measure_stamp(block)
            numbers[names.IMBALANCE.of(name).key] = step_imbalance(stamp, moments[name])
            numbers[names.TAP_CONTRAST.of(name).key] = tap_contrast(stamp)
        if 2 in self.periods:
            gradients = gradients_at(self._at, self._state.discriminator)
            arrays[names.GRADIENT_PHASE_ENERGY] = phase_energy(gradients, 2)
            numbers[names.GRADIENT_CONTRAST.key] = contrast(arrays[names.GRADIENT_PHASE_ENERGY])
        return Scores(numbers, arrays)


class FidMeter:
    """Measures FID, always with the same latents and the same real images (see `held_out`).

    Every process of the run generates its share, so none waits long for the others.

    Raises:
        UserError: no features are available for this data.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        config, fabric = state.config, state.fabric
        number = config.trainer.fid_images
        self._extractor = get_extractor(config.data, state.data_digest)
        real = held_out(config.data, state.batches.images, number)
        self._real = self._extractor.extract(real).values
        shape = number, state.generator.latent_size
        latents = torch.randn(shape, generator=stream(config.seed, "quality"))
        self._share = latents[fabric.global_rank :: fabric.world_size]

    def measure(self) -> float:
        """FID of the EMA generator (of the raw one if there is none)."""
        fabric = self._state.fabric
        features = self._extractor.extract(generate(self._state.sampler, self._share)).values
        if fabric.world_size > 1:
            parts = [features] * fabric.world_size  # placeholders
            torch.distributed.all_gather_object(parts, features)
            features = torch.cat(parts)
        return frechet_distance(self._real, features)


def upsampling_blocks(generator: Generator) -> dict[str, nn.Module]:
    """The generator's upsampling blocks by name: up1, up2, …; none if it is flat."""
    return {k: v for k, v in generator.layers.named_children() if k.startswith("up")}


def gradients_at(images: Tensor, discriminator: nn.Module) -> Tensor:
    """∂D/∂x at each of (N, C, H, W) images, with D in eval mode: same shape, on the CPU."""
    network = copy.deepcopy(discriminator).eval()
    images = images.to(next(network.parameters()).device)
    return input_gradients(network, images).detach().reshape(images.shape).cpu()


def _image_scores(images: Tensor, periods: tuple[int, ...]) -> Scores:
    std = images.std().item()
    numbers: dict[str, float] = {names.STD.key: std}
    arrays = {names.SPECTRUM: spectrum(images)}
    for period in periods:
        peak = spectrum_peak(arrays[names.SPECTRUM], period)
        energy = phase_energy(images, period)
        numbers[names.PEAK[period].key] = peak.ratio
        numbers[names.AMPLITUDE[period].key] = peak.amplitude
        numbers[names.AMPLITUDE_OVER_STD[period].key] = peak.amplitude / std if std else 0.0
        numbers[names.CONTRAST[period].key] = contrast(energy)
        arrays[names.PHASE_ENERGY[period]] = energy
    return Scores(numbers, arrays)
