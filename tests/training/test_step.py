"""A step compared with the standard one; golden losses; what swapping a block leaves alone."""

import copy
import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dcgan.training.losses import LOSSES
from dcgan.training.step import draw_latents, train_step
from tests.training.conftest import Build

GOLDEN = Path(__file__).with_name("golden_losses.json")
NUM_GOLDEN_STEPS = 10


def standard_step(
    generator: nn.Module,
    discriminator: nn.Module,
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
    real: torch.Tensor,
    latents: torch.Tensor,
) -> tuple[float, float]:
    """The standard DCGAN step: NCHW, D not frozen, BCE after a sigmoid; here in float64."""
    of_generator, of_discriminator = optimizers
    ones, zeros = torch.ones(len(real)).double(), torch.zeros(len(real)).double()
    of_discriminator.zero_grad()
    fake = generator(latents)
    loss = F.binary_cross_entropy(discriminator(real).sigmoid(), ones)
    loss = loss + F.binary_cross_entropy(discriminator(fake.detach()).sigmoid(), zeros)
    loss.backward()
    of_discriminator.step()
    of_generator.zero_grad()
    loss_of_generator = F.binary_cross_entropy(discriminator(fake).sigmoid(), ones)
    loss_of_generator.backward()
    of_generator.step()
    return loss.item(), loss_of_generator.item()


def test_a_step_equals_the_standard_step(build: Build) -> None:
    state = build()
    plain = [copy.deepcopy(n).double() for n in (state.generator, state.discriminator)]
    betas = (state.config.trainer.beta1, state.config.trainer.beta2)
    optimizers = tuple(torch.optim.Adam(n.parameters(), 1e-3, betas) for n in plain)
    assert state.config.trainer.generator_lr == state.config.trainer.discriminator_lr == 1e-3
    twin = build()
    for _ in range(3):
        real = twin.batches.draw().double()
        latents = draw_latents(twin).double()
        expected = standard_step(plain[0], plain[1], optimizers, real, latents)  # type: ignore[arg-type]
        result = train_step(state)
        assert result.losses[0].item() == pytest.approx(expected[0], rel=1e-5)
        assert result.losses[1].item() == pytest.approx(expected[1], rel=1e-5)


@pytest.mark.parametrize("kind", ["hinge", "relativistic"])
def test_d_is_frozen_only_during_gs_update(build: Build, kind: str) -> None:
    state = build(f"loss={kind}")
    passes: list[tuple[bool, bool]] = []  # passes through D: (is it frozen, are the images real)
    batch: list[torch.Tensor] = []

    def watch(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        batch.extend(inputs[:1] if not batch else [])  # real images pass first
        frozen = not any(p.requires_grad for p in module.parameters())
        passes.append((frozen, torch.equal(inputs[0], batch[0])))

    state.discriminator.register_forward_pre_hook(watch)
    train_step(state)
    of_d, of_g = [(False, True), (False, False)], [(True, True), (True, False)]
    assert passes == of_d + of_g[0 if LOSSES[kind].pairs else 1 :]
    assert all(p.requires_grad for p in state.discriminator.parameters())


def test_networks_and_batches_are_channels_last(build: Build) -> None:
    state = build("data.channels=3")
    last = torch.channels_last
    assert state.batches.draw().is_contiguous(memory_format=last)
    for network in (state.generator, state.discriminator):
        assert all(
            p.is_contiguous(memory_format=last) for p in network.parameters() if p.dim() == 4
        )


def test_golden_losses(build: Build) -> None:
    """The losses of a tiny run stay the same unless the arithmetic of training changes.

    After an intended change: delete golden_losses.json, run this test twice, and explain in the
    commit message why the numbers changed.
    """
    state = build()
    losses = []
    for _ in range(NUM_GOLDEN_STEPS):
        result = train_step(state)
        losses.append([result.losses[0].item(), result.losses[1].item()])
    if not GOLDEN.exists():
        GOLDEN.write_text(json.dumps(losses, indent=1) + "\n", encoding="utf-8")
        pytest.fail(f"{GOLDEN} was missing and has been written")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for step, (now, then) in enumerate(zip(losses, golden, strict=True), 1):
        # Processors differ in summation order; the tolerance is far below any real change.
        assert now == pytest.approx(then, rel=1e-4), f"step {step}"


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_runs_with_different_blocks_share_everything_else(build: Build, norm: str) -> None:
    first, second = (
        build(f"upsample={block}", "seed=4", f"discriminator.norm={norm}")
        for block in ("transposed_k3", "resize_nearest")
    )
    other_tensors = second.discriminator.state_dict()
    for name, tensor in first.discriminator.state_dict().items():
        assert torch.equal(tensor, other_tensors[name]), name
    project = [state.generator.get_submodule("layers.project") for state in (first, second)]
    assert torch.equal(project[0].weight, project[1].weight)  # type: ignore[arg-type]
    latents: list[torch.Tensor] = []
    for state in (first, second):
        state.generator.register_forward_pre_hook(lambda _, inputs: latents.append(inputs[0]))
    for _ in range(5):
        one, other = train_step(first), train_step(second)
        assert torch.equal(*latents[-2:])
        assert torch.equal(one.real, other.real)
        assert not torch.equal(one.fake, other.fake)
    assert len(latents) == 10
