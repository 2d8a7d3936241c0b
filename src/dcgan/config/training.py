"""How a run learns, how long, and what it writes down; and all that defines a run."""

from dataclasses import dataclass

from dcgan.checks import doublings, require_at_least, require_one_of, require_positive
from dcgan.config.data import DataConfig
from dcgan.config.networks import (
    DiscriminatorConfig,
    DownsampleConfig,
    GeneratorConfig,
    UpsampleConfig,
)
from dcgan.errors import UserError


@dataclass(kw_only=True)
class LossConfig:
    """What the two networks minimise; see `dcgan.training.losses`."""

    kind: str

    def __post_init__(self) -> None:
        kinds = ("nonsaturating", "hinge", "wasserstein", "least_squares")
        require_one_of("loss.kind", self.kind, kinds)


@dataclass(kw_only=True)
class RegularizerConfig:
    """A penalty on the discriminator's gradient; see `dcgan.training.regularizers`."""

    kind: str
    weight: float = 0.0
    every: int = 1  # steps between two penalties, each then so many times as strong

    def __post_init__(self) -> None:
        require_one_of("regularizer.kind", self.kind, ("none", "r1", "gradient_penalty"))
        require_at_least("regularizer.every", self.every, 1)
        if self.kind == "none":
            if self.weight:
                raise UserError(f"regularizer.weight={self.weight}: has no effect on kind=none")
        else:
            require_positive("regularizer.weight", self.weight)


@dataclass(kw_only=True)
class TrainerConfig:
    """How long, how fast, on what, and what is written down on the way."""

    steps: int  # one step = one D update and one G update
    batch_size: int
    generator_lr: float
    discriminator_lr: float
    beta1: float  # Adam
    beta2: float
    lr_decay_from: float  # images seen, after which learning rates fall as 1/√images; 0: constant
    ema_half_life: float  # of the averaged generator, in images; 0: no average
    accelerator: str  # auto, cpu or gpu
    devices: int  # processes on this machine, each with its share of a batch; see torchrun
    precision: str  # 32-true, bf16-mixed, or auto: bf16-mixed where the hardware has it
    compile: bool  # both networks by torch.compile: the first step takes a minute
    cuda_graphs: bool  # gradients as recorded sequences of kernels, on one GPU
    log_every: int  # steps between two reads of the losses
    sample_every: int  # steps between two sample grids
    num_samples: int  # images in a sample grid
    checkpoint_every: int  # steps between two checkpoints
    num_scored: int  # generated images that the checkerboard scores look at; 0: no scores
    score_from: int  # scored are steps 0, this, twice this, 4 times, … and the last
    score_weights: str  # ema (the average, where there is one) or raw
    evaluate_every: int  # steps between two FIDs, the best of which keeps best.pt; 0: none
    num_evaluated: int  # generated and held-out images that FID compares

    def __post_init__(self) -> None:
        counts = ("steps", "batch_size", "num_samples", "devices")
        intervals = ("log_every", "sample_every", "checkpoint_every")
        for name in (*counts, *intervals):
            require_at_least(f"trainer.{name}", getattr(self, name), 1)
        require_at_least("trainer.score_from", self.score_from, 1)
        require_one_of("trainer.score_weights", self.score_weights, ("ema", "raw"))
        require_at_least("trainer.num_evaluated", self.num_evaluated, 2)
        for name in ("lr_decay_from", "ema_half_life", "num_scored", "evaluate_every"):
            require_at_least(f"trainer.{name}", getattr(self, name), 0)
        for name in ("generator_lr", "discriminator_lr"):
            require_positive(f"trainer.{name}", getattr(self, name))
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"trainer.{name}={getattr(self, name)}: must be in [0, 1)")
        require_one_of("trainer.accelerator", self.accelerator, ("auto", "cpu", "gpu"))
        require_one_of("trainer.precision", self.precision, ("auto", "32-true", "bf16-mixed"))


@dataclass(kw_only=True)
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
    seed: int
    resume: str | None = None  # auto, a run's folder, or a checkpoint

    def __post_init__(self) -> None:
        require_at_least("seed", self.seed, 0)
        if self.regularizer.kind == "gradient_penalty" and self.discriminator.norm == "batch":
            raise UserError(
                "discriminator.norm=batch: must be spectral or none with"
                " regularizer=gradient_penalty, which is about each image alone"
            )
        if (
            self.trainer.cuda_graphs
            and self.regularizer.kind != "none"
            and self.regularizer.every == 1
        ):
            raise UserError(
                "trainer.cuda_graphs=true: has no effect with regularizer.every=1; steps with a"
                " penalty are no graphs"
            )
        smooth = self.regularizer.kind != "none" or self.discriminator.norm == "spectral"
        if self.loss.kind == "wasserstein" and not smooth:
            raise UserError(
                "loss.kind=wasserstein: has no bound by itself; must have"
                " discriminator.norm=spectral, or a regularizer such as gradient_penalty"
            )
        base, num_blocks = doublings(self.data.image_size)
        self.upsample.selected_layers(num_blocks)
        first_block = base * (2 if self.upsample.kind == "resize" else 1)  # what it convolves
        if self.upsample.padding_mode == "reflect" and self.upsample.kernel_size > 2 * first_block:
            raise UserError(
                f"upsample.kernel_size={self.upsample.kernel_size}: with padding_mode=reflect must"
                f" be below {2 * first_block}, twice the first block's {first_block} pixels"
            )
