"""How a run learns, how long, and what it writes down; and all that defines a run."""

from typing import Literal

from pydantic.dataclasses import dataclass

from dcgan.checks import doublings
from dcgan.config.data import DataConfig
from dcgan.config.networks import (
    DiscriminatorConfig,
    DownsampleConfig,
    GeneratorConfig,
    UpsampleConfig,
)
from dcgan.config.settings import (
    RULES,
    BelowOne,
    Count,
    Natural,
    NonNegative,
    Positive,
    TwoOrMore,
)


@dataclass(kw_only=True, config=RULES)
class LossConfig:
    """What the two networks minimize; see `dcgan.training.losses`."""

    kind: Literal["nonsaturating", "hinge", "wasserstein", "least_squares"]


@dataclass(kw_only=True, config=RULES)
class RegularizerConfig:
    """A penalty on the discriminator's gradient; see `dcgan.training.losses`."""

    kind: Literal["none", "r1", "gradient_penalty"]
    weight: NonNegative = 0.0
    every: Count = 1  # steps between two penalties, each then so many times as strong

    def __post_init__(self) -> None:
        if self.kind == "none" and self.weight:
            raise ValueError(f"weight={self.weight}: has no effect on kind=none")
        if self.kind != "none" and not self.weight:
            raise ValueError(f"weight={self.weight}: must be above 0 for kind={self.kind}")


@dataclass(kw_only=True, config=RULES)
class TrainerConfig:
    """How long, how fast, on what, and what is written down on the way."""

    steps: Count  # one step = one D update and one G update
    batch_size: Count
    generator_lr: Positive
    discriminator_lr: Positive
    beta1: BelowOne  # Adam
    beta2: BelowOne
    lr_decay_from: NonNegative  # images seen, then learning rates fall as 1/√images; 0: constant
    ema_half_life: NonNegative  # of the averaged generator, in images; 0: no average
    accelerator: Literal["auto", "cpu", "gpu"]
    devices: Count  # processes on this machine, each with its share of a batch; see torchrun
    precision: Literal["auto", "32-true", "bf16-mixed"]  # auto: bf16-mixed where supported
    log_every: Count  # steps between two reads of the losses
    sample_every: Count  # steps between two sample grids
    num_samples: Count  # images in a sample grid
    checkpoint_every: Count  # steps between two checkpoints
    num_scored: Natural  # generated images that the checkerboard scores look at; 0: no scores
    score_from: Count  # scored are steps 0, this, twice this, 4 times, … and the last
    evaluate_every: Natural  # steps between two FIDs, the best of which keeps best.pt; 0: none
    num_evaluated: TwoOrMore  # generated and held-out images that FID compares


@dataclass(kw_only=True, config=RULES)
class TrainConfig:
    """Everything that defines a run."""

    data: DataConfig
    upsample: UpsampleConfig
    downsample: DownsampleConfig
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    loss: LossConfig
    regularizer: RegularizerConfig
    trainer: TrainerConfig
    seed: Natural
    resume: str | None = None  # auto, a run's folder, or a checkpoint

    def __post_init__(self) -> None:
        if self.regularizer.kind == "gradient_penalty" and self.discriminator.norm == "batch":
            raise ValueError(
                "discriminator.norm=batch: must be spectral or none with"
                " regularizer=gradient_penalty, which is about each image alone"
            )
        smooth = self.regularizer.kind != "none" or self.discriminator.norm == "spectral"
        if self.loss.kind == "wasserstein" and not smooth:
            raise ValueError(
                "loss.kind=wasserstein: has no bound by itself; must have"
                " discriminator.norm=spectral, or a regularizer such as gradient_penalty"
            )
        base, num_blocks = doublings(self.data.image_size)
        self.upsample.selected_layers(num_blocks)
        first_block = base * (2 if self.upsample.kind == "resize" else 1)  # what it convolves
        if self.upsample.padding_mode == "reflect" and self.upsample.kernel_size > 2 * first_block:
            raise ValueError(
                f"upsample.kernel_size={self.upsample.kernel_size}: with padding_mode=reflect must"
                f" be below {2 * first_block}, twice the first block's {first_block} pixels"
            )
