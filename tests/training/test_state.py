"""The EMA, learning rates, precision, and resuming from a saved state."""

import copy

import pytest
import torch

from dcgan.sampling import generate
from dcgan.training.checkpoint import checkpoint_of, load_state
from dcgan.training.step import train_step
from tests.training.conftest import Build


@pytest.mark.parametrize("half_life", [1.0, 16.0, 1e6])
def test_the_ema_tracks_weights_and_running_statistics_with_its_half_life(
    build: Build, half_life: float
) -> None:
    state = build(f"trainer.ema_half_life_images={half_life}")
    assert state.ema is not None
    train_step(state)  # the first step copies
    expected = {k: v.clone() for k, v in state.generator.state_dict().items()}
    for images_seen in (8, 16, 24):
        train_step(state)
        decay = 0.5 ** (8 / min(half_life, 0.1 * images_seen))
        for name, value in state.generator.state_dict().items():
            expected[name] = expected[name] * decay + value * (1 - decay)
    for name, value in state.ema.module.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, expected[name])
    assert any("running_var" in name for name in expected)


def test_samples_of_the_untrained_generator_are_not_flat_gray(build: Build) -> None:
    # They would be with batch norm's default running statistics.
    state = build("upsample=transposed_k3")
    latents = torch.randn(64, state.generator.latent_size)
    images = generate(state.sampler, latents)
    batch = copy.deepcopy(state.sampler).train()(latents)
    assert images.std().item() == pytest.approx(batch.std().item(), rel=0.1)
    assert images.std() > 0.02


def test_without_a_half_life_there_is_no_ema(build: Build) -> None:
    state = build("trainer.ema_half_life_images=0")
    assert state.ema is None
    assert state.sampler is state.generator


RECIPES = [
    (),
    ("discriminator.norm=spectral", "loss=hinge", "trainer.lr_decay_start_images=20"),
    ("discriminator.norm=none", "loss=wasserstein", "regularizer=gradient_penalty"),
    ("loss=least_squares", "regularizer=r1", "regularizer.interval=2"),
    ("loss=relativistic", "generator=flat"),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=" ".join)
def test_a_resumed_state_equals_an_uninterrupted_one_bit_for_bit(
    build: Build, recipe: tuple[str, ...]
) -> None:
    state = build(*recipe)
    for _ in range(3):
        train_step(state)
    saved = copy.deepcopy(checkpoint_of(state))
    results = [train_step(state).losses[1].item() for _ in range(6)]
    other = build(*recipe)
    load_state(other, saved)
    assert [train_step(other).losses[1].item() for _ in range(6)] == results
    assert other.step == state.step == 9


def test_learning_rates_are_constant_then_fall_as_one_over_root_images(build: Build) -> None:
    state = build("trainer.lr_decay_start_images=16", "trainer.generator_lr=4e-4")
    rates = []
    for _ in range(9):
        train_step(state)
        rates.append(state.generator_optimizer.param_groups[0]["lr"])
    expected = [4e-4 * max(step * 8 / 16, 1) ** -0.5 for step in range(9)]
    assert rates == pytest.approx(expected)
    assert rates[8] == pytest.approx(2e-4)  # four times the images, half the rate
    discriminator_lr = state.discriminator_optimizer.param_groups[0]["lr"]
    assert discriminator_lr == pytest.approx(state.config.trainer.discriminator_lr / 2)


def test_runs_are_identical_if_and_only_if_their_seeds_are(build: Build) -> None:
    def losses(seed: int) -> list[float]:
        state = build(f"seed={seed}")
        return [train_step(state).losses[0].item() for _ in range(5)]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_bf16_mixed_keeps_weights_and_losses_in_float32(build: Build) -> None:
    state = build("trainer.precision=bf16-mixed")
    seen = set()
    for layer in state.discriminator.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda _, __, output: seen.add(output.dtype))
    result = train_step(state)
    assert seen == {torch.bfloat16}
    assert result.losses[1].dtype == torch.float32
    assert all(p.dtype == torch.float32 for p in state.generator.parameters())
    reference = build()
    expected = train_step(reference).losses[1].item()
    assert result.losses[1].item() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("choice", ["transposed_k3", "subpixel_icnr", "resize_bilinear"])
def test_every_kind_of_block_learns(build: Build, choice: str) -> None:
    state = build(f"upsample={choice}", "upsample.smooth=true")
    before = [p.detach().clone() for p in state.generator.parameters()]
    train_step(state)
    pairs = zip(before, state.generator.parameters(), strict=True)
    assert all(not torch.equal(a, b) for a, b in pairs)
