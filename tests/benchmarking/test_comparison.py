"""What is timed does the same arithmetic, and the plain trainer reads its images rightly."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from dcgan.benchmarking.comparison import NULL, OURS, PLAIN, compare, equivalence, resized
from dcgan.benchmarking.overhead import tracking_seconds
from dcgan.benchmarking.plain import PlainTrainer, plain_batches
from dcgan.benchmarking.scaling import curve_cases
from dcgan.data.batches import normalise
from dcgan.networks import Discriminator, Generator
from tests.conftest import Compose


def test_our_losses_are_those_of_a_plain_run_in_float64(tiny: Compose) -> None:
    differences = equivalence(tiny())
    assert max(differences["32-true"].values()) < 1e-5
    assert 1e-5 < max(differences["bf16-mixed"].values()) < 0.05


def test_the_plain_loader_gives_every_image_once_an_epoch_as_we_do() -> None:
    for channels in (1, 3):
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (12, channels, 8, 8), np.uint8)
        batches = plain_batches(images, batch_size=4, num_workers=0)
        epoch = torch.cat([next(batches) for _ in range(3)])
        ours = normalise(torch.from_numpy(images))
        order = epoch.flatten(1).sum(1).argsort()
        expected = ours.flatten(1).sum(1).argsort()
        torch.testing.assert_close(epoch[order], ours[expected].contiguous(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("regularizer", ["none", "r1"])
def test_every_arm_is_a_row(tiny: Compose, regularizer: str) -> None:
    rows = compare(tiny(f"regularizer={regularizer}"), rounds=2, seconds_per_turn=0.01)
    names = [(row.name, row.precision) for row in rows]
    assert names == [
        (PLAIN, "32-true"),
        (NULL, "32-true"),
        ("plain, DataLoader, 0 workers", "32-true"),
        ("plain, DataLoader, 2 workers", "32-true"),
        (OURS, "32-true"),
        (OURS, "bf16-mixed"),
    ]
    assert rows[0].ratio_to_step == {"lower": 1, "median": 1, "upper": 1}
    for row in rows:
        assert row.images_per_second == pytest.approx(8000 / row.ms["median"])
        assert 0 < row.share_of_peak < 1


def test_tracking_costs_more_the_oftener_it_is_done(tiny: Compose) -> None:
    config = tiny()
    often = replace(config.trainer, log_every=1, sample_every=1, checkpoint_every=1)
    seldom = replace(config.trainer, log_every=100, sample_every=100, checkpoint_every=100)
    costs = [tracking_seconds(replace(config, trainer=each), 20) for each in (often, seldom)]
    assert costs[0] > costs[1] > 0


def test_the_plain_step_runs_every_layer_as_torch_does(tiny: Compose) -> None:
    config = tiny()
    shape = {"image_size": 16, "channels": 1}
    networks = (
        Generator(config.generator, config.upsample, **shape),
        Discriminator(config.discriminator, config.downsample, **shape),
    )
    plain = PlainTrainer(*networks, latent_size=networks[0].latent_size)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        plain.step(torch.zeros(4, 1, 16, 16))
    calls = {event.key: event.count for event in profiler.key_averages()}
    of_generator, of_discriminator = (
        sum(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in network.modules())
        for network in networks
    )
    assert calls["aten::convolution"] == of_generator + 3 * of_discriminator
    assert "aten::mm" not in calls


def test_a_further_size_keeps_what_it_does_not_name(tiny: Compose) -> None:
    config = tiny("discriminator.filters=3", "generator.filters=5")
    larger = resized(config, image_size=32)
    assert (larger.data.image_size, larger.discriminator.filters) == (32, 3)
    wider = resized(config, filters=7)
    assert (wider.generator.filters, wider.discriminator.filters) == (7, 7)


def test_the_curves_have_enough_images_for_every_batch(tiny: Compose) -> None:
    config = tiny("data.num_images=512", "trainer.batch_size=256")
    for by_value in curve_cases(config).values():
        for case in by_value.values():
            assert case.data.num_images == case.trainer.batch_size
