"""One training step: one update of D, one of G, one of the average."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from lightning_fabric import Fabric
from torch import Tensor

from dcgan.training.regularizers import REGULARIZERS
from dcgan.training.state import State


@dataclass(frozen=True)
class StepResult:
    """Detached tensors, still on the device: nobody waits for them until they are read.

    With CUDA graphs the next step overwrites them.
    """

    discriminator_loss: Tensor  # ()
    generator_loss: Tensor  # ()
    real_logits: Tensor  # (N,) D(x) before its update
    fake_logits: Tensor  # (N,) D(G(z)) before its update
    real: Tensor  # (N, C, H, W) in [−1, 1]
    fake: Tensor  # (N, C, H, W) in [−1, 1]


class Seen(NamedTuple):
    """What D saw and said; detached, but for the fakes, through which G will learn."""

    fake: Tensor
    loss: Tensor
    real_logits: Tensor
    fake_logits: Tensor


def discriminator_gradients(state: State, fabric: Fabric, real: Tensor, latents: Tensor) -> Seen:
    """Leave the gradients of D's loss in its weights.

    Real and fake pass separately: concatenated, batch norm would mix them. Each pass goes backward
    at once, so only one graph is alive at a time; ranks exchange gradients once, at the last.
    """
    discriminator = cast(Any, state.discriminator)  # Fabric's wrapper
    fake = state.generator(latents)
    state.discriminator_optimizer.zero_grad()
    with fabric.no_backward_sync(discriminator):
        real_logits = discriminator(real)
        loss_on_real = state.loss.on_real(real_logits)
        fabric.backward(loss_on_real)
        if state.penalty_is_due:
            regularizer = state.regularizer
            points = real if regularizer.kind == "r1" else state.draw_between(real, fake.detach())
            penalty = REGULARIZERS[regularizer.kind](state.plain_discriminator, points)
            fabric.backward(regularizer.weight * regularizer.every * penalty)
    fake_logits = discriminator(fake.detach())
    loss_on_fake = state.loss.on_fake(fake_logits)
    fabric.backward(loss_on_fake)
    loss = (loss_on_real + loss_on_fake).detach()
    return Seen(fake, loss, real_logits.detach(), fake_logits.detach())


def generator_gradients(state: State, fabric: Fabric, seen: Seen) -> Tensor:
    """Leave the gradients of G's loss in its weights; return that loss.

    D is frozen meanwhile: no gradients for its weights are computed.
    """
    discriminator = cast(Any, state.discriminator)
    discriminator.requires_grad_(False)
    state.generator_optimizer.zero_grad()
    with fabric.no_backward_sync(discriminator):
        loss = state.loss.of_generator(discriminator(seen.fake))
    fabric.backward(loss)
    discriminator.requires_grad_(True)
    return loss.detach()


class Parts(NamedTuple):
    """The two parts of a step that compute gradients: as above, or as CUDA graphs."""

    of_discriminator: Callable[[State, Fabric, Tensor, Tensor], Seen] = discriminator_gradients
    of_generator: Callable[[State, Fabric, Seen], Tensor] = generator_gradients


PLAIN = Parts()


def train_step(state: State, fabric: Fabric, parts: Parts = PLAIN) -> StepResult:
    """Advance `state` by one step (Goodfellow et al., 2014, algorithm 1 with k = 1)."""
    state.decay_learning_rates()

    # Draw: real images, and the latents of one batch of fakes that serves both updates.
    real, latents = state.batches.draw(), state.draw_latents()

    # Update D.
    seen = parts.of_discriminator(state, fabric, real, latents)
    state.discriminator_optimizer.step()

    # Update G.
    generator_loss = parts.of_generator(state, fabric, seen)
    state.generator_optimizer.step()

    # Update the average.
    state.update_average()
    state.step += 1
    return StepResult(
        discriminator_loss=seen.loss,
        generator_loss=generator_loss,
        real_logits=seen.real_logits,
        fake_logits=seen.fake_logits,
        real=real,
        fake=seen.fake.detach(),
    )
