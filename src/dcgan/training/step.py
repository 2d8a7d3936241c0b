"""One training step: one update of D, one of G, one of the average."""

from dataclasses import dataclass
from typing import Any, cast

from lightning_fabric import Fabric
from torch import Tensor

from dcgan.training.regularizers import REGULARIZERS
from dcgan.training.state import State


@dataclass(frozen=True)
class StepResult:
    """Detached tensors, still on the device: nobody waits for them until they are read."""

    discriminator_loss: Tensor  # ()
    generator_loss: Tensor  # ()
    real_logits: Tensor  # (N,) D(x) before its update
    fake_logits: Tensor  # (N,) D(G(z)) before its update
    real: Tensor  # (N, C, H, W) in [−1, 1]
    fake: Tensor  # (N, C, H, W) in [−1, 1]


def train_step(state: State, fabric: Fabric) -> StepResult:
    """Advance `state` by one step (Goodfellow et al., 2014, algorithm 1 with k = 1)."""
    generator, discriminator = state.generator, cast(Any, state.discriminator)  # Fabric's wrapper

    state.decay_learning_rates()

    # Draw: real images, and one batch of fakes that serves both updates.
    real = state.batches.draw()
    fake = generator(state.draw_latents())

    # Update D. Real and fake pass separately: concatenated, batch norm would mix them. Each pass
    # goes backward at once, so only one graph is alive at a time; ranks exchange gradients once, at
    # the last of them.
    state.discriminator_optimizer.zero_grad()
    with fabric.no_backward_sync(discriminator):
        real_logits = discriminator(real)
        loss_on_real = state.loss.on_real(real_logits)
        fabric.backward(loss_on_real)
        regularizer = state.regularizer
        if regularizer.kind != "none" and state.step % regularizer.every == 0:
            # Lazily: seldom, and stronger by as much (Karras et al., 2020). In float32.
            points = real if regularizer.kind == "r1" else state.draw_between(real, fake.detach())
            penalty = REGULARIZERS[regularizer.kind](state.plain_discriminator, points)
            fabric.backward(regularizer.weight * regularizer.every * penalty)
    fake_logits = discriminator(fake.detach())
    loss_on_fake = state.loss.on_fake(fake_logits)
    fabric.backward(loss_on_fake)
    state.discriminator_optimizer.step()

    # Update G through a frozen D: no gradients for D's weights are computed.
    discriminator.requires_grad_(False)
    state.generator_optimizer.zero_grad()
    with fabric.no_backward_sync(discriminator):
        loss_of_generator = state.loss.of_generator(discriminator(fake))
    fabric.backward(loss_of_generator)
    state.generator_optimizer.step()
    discriminator.requires_grad_(True)

    # Update the average.
    state.update_average()
    state.step += 1
    return StepResult(
        discriminator_loss=(loss_on_real + loss_on_fake).detach(),
        generator_loss=loss_of_generator.detach(),
        real_logits=real_logits.detach(),
        fake_logits=fake_logits.detach(),
        real=real,
        fake=fake.detach(),
    )
