"""Everything that a step changes: networks, average, optimisers, random streams, data position."""

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from dcgan.config import RegularizerConfig, TrainConfig
from dcgan.data.batches import Batches, bring
from dcgan.data.preparation import Prepared
from dcgan.networks import Discriminator, Generator
from dcgan.seeding import derive_seed, stream
from dcgan.training.losses import LOSSES, Loss

EMA_RAMP = 0.1  # half-life of the average early on, as a share of the images seen
NUM_CALIBRATION = 256  # latents that batch norm's first running statistics are taken from


@dataclass
class State:
    """What a checkpoint holds, and what the step works on."""

    generator: nn.Module
    discriminator: nn.Module
    ema: AveragedModel | None
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    batches: Batches
    latents: torch.Generator
    mixing: torch.Generator  # of points between real and fake
    latent_size: int
    generator_lr: float
    discriminator_lr: float
    lr_decay_from: float  # images
    ema_half_life: float  # images
    data_digest: str  # of the real images
    loss: Loss
    regularizer: RegularizerConfig
    step: int = 0
    best_fid: float = math.inf  # so far

    @property
    def sampler(self) -> nn.Module:
        """The generator to look at: the average where there is one."""
        return self.plain_generator if self.ema is None else self.ema.module

    @property
    def plain_generator(self) -> nn.Module:
        """Without Fabric's wrapper, which waits for other ranks and may lower the precision."""
        return cast(nn.Module, self.generator.module)

    @property
    def plain_discriminator(self) -> nn.Module:
        """Without Fabric's wrapper."""
        return cast(nn.Module, self.discriminator.module)

    @property
    def penalty_is_due(self) -> bool:
        """Seldom, and stronger by as much (Karras et al., 2020: lazy regularisation)."""
        return self.regularizer.kind != "none" and self.step % self.regularizer.every == 0

    def decay_learning_rates(self) -> None:
        """Set both rates for this step: constant, then falling as 1/√images.

        That depends on no end, so a run can be made longer (Karras et al., 2024: EDM2's schedule).
        """
        if not self.lr_decay_from:
            return
        images_seen = self.step * self.batches.batch_size
        factor = max(images_seen / self.lr_decay_from, 1) ** -0.5
        for optimizer, rate in (
            (self.generator_optimizer, self.generator_lr),
            (self.discriminator_optimizer, self.discriminator_lr),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor

    def draw_latents(self) -> Tensor:
        """This rank's share of the next batch of latents, (N, latent_size), on the device.

        All are drawn, so that the random stream is at the same place on every rank.
        """
        shape = (self.batches.batch_size, self.latent_size)
        latents = torch.randn(shape, generator=self.latents)[self.batches.share]
        return bring(latents, self.batches.device)

    def draw_between(self, real: Tensor, fake: Tensor) -> Tensor:
        """A random point between each real image and each fake: (N, C, H, W)."""
        shares = torch.rand(self.batches.batch_size, generator=self.mixing)[self.batches.share]
        return torch.lerp(real, fake, bring(shares, real.device)[:, None, None, None])

    def update_average(self) -> None:
        """Take the generator into the average.

        Early on the half-life is a share of the images seen, so that the average of a short run is
        not its untrained start (Karras et al., 2022: the ramp-up of EDM's average). The first
        update copies. Batch norm's running statistics are averaged along with the weights.
        """
        if self.ema is None:
            return
        batch_size = self.batches.batch_size
        half_life = min(self.ema_half_life, EMA_RAMP * max(self.step, 1) * batch_size)
        decay = 0.5 ** (batch_size / half_life) if self.ema.n_averaged else 0.0
        # AveragedModel's own update would wait for a GPU at every step, to fetch n_averaged.
        get_ema_multi_avg_fn(decay)(_floats(self.ema.module), _floats(self.plain_generator), 0)
        self.ema.n_averaged += 1

    def state_dict(self) -> dict[str, Any]:
        """Plain tensors and plain values."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        return {
            "step": self.step,
            "best_fid": self.best_fid,
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "num_batches_drawn": self.batches.num_drawn,
            "data_digest": self.data_digest,
            "random": {
                "torch": torch.get_rng_state(),
                "cuda": cuda,
                "latents": self.latents.get_state(),
                "mixing": self.mixing.get_state(),
            },
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.step, self.best_fid = state["step"], state["best_fid"]
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.generator_optimizer.load_state_dict(state["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.batches.num_drawn = state["num_batches_drawn"]
        torch.set_rng_state(state["random"]["torch"])
        if len(state["random"]["cuda"]) == torch.cuda.device_count() > 0:
            torch.cuda.set_rng_state_all(state["random"]["cuda"])
        self.latents.set_state(state["random"]["latents"])
        self.mixing.set_state(state["random"]["mixing"])


def _floats(network: nn.Module) -> list[Tensor]:
    """Weights and running statistics."""
    tensors = [*network.parameters(), *network.buffers()]
    return [tensor.detach() for tensor in tensors if tensor.is_floating_point()]


def build_state(config: TrainConfig, prepared: Prepared, fabric: Fabric) -> State:
    """Build a run at step 0, on prepared images.

    Raises:
        UserError: sizes that do not fit together.
    """
    torch.manual_seed(derive_seed(config.seed, "torch"))
    trainer, data = config.trainer, config.data
    shape = {"image_size": data.image_size, "channels": data.channels, "seed": config.seed}
    generator = Generator(config.generator, config.upsample, **shape)
    discriminator = Discriminator(config.discriminator, config.downsample, **shape)
    for network in (generator, discriminator):
        network.to(memory_format=torch.channels_last)  # 1.17x on a CPU
        network.to(fabric.device)

    # Start from the running statistics of the untrained generator, so that its samples at step 0
    # show what its layers do; training itself never reads them.
    latents = torch.randn(
        NUM_CALIBRATION, generator.latent_size, generator=stream(config.seed, "calibration")
    )
    update_bn([latents.to(fabric.device)], generator)

    ema = None
    if trainer.ema_half_life:
        ema = AveragedModel(generator, use_buffers=True)
        ema.eval()

    def adam(network: nn.Module, learning_rate: float) -> Adam:
        betas = (trainer.beta1, trainer.beta2)
        return Adam(network.parameters(), learning_rate, betas, fused=True)

    generator_optimizer = adam(generator, trainer.generator_lr)
    discriminator_optimizer = adam(discriminator, trainer.discriminator_lr)
    wrapped_generator, generator_optimizer = fabric.setup(generator, generator_optimizer)
    wrapped_discriminator, discriminator_optimizer = fabric.setup(
        discriminator, discriminator_optimizer
    )
    return State(
        generator=wrapped_generator,
        discriminator=wrapped_discriminator,
        ema=ema,
        generator_optimizer=generator_optimizer,
        discriminator_optimizer=discriminator_optimizer,
        batches=Batches(
            torch.from_numpy(prepared.open()),
            trainer.batch_size,
            seed=config.seed,
            flip=data.flip,
            device=fabric.device,
            rank=fabric.global_rank,
            num_ranks=fabric.world_size,
        ),
        latents=stream(config.seed, "latents"),
        mixing=stream(config.seed, "mixing"),
        latent_size=generator.latent_size,
        generator_lr=trainer.generator_lr,
        discriminator_lr=trainer.discriminator_lr,
        lr_decay_from=trainer.lr_decay_from,
        ema_half_life=trainer.ema_half_life,
        data_digest=prepared.digest,
        loss=LOSSES[config.loss.kind],
        regularizer=config.regularizer,
    )
