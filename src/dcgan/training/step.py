"""One training step: one update of D, one of G, one of the EMA."""

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dcgan.config import TrainConfig
from dcgan.data.batches import Batches, to_device
from dcgan.networks import Discriminator, Generator
from dcgan.training.losses import LOSSES, gradient_penalty, r1

EMA_RAMP = 0.1  # early half-life of the EMA, as a share of the images seen


@dataclass
class State:
    """Everything a step uses and changes; `checkpoint.checkpoint_of` lists what is saved."""

    config: TrainConfig
    fabric: Fabric
    generator: Generator
    discriminator: Discriminator
    wrapped_generator: Any  # by Fabric: uses the run's precision, averages gradients over ranks
    wrapped_discriminator: Any
    ema: AveragedModel | None
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    batches: Batches
    latents: torch.Generator  # a random stream
    mixing: torch.Generator  # another, for the points of the gradient penalty
    data_digest: str  # of the real images
    step: int = 0
    best_fid: float = math.inf  # lowest so far

    @property
    def sampler(self) -> Generator:
        """The generator to sample from: the EMA if there is one."""
        return self.generator if self.ema is None else cast(Generator, self.ema.module)


@dataclass(frozen=True)
class StepResult:
    """This rank's results, detached, on the device; the CPU waits only when one is read."""

    losses: Tensor  # (2,) D's and G's
    real_outputs: Tensor  # (N,) D(x) before D's update
    fake_outputs: Tensor  # (N,) D(G(z)) before D's update
    real: Tensor  # (N, C, H, W) in [−1, 1]
    fake: Tensor  # (N, C, H, W) in [−1, 1]


def train_step(state: State) -> StepResult:
    """Advance `state` by one step (Goodfellow et al., 2014, algorithm 1 with k = 1)."""
    fabric, loss = state.fabric, LOSSES[state.config.loss.kind]
    generator, discriminator = state.wrapped_generator, state.wrapped_discriminator
    decay_learning_rates(state)

    # Sample real images, and one batch of fakes that serves both updates.
    real = state.batches.draw()
    fake = generator(draw_latents(state))

    # Update D. Real and fake pass separately, or batch norm would mix their statistics.
    state.discriminator_optimizer.zero_grad()
    penalize(state, real, fake.detach())
    real_outputs, fake_outputs = discriminator(real), discriminator(fake.detach())
    discriminator_loss = loss.discriminator(real_outputs, fake_outputs)
    fabric.backward(discriminator_loss)
    state.discriminator_optimizer.step()

    # Update G with D's weights frozen (not its running statistics): no need for their gradients.
    state.generator_optimizer.zero_grad()
    discriminator.requires_grad_(False)
    with fabric.no_backward_sync(discriminator):
        paired = discriminator(real) if loss.pairs else real_outputs.detach()
        generator_loss = loss.generator(paired, discriminator(fake))
        fabric.backward(generator_loss)
    discriminator.requires_grad_(True)
    state.generator_optimizer.step()

    # Update the EMA.
    update_ema(state)
    state.step += 1
    losses = torch.stack([discriminator_loss.detach(), generator_loss.detach()])
    return StepResult(losses, real_outputs.detach(), fake_outputs.detach(), real, fake.detach())


def decay_learning_rates(state: State) -> None:
    """Set both learning rates for this step: constant, then falling as 1/√images.

    The schedule does not depend on the total steps, so a run can be extended (Karras et al., 2024:
    EDM2).
    """
    trainer = state.config.trainer
    if trainer.lr_decay_start_images:
        factor = max(state.step * trainer.batch_size / trainer.lr_decay_start_images, 1) ** -0.5
        state.generator_optimizer.param_groups[0]["lr"] = trainer.generator_lr * factor
        state.discriminator_optimizer.param_groups[0]["lr"] = trainer.discriminator_lr * factor


def draw_latents(state: State) -> Tensor:
    """This rank's share of the next batch of latents, (N, latent_size), on the device.

    Every rank samples the whole batch, so the random streams of all ranks stay in sync.
    """
    shape = (state.batches.batch_size, state.generator.latent_size)
    latents = torch.randn(shape, generator=state.latents)[state.batches.share]
    return to_device(latents, state.batches.device)


def penalize(state: State, real: Tensor, fake: Tensor) -> None:
    """Backpropagate D's penalty, if it is due; the gradient of D's loss is added to it later.

    It is due every `interval` steps, multiplied by `interval` (lazy regularization, Karras et al.,
    2020).
    """
    regularizer = state.config.regularizer
    if regularizer.kind == "none" or state.step % regularizer.interval:
        return
    if regularizer.kind == "r1":
        penalty = r1(state.discriminator, real)  # not wrapped, so in float32
    else:
        shares = torch.rand(state.batches.batch_size, generator=state.mixing)[state.batches.share]
        between = torch.lerp(real, fake, to_device(shares, real.device)[:, None, None, None])
        penalty = gradient_penalty(state.discriminator, between)
    # Ranks exchange gradients only once, in the backward pass of D's loss.
    with state.fabric.no_backward_sync(state.wrapped_discriminator):
        state.fabric.backward(regularizer.weight * regularizer.interval * penalty)


def update_ema(state: State) -> None:
    """Update the EMA of G's weights and running statistics; the first update copies.

    Early on the half-life is a share of the images seen, so that the EMA of a short run is not
    dominated by its untrained start (Karras et al., 2022: EDM's ramp-up). A run with `start_from`
    continues that run's EMA, without a ramp-up.
    """
    if state.ema is None:
        return
    trainer, continues = state.config.trainer, state.config.start_from is not None
    ramp = math.inf if continues else EMA_RAMP * max(state.step, 1) * trainer.batch_size
    decay = 0.5 ** (trainer.batch_size / min(trainer.ema_half_life_images, ramp))
    average, current = (
        [t.detach() for t in network.state_dict().values() if t.is_floating_point()]
        for network in (state.ema.module, state.generator)
    )
    # AveragedModel's own update would sync with the GPU at every step to read n_averaged.
    get_ema_multi_avg_fn(decay if state.step or continues else 0.0)(average, current, 0)
    state.ema.n_averaged += 1
