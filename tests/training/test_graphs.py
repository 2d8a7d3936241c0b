"""A step from recorded parts is the same step. Recording itself needs a GPU."""

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from dcgan.training.graphs import Work, graphed_parts
from dcgan.training.step import PLAIN, train_step
from tests.training.conftest import Build

NUM_STEPS = 7
SETTINGS = ["regularizer=none", "regularizer=r1", "trainer.lr_decay_from=20"]


def recomputed(work: Work, networks: Sequence[nn.Module]) -> Work:
    """Where no GPU is: a replay that computes the part again, and as a graph knows no `.grad`."""

    def replay() -> None:
        weights = [weight for network in networks for weight in network.parameters()]
        before = [weight.grad for weight in weights]
        work()
        for weight, gradient in zip(weights, before, strict=True):
            weight.grad = gradient

    return replay


@pytest.mark.parametrize("setting", SETTINGS)
def test_replayed_steps_are_the_same_steps(build: Build, setting: str) -> None:
    overrides = [setting, *(["regularizer.every=3"] if setting == "regularizer=r1" else [])]
    runs = [build(*overrides)[1:] for _ in range(2)]
    recorded: list[int] = []

    def record(first: Work, second: Work) -> tuple[Work, Work]:
        state = runs[0][0]
        recorded.append(state.step)
        first()
        second()
        networks = state.plain_generator, state.plain_discriminator
        return recomputed(first, networks), recomputed(second, networks)

    parts = graphed_parts(record)
    for _ in range(NUM_STEPS):
        replayed, plain = (
            train_step(state, fabric, way)
            for (state, fabric), way in zip(runs, (parts, PLAIN), strict=True)
        )
        for name in ("discriminator_loss", "generator_loss", "real_logits", "fake_logits", "fake"):
            assert torch.equal(getattr(replayed, name), getattr(plain, name)), name
    # Once, at the first step without a penalty.
    assert recorded == [1 if setting == "regularizer=r1" else 0]
    ours, theirs = (state.state_dict() for state, _ in runs)
    for network in ("generator", "discriminator", "ema"):
        for name, value in theirs[network].items():
            assert torch.equal(ours[network][name], value), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_recorded_steps_on_a_gpu_are_the_same_steps(build: Build) -> None:
    on_gpu = ("trainer.accelerator=gpu", "regularizer=r1", "regularizer.every=3")
    runs = [build(*on_gpu)[1:] for _ in range(2)]
    ways = graphed_parts(), PLAIN
    for _ in range(NUM_STEPS):
        replayed, plain = (
            train_step(state, fabric, way) for (state, fabric), way in zip(runs, ways, strict=True)
        )
        for name in ("discriminator_loss", "generator_loss", "fake"):
            expected = getattr(plain, name)
            torch.testing.assert_close(getattr(replayed, name), expected, rtol=1e-3, atol=1e-3)
