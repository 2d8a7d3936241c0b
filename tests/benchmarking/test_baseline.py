"""The baseline is the standard recipe: its arithmetic, its layers, its data."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.profiler import ProfilerActivity, profile

from dcgan.benchmarking.baseline import Baseline, endless_batches
from tests.conftest import Compose


@pytest.fixture
def settings(tiny: Compose) -> dict[str, Any]:
    """The config.yaml of a tiny run."""
    return asdict(tiny("data.channels=1"))


def test_a_step_matches_one_written_by_hand(settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    baseline = Baseline(settings)
    generator, discriminator = deepcopy(baseline.generator), deepcopy(baseline.discriminator)
    of_generator, of_discriminator = (
        torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
        for network in (generator, discriminator)
    )
    for _ in range(3):
        real, latents = torch.rand(4, 1, 16, 16) * 2 - 1, baseline.draw_latents(4)
        losses = baseline.step(real, latents)

        fake = generator(latents)
        discriminator_loss = (
            softplus(-discriminator(real)).mean() + softplus(discriminator(fake.detach())).mean()
        )
        update(of_discriminator, discriminator.parameters(), discriminator_loss)
        generator_loss = softplus(-discriminator(fake)).mean()
        update(of_generator, generator.parameters(), generator_loss)
        assert losses == pytest.approx((discriminator_loss.item(), generator_loss.item()), 1e-4)


def update(
    optimizer: torch.optim.Optimizer, weights: Iterable[nn.Parameter], loss: torch.Tensor
) -> None:
    weights = list(weights)
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimizer.step()


def test_every_layer_is_computed_as_in_torch(settings: dict[str, Any]) -> None:
    baseline = Baseline(settings)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        baseline.step(torch.zeros(4, 1, 16, 16), baseline.draw_latents(4))
    calls = {event.key: event.count for event in profiler.key_averages()}
    in_generator, in_discriminator = (
        sum(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in network.modules())
        for network in (baseline.generator, baseline.discriminator)
    )
    assert calls["aten::convolution"] == in_generator + 3 * in_discriminator
    assert "aten::mm" not in calls


@pytest.mark.parametrize("channels", [1, 3])
def test_an_epoch_contains_every_image_once(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, channels, 8, 8), np.uint8)
    epoch = torch.cat(list(islice(endless_batches(images, batch_size=4), 3)))
    expected = torch.from_numpy(images).float() / 127.5 - 1
    order, expected_order = (x.flatten(1).sum(1).argsort() for x in (epoch, expected))
    torch.testing.assert_close(epoch[order], expected[expected_order], atol=1e-6, rtol=0)


def test_it_uses_the_same_device_as_a_run(settings: dict[str, Any]) -> None:
    assert Baseline(settings).device.type == "cpu"
    settings["trainer"]["accelerator"] = "auto"
    found = torch.accelerator.is_available()
    assert (Baseline(settings).device.type == "cpu") is not found
