"""The scores of a run: which there are, what they show, and that they change nothing."""

import copy

import pytest
import torch

from dcgan.checkerboard.images import contrast, phase_energy
from dcgan.config import DiscriminatorConfig
from dcgan.evaluation.distances import fid_against
from dcgan.evaluation.features import Extractor, Features
from dcgan.evaluation.heldout import held_out
from dcgan.networks import Discriminator
from dcgan.sampling import generate
from dcgan.seeding import stream
from dcgan.training.checkpoint import checkpoint_of
from dcgan.training.scores import FidMeter, Scorer, gradients_at, upsampling_blocks
from dcgan.training.step import State, train_step
from tests.conftest import Compose
from tests.training.conftest import Build

WHOLE = ("data.image_size=32", "data.num_images=256", "trainer.checkerboard_images=256")


def test_every_score_is_measured(build: Build) -> None:
    state = build(*WHOLE)
    scores = Scorer(state).measure()
    assert set(scores.numbers) == {
        "std",
        *(f"{name}{period}" for name in ("r", "a", "pec") for period in (2, 4)),
        *(f"{name}_over_real" for name in ("r2", "r4")),
        *(f"{name}_over_std" for name in ("a2", "a4")),
        *(f"{name}_up{i}" for name in ("rho", "kappa") for i in (1, 2, 3)),
        "discriminator_pec2",
    }
    assert scores.arrays["spectrum"].shape == (32, 32)
    assert scores.arrays["phase_energy4"].shape == (4, 4)
    assert all(torch.isfinite(array).all() for array in scores.arrays.values())


def test_small_images_get_the_scores_that_their_size_allows(build: Build) -> None:
    state = build("data.image_size=12")
    numbers = Scorer(state).measure().numbers
    assert set(numbers) == {"std", "rho_up1", "kappa_up1"}


def test_untrained_transposed_convolution_has_a_checkerboard_and_resizing_has_none(
    build: Build,
) -> None:
    def numbers(*overrides: str) -> dict[str, float]:
        state = build(*WHOLE, *overrides, "generator=small")
        return dict(Scorer(state).measure().numbers)

    transposed, resize = numbers("upsample=transposed_k3"), numbers("upsample=resize_nearest")
    assert transposed["r2"] > 10 > 1 > resize["r2"]
    assert transposed["rho_up3"] > 0.5
    assert resize["rho_up3"] == pytest.approx(0, abs=1e-12)
    assert transposed["kappa_up3"] > 3
    # Only the last block differs, so the pattern has period 2 only.
    last = numbers("upsample=transposed_k3", "upsample.layers=last")
    assert last["r2"] > 10 > 1 > last["r4"]


@pytest.mark.parametrize(
    ("choice", "least", "most"),
    [("strided_k3", 2.2, 5), ("strided_k4", 1, 1.5), ("strided_k5", 1.4, 3), ("conv_pool", 1, 1.4)],
)
def test_the_discriminators_gradient_shows_its_uneven_coverage(
    compose_train: Compose, choice: str, least: float, most: float
) -> None:
    """Expected: 4.4 for k3, 1.1 for k4, 2.4 for k5, 1.06 for convolution and average pooling."""
    downsample = compose_train(f"downsample={choice}").downsample
    size, pooled = DiscriminatorConfig(filters=32), torch.zeros(2, 2, dtype=torch.float64)
    for seed in range(4):
        network = Discriminator(size, downsample, image_size=32, channels=3, seed=seed)
        images = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        energy = phase_energy(gradients_at(images, network), 2)
        pooled += energy / energy.mean()
    assert least < contrast(pooled) < most


def test_the_ema_is_scored(build: Build) -> None:
    state = build("trainer.ema_half_life_images=1000")
    scorer = Scorer(state)
    before = scorer.measure().numbers
    for network, changes in ((state.generator, False), (state.sampler, True)):
        with torch.no_grad():
            for weight in upsampling_blocks(network)["up2"].parameters():
                weight[0].zero_()
        assert (scorer.measure().numbers != before) == changes


def test_measuring_does_not_affect_training(build: Build) -> None:
    def trained(measure: bool) -> State:
        state = build("trainer.ema_half_life_images=100")
        scorer = Scorer(state)
        for _ in range(3):
            if measure:
                scorer.measure()
            train_step(state)
        return state

    with_scores, without = (
        copy.deepcopy(checkpoint_of(trained(measure))) for measure in (True, False)
    )
    for network in ("generator", "discriminator", "ema"):
        for name, value in without[network].items():
            assert torch.equal(with_scores[network][name], value), f"{network}.{name}"
    assert torch.equal(with_scores["random"]["torch"], without["random"]["torch"])


def test_fid_is_that_of_the_average_against_held_out_images(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = Extractor(lambda images: Features(images.flatten(1)[:, ::64], None), {})
    monkeypatch.setattr("dcgan.training.scores.get_extractor", lambda *_: extractor)
    state = build("data=digits", "data.num_images=64", "trainer.fid_images=48")
    for _ in range(6):
        train_step(state)
    fid = fid_against(held_out(state.config.data, state.batches.images, 48), extractor)
    latents = torch.randn(48, state.generator.latent_size, generator=stream(0, "quality"))
    ema, raw = (fid(generate(network, latents)) for network in (state.sampler, state.generator))
    assert FidMeter(state).measure() == pytest.approx(ema, rel=1e-6)
    assert raw != pytest.approx(ema, rel=1e-3)
