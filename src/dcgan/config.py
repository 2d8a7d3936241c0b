"""One typed dataclass per config group, and the checks that refuse what cannot work.

Plain Python: nothing here knows Hydra, so the classes serve a notebook as well as a command. The
numbers stand in configs/; a default here is only what a choice need not name. Every check raises
`UserError` with one line that names the setting, its value and what is allowed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcgan.checks import doublings, require_at_least, require_one_of
from dcgan.errors import UserError

SOURCES = (
    "digits",
    "photos",
    "mnist",
    "fashion_mnist",
    "cifar10",
    "celeba",
    "folder",
    "synthetic",
)
DRAWN_SOURCES = ("digits", "photos", "synthetic")  # made here, in any number; they read no files
FILE_SOURCES = ("celeba", "folder")  # image files, cropped and resized


@dataclass(kw_only=True)
class DataConfig:
    """Which images, and how they are prepared."""

    source: str
    image_size: int  # height and width, pixels
    channels: int  # 1 grey, 3 colour
    flip: bool  # mirror left-right at random while training
    num_images: int | None = None  # how many to draw (drawn sources only)
    root: str | None = None  # the folder that holds the files (file sources only)
    crop: int | None = None  # centre square, pixels, cut before resizing; None: the largest one
    on_error: str = "fail"  # a broken image: fail, or skip (counted and left out)
    cache_dir: str = "~/.cache/dcgan"  # prepared images are kept here
    num_workers: int | None = None  # processes that decode; None: one per core

    def __post_init__(self) -> None:
        require_one_of("data.source", self.source, SOURCES)
        require_one_of("data.channels", self.channels, (1, 3))
        require_one_of("data.on_error", self.on_error, ("fail", "skip"))
        doublings(self.image_size)
        for name in ("num_images", "crop", "num_workers"):
            if (value := getattr(self, name)) is not None:
                require_at_least(f"data.{name}", value, 1)
        drawn = self.source in DRAWN_SOURCES
        needed, useless = ("num_images", "root") if drawn else ("root", "num_images")
        if getattr(self, needed) is None:
            raise UserError(f"data.{needed}=null: data={self.source} needs it: data.{needed}=VALUE")
        if (value := getattr(self, useless)) is not None:
            raise UserError(f"data.{useless}={value}: has no effect on data={self.source}")
        if self.crop is not None and self.source not in FILE_SOURCES:
            raise UserError(f"data.crop={self.crop}: only for {' and '.join(FILE_SOURCES)}")


DOUBLING_TRIPLES = ((1, 0, 1), (2, 0, 0), (3, 1, 1), (4, 1, 0), (5, 2, 1), (6, 2, 0))


@dataclass(kw_only=True)
class UpsampleConfig:
    """One way to double height and width; see `dcgan.networks.upsampling`."""

    kind: str  # transposed, resize (then convolve) or subpixel (convolve, then shuffle)
    kernel_size: int
    padding: int | None = None  # transposed only
    output_padding: int | None = None  # transposed only
    mode: str | None = None  # resize only: nearest or bilinear
    padding_mode: str = "zeros"  # of the convolution in resize and subpixel: zeros or reflect
    init: str = "normal"  # normal; bilinear (transposed, kernel 3 or 4); icnr (subpixel)
    smooth: bool = False  # a fixed [1 2 1]/4 filter after the block
    layers: Any = "all"  # all, first, last, up1 … upL, or a list of these; the others resize

    def __post_init__(self) -> None:
        require_one_of("upsample.kind", self.kind, ("transposed", "resize", "subpixel"))
        require_one_of("upsample.padding_mode", self.padding_mode, ("zeros", "reflect"))
        require_at_least("upsample.kernel_size", self.kernel_size, 1)
        if self.kind == "transposed":
            self._check_transposed()
        else:
            self._check_convolution()
        inits = {
            "transposed": ("normal", "bilinear") if self.kernel_size in (3, 4) else ("normal",),
            "resize": ("normal",),
            "subpixel": ("normal", "icnr"),
        }
        require_one_of(
            f"upsample.init (kind={self.kind}, kernel_size={self.kernel_size})",
            self.init,
            inits[self.kind],
        )

    def _check_transposed(self) -> None:
        k, p, op = self.kernel_size, self.padding, self.output_padding
        if p is None or op is None or k - 2 * p + op != 2 or not 0 <= op < 2 or p < 0:
            triples = ", ".join(map(str, DOUBLING_TRIPLES))
            raise UserError(
                f"upsample (kernel_size, padding, output_padding)=({k}, {p}, {op}) does not double"
                f" a size at stride 2; these do: {triples}"
            )
        if self.mode is not None:
            raise UserError(f"upsample.mode={self.mode}: only for kind=resize; must be null")
        if self.padding_mode != "zeros":
            raise UserError(
                f"upsample.padding_mode={self.padding_mode}: must be zeros for kind=transposed"
            )

    def _check_convolution(self) -> None:
        if self.kernel_size % 2 == 0:
            raise UserError(
                f"upsample.kernel_size={self.kernel_size}: must be odd for kind={self.kind},"
                " so that the convolution keeps the size"
            )
        for name in ("padding", "output_padding"):
            if (value := getattr(self, name)) is not None:
                raise UserError(f"upsample.{name}={value}: only for kind=transposed; must be null")
        if self.kind == "resize":
            require_one_of("upsample.mode (kind=resize)", self.mode, ("nearest", "bilinear"))
        elif self.mode is not None:
            raise UserError(f"upsample.mode={self.mode}: only for kind=resize; must be null")

    @property
    def label(self) -> str:
        """What a figure's legend calls it: transposed k3, nearest + conv k3, sub-pixel k3 ICNR."""
        kinds = {
            "transposed": "transposed",
            "resize": f"{self.mode} + conv",
            "subpixel": "sub-pixel",
        }
        words = [kinds[self.kind], f"k{self.kernel_size}"]
        if self.init != "normal":
            words.append("ICNR" if self.init == "icnr" else f"{self.init} init")
        if self.padding_mode != "zeros":
            words.append(self.padding_mode)
        if self.smooth:
            words.append("smoothed")
        if self.layers != "all":
            words.append("in the last block" if self.layers == "last" else f"in {self.layers}")
        return " ".join(words)

    def selected_layers(self, num_blocks: int) -> frozenset[int]:
        """Indices (0 … num_blocks − 1) of the blocks that use this choice.

        Raises:
            UserError: `layers` names a block that the generator does not have.
        """
        names = [self.layers] if isinstance(self.layers, str) else self.layers
        known = {f"up{i + 1}": {i} for i in range(num_blocks)}
        known |= {"all": set(range(num_blocks)), "first": {0}, "last": {num_blocks - 1}}
        if not isinstance(names, list) or not names:
            raise UserError(f"upsample.layers={names}: must be a name or a list of {list(known)}")
        for name in names:
            require_one_of("upsample.layers", name, known)
        return frozenset().union(*(known[name] for name in names))


@dataclass(kw_only=True)
class DownsampleConfig:
    """How the discriminator halves height and width."""

    kind: str  # strided: convolution at stride 2; pooled: at stride 1, then 2x2 average pooling
    kernel_size: int

    def __post_init__(self) -> None:
        require_one_of("downsample.kind", self.kind, ("strided", "pooled"))
        allowed = (2, 3, 4, 5, 6) if self.kind == "strided" else (3, 5)
        require_one_of("downsample.kernel_size", self.kernel_size, allowed)

    @property
    def label(self) -> str:
        """What a figure's legend calls it: D strided k4, D conv k3 + pool."""
        if self.kind == "strided":
            return f"D strided k{self.kernel_size}"
        return f"D conv k{self.kernel_size} + pool"


@dataclass(kw_only=True)
class GeneratorConfig:
    """Kind and size of the generator."""

    kind: str = "doubling"  # doubling: from base x base up; flat: stride 1 at full resolution
    filters: int  # channels before the last block, doubled towards the latent; flat: of every layer
    latent_size: int | None = None  # length of z (doubling only; flat: one number a pixel)
    kernel_size: int | None = None  # flat only
    num_layers: int | None = None  # flat only

    def __post_init__(self) -> None:
        require_one_of("generator.kind", self.kind, ("doubling", "flat"))
        require_at_least("generator.filters", self.filters, 1)
        flat_only = {"kernel_size": 1, "num_layers": 2}
        needed, useless = {"latent_size": 1}, flat_only
        if self.kind == "flat":
            needed, useless = useless, needed
        for name, least in needed.items():
            value = getattr(self, name)
            if value is None:
                raise UserError(f"generator.{name}=null: kind={self.kind} needs it")
            require_at_least(f"generator.{name}", value, least)
        for name in useless:
            if (value := getattr(self, name)) is not None:
                raise UserError(f"generator.{name}={value}: has no effect on kind={self.kind}")
        if self.kernel_size is not None and self.kernel_size % 2 == 0:
            raise UserError(
                f"generator.kernel_size={self.kernel_size}: must be odd, to keep the size"
            )

    @property
    def label(self) -> str:
        """What a figure's legend calls it: 32 filters, z of 100; flat k9, 4 layers of 5 filters."""
        if self.kind == "flat":
            return f"flat k{self.kernel_size}, {self.num_layers} layers of {self.filters} filters"
        return f"{self.filters} filters, z of {self.latent_size}"


@dataclass(kw_only=True)
class DiscriminatorConfig:
    """Size and normalisation of the discriminator."""

    filters: int  # channels after the first block; they double towards the logit
    norm: str = "batch"  # batch (not in the first block), spectral (of every weight) or none

    def __post_init__(self) -> None:
        require_at_least("discriminator.filters", self.filters, 1)
        require_one_of("discriminator.norm", self.norm, ("batch", "spectral", "none"))


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
        elif not 0 < self.weight < float("inf"):
            raise UserError(f"regularizer.weight={self.weight}: must be above 0, finite")


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
    precision: str  # 32-true or bf16-mixed
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
        counts = ("steps", "batch_size", "num_samples")
        intervals = ("log_every", "sample_every", "checkpoint_every")
        for name in (*counts, *intervals):
            require_at_least(f"trainer.{name}", getattr(self, name), 1)
        require_at_least("trainer.score_from", self.score_from, 1)
        require_one_of("trainer.score_weights", self.score_weights, ("ema", "raw"))
        require_at_least("trainer.num_evaluated", self.num_evaluated, 2)
        for name in ("lr_decay_from", "ema_half_life", "num_scored", "evaluate_every"):
            require_at_least(f"trainer.{name}", getattr(self, name), 0)
        for name in ("generator_lr", "discriminator_lr"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UserError(f"trainer.{name}={getattr(self, name)}: must be above 0, finite")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"trainer.{name}={getattr(self, name)}: must be in [0, 1)")
        require_one_of("trainer.accelerator", self.accelerator, ("auto", "cpu", "gpu"))
        require_one_of("trainer.precision", self.precision, ("32-true", "bf16-mixed"))


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
        base, num_blocks = doublings(self.data.image_size)
        self.upsample.selected_layers(num_blocks)
        first_block = base * (2 if self.upsample.kind == "resize" else 1)  # what it convolves
        if self.upsample.padding_mode == "reflect" and self.upsample.kernel_size > 2 * first_block:
            raise UserError(
                f"upsample.kernel_size={self.upsample.kernel_size}: with padding_mode=reflect must"
                f" be below {2 * first_block}, twice the first block's {first_block} pixels"
            )


@dataclass(kw_only=True)
class SampleConfig:
    """What to draw from a trained generator; every image belongs to its seed alone."""

    checkpoint: str  # a run's folder, its checkpoints/last.pt, or an exported .safetensors
    num_images: int  # draws seeds 0 … num_images − 1 …
    seeds: list[int] = field(default_factory=list)  # … unless seeds are chosen here
    weights: str = "ema"  # ema (the average) or raw (the generator as it was trained)
    batch_statistics: bool = False  # batch norm by the batch at hand instead of running statistics
    single_files: bool = False  # one PNG per seed beside the grid
    interpolation_frames: int = 0  # frames between two seeds, as a PNG strip and a GIF; 0: none
    export: bool = False  # write generator.safetensors

    def __post_init__(self) -> None:
        require_at_least("num_images", self.num_images, 1)
        require_at_least("interpolation_frames", self.interpolation_frames, 0)
        require_one_of("weights", self.weights, ("ema", "raw"))
        for seed in self.seeds:
            if not 0 <= seed < 2**63:
                raise UserError(f"seeds={seed}: must be at least 0 and below 2^63")
        if self.interpolation_frames and len(self.seeds) < 2:
            raise UserError(
                f"interpolation_frames={self.interpolation_frames}: choose two seeds or more to"
                " walk between, such as seeds=[3,14,15]"
            )


@dataclass(kw_only=True)
class EvaluateConfig:
    """Which generator, and how it is drawn from."""

    checkpoint: str  # a run's folder, or a checkpoint
    num_images: int  # generated for each seed, and of real images at most
    seeds: list[int]  # of sampling: intervals are over these
    weights: str = "ema"  # ema (the average, where there is one) or raw
    batch_statistics: bool = False  # batch norm by batches of 500 instead of running statistics
    root: str | None = None  # of the run's data, if they lie elsewhere now

    def __post_init__(self) -> None:
        require_at_least("num_images", self.num_images, 2)
        require_one_of("weights", self.weights, ("ema", "raw"))
        if not Path(self.checkpoint).expanduser().exists():
            raise UserError(f"checkpoint={self.checkpoint}: no such file or folder")
        if not self.seeds or min(self.seeds) < 0:
            raise UserError(f"seeds={self.seeds}: must be one number or more, each at least 0")


@dataclass(kw_only=True)
class DiagnoseConfig:
    """What to look for a grid in."""

    target: str  # a run's folder, a checkpoint, an exported .safetensors, or a folder of images
    reference: str | None = None  # a folder of real images to compare with
    num_images: int  # generated, or read from each folder at most
    weights: str = "ema"  # of a checkpoint: ema (the average) or raw

    def __post_init__(self) -> None:
        require_at_least("num_images", self.num_images, 1)
        require_one_of("weights", self.weights, ("ema", "raw"))
        for name in ("target", "reference"):
            path = getattr(self, name)
            if path is not None and not Path(path).expanduser().exists():
                raise UserError(f"{name}={path}: no such file or folder")


@dataclass(kw_only=True)
class ExplainConfig:
    """Every claim is checked; a trained discriminator is looked into if one is given."""

    checkpoint: str | None = None  # a run's folder, or its checkpoints/last.pt

    def __post_init__(self) -> None:
        if self.checkpoint is not None and not Path(self.checkpoint).expanduser().exists():
            raise UserError(f"checkpoint={self.checkpoint}: no such file or folder")


@dataclass(kw_only=True)
class ReportConfig:
    """Which runs to compare."""

    runs: str  # a folder; every run below it is read

    def __post_init__(self) -> None:
        if not Path(self.runs).expanduser().is_dir():
            raise UserError(f"runs={self.runs}: no such folder")


@dataclass(kw_only=True)
class BenchmarkConfig(TrainConfig):
    """A run to time, and how often."""

    rounds: int  # pairs of (with, without) tracking and checkpoints, interleaved
    steps_per_round: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("rounds", self.rounds, 1)
        require_at_least("steps_per_round", self.steps_per_round, 1)
