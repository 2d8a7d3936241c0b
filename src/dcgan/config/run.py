"""All settings that define a run: its data, its networks, how they learn, what is recorded."""

from typing import Annotated, Any, Literal

from pydantic import Field, Strict
from pydantic.dataclasses import dataclass

from dcgan.config.settings import (
    RULES,
    BelowOne,
    Count,
    Flag,
    Natural,
    NonNegative,
    PathText,
    Positive,
    TwoOrMore,
    check_kind,
    doublings,
)
from dcgan.errors import UserError

Source = Literal[
    "digits", "photos", "mnist", "fashion_mnist", "cifar10", "celeba", "folder", "synthetic"
]
DRAWN_SOURCES = ("digits", "photos", "synthetic")  # generated in any number, without data files
FILE_SOURCES = ("celeba", "folder")  # image files, cropped and resized
MAX_PIXELS = 2**29 // 3  # default limit per image file: 512 MiB in RGB, as in Pillow


@dataclass(kw_only=True, config=RULES)
class DataConfig:
    """Which images to use, and how to prepare them."""

    source: Source
    image_size: Count  # height and width, pixels
    channels: Literal[1, 3]  # 1 gray, 3 color
    flip: Flag  # mirror left-right at random while training
    num_images: Count | None = None  # how many to generate (generated sources only)
    root: PathText | None = None  # the folder of the files (all other sources)
    crop: Count | None = None  # side of the center square, before resizing; None: the largest
    on_corrupt_image: Literal["fail", "skip"] = "fail"  # skip: leave such files out and count them
    cache_dir: PathText = "~/.cache/dcgan"  # prepared images are kept here
    # None: one per core. The system refuses to start many thousands.
    decoding_threads: Annotated[int, Strict(), Field(ge=1, le=256)] | None = None
    max_pixels: Count = MAX_PIXELS  # larger image files count as corrupt

    def __post_init__(self) -> None:
        doublings(self.image_size)
        drawn = self.source in DRAWN_SOURCES
        check_kind(self, f"data={self.source}", num_images=drawn, root=not drawn)
        if self.crop is not None and self.source not in FILE_SOURCES:
            raise ValueError(f"crop={self.crop}: only for {' and '.join(FILE_SOURCES)}")


@dataclass(kw_only=True, config=RULES)
class UpsampleConfig:
    """One way to double height and width; see `dcgan.networks.upsampling`."""

    kind: Literal["transposed", "resize", "subpixel"]  # resize + conv; conv + pixel shuffle
    kernel_size: Count
    mode: Literal["nearest", "bilinear"] | None = None  # resize only
    padding_mode: Literal["zeros", "reflect"] = "zeros"  # resize, subpixel: of the convolution
    init: Literal["normal", "bilinear", "icnr"] = "normal"
    balanced: Literal[0, 1, 2] = 0  # order: 1 keeps constants constant, 2 also ramps; 0: off
    smooth: Flag = False  # a fixed [1 2 1]/4 filter after the block
    layers: Any = "all"  # all, first, last, up1 … upL, or a list; the others resize

    def __post_init__(self) -> None:
        transposed = self.kind == "transposed"
        check_kind(self, f"kind={self.kind}", mode=self.kind == "resize")
        inits = ["normal"]
        if transposed:
            if self.padding_mode != "zeros":
                raise ValueError(f"padding_mode={self.padding_mode}: has no effect on transposed")
            inits += ["bilinear"] if self.kernel_size in (3, 4) else []
        else:
            _check_odd(self)
            inits += ["icnr"] if self.kind == "subpixel" else []
        size = self.kernel_size if transposed else 2 * self.kernel_size  # as transposed convolution
        orders = 0 if self.kind == "resize" else min(size - 1, 2)  # with nonzero balanced kernels
        if self.balanced > orders:
            raise ValueError(
                f"balanced={self.balanced}: must be {' or '.join(map(str, range(orders + 1)))} for"
                f" kind={self.kind} and kernel_size={self.kernel_size}"
            )
        if self.init not in inits:
            allowed = ", ".join(inits)
            raise ValueError(f"init={self.init}: must be one of {allowed} for this kind and kernel")

    @property
    def label(self) -> str:
        """The name in legends: transposed k3, nearest + conv k3, sub-pixel k3 ICNR."""
        kinds = {"resize": f"{self.mode} + conv", "subpixel": "sub-pixel"}
        words = [kinds.get(self.kind, self.kind), f"k{self.kernel_size}"]
        if self.init != "normal":
            words.append("ICNR" if self.init == "icnr" else f"{self.init} init")
        if self.balanced:
            words.append("balanced" if self.balanced == 1 else f"balanced of order {self.balanced}")
        if self.padding_mode != "zeros":
            words.append(self.padding_mode)
        if self.smooth:
            words.append("smoothed")
        if self.layers != "all":
            names = self.layers if isinstance(self.layers, list) else [self.layers]
            which = "the last block" if names == ["last"] else " and ".join(map(str, names))
            words.append(f"in {which}")
        return " ".join(words)

    def selected_layers(self, num_blocks: int) -> frozenset[int]:
        """Indices (0 … num_blocks − 1) of the blocks that use this choice.

        Raises:
            UserError: `layers` names a block that the generator does not have.
        """
        names = [self.layers] if isinstance(self.layers, str) else self.layers
        known = {f"up{i + 1}": {i} for i in range(num_blocks)}
        known |= {"all": set(range(num_blocks)), "first": {0}, "last": {num_blocks - 1}}
        if not isinstance(names, list) or not names or not {*map(str, names)} <= known.keys():
            raise UserError(
                f"upsample.layers={self.layers}: must be one or more of {', '.join(known)}"
            )
        return frozenset().union(*(known[name] for name in names))


@dataclass(kw_only=True, config=RULES)
class DownsampleConfig:
    """How the discriminator halves height and width."""

    kind: Literal["strided", "pooled"]  # stride-2 convolution; convolution + 2x2 average pooling
    kernel_size: Literal[2, 3, 4, 5, 6]  # pooled: 3 or 5
    balanced: Flag = False  # strided only: balanced kernels, for input gradients without a pattern

    def __post_init__(self) -> None:
        if self.kind == "pooled" and self.kernel_size not in (3, 5):
            raise ValueError(f"kernel_size={self.kernel_size}: must be one of 3, 5 for kind=pooled")
        if self.kind == "pooled" and self.balanced:
            raise ValueError("balanced=true: has no effect on kind=pooled")

    @property
    def label(self) -> str:
        """The name in legends: D strided k4, D conv k3 + pool."""
        k, balanced = self.kernel_size, " balanced" if self.balanced else ""
        return f"D strided k{k}{balanced}" if self.kind == "strided" else f"D conv k{k} + pool"


@dataclass(kw_only=True, config=RULES)
class GeneratorConfig:
    """Kind and size of the generator."""

    kind: Literal["doubling", "flat"] = "doubling"  # flat: stride 1 at full size
    filters: Count  # channels before the last block, doubling toward the latent; flat: every layer
    latent_size: Count | None = None  # length of z (doubling only; flat: one number per pixel)
    kernel_size: Count | None = None  # flat only
    num_layers: Annotated[int, Strict(), Field(ge=2, le=100)] | None = None  # flat only
    # Order of a fixed filter on the images that removes period 2; 0: none.
    notch: Annotated[int, Strict(), Field(ge=0, le=16)] = 0

    def __post_init__(self) -> None:
        flat = self.kind == "flat"
        check_kind(
            self, f"kind={self.kind}", latent_size=not flat, kernel_size=flat, num_layers=flat
        )
        _check_odd(self)

    @property
    def label(self) -> str:
        """The name in legends: 32 filters, z of 100; flat k9, 4 layers of 5 filters."""
        notch = f", notch of order {self.notch}" if self.notch else ""
        if self.kind == "flat":
            layers = f"{self.num_layers} layers of {self.filters} filters"
            return f"flat k{self.kernel_size}, {layers}{notch}"
        return f"{self.filters} filters, z of {self.latent_size}{notch}"


@dataclass(kw_only=True, config=RULES)
class DiscriminatorConfig:
    """Size and normalization of the discriminator."""

    filters: Count  # channels after the first block, doubling toward the logit
    norm: Literal["batch", "spectral", "none"] = "batch"  # batch: except in the first block


def _check_odd(config: UpsampleConfig | GeneratorConfig) -> None:
    if config.kernel_size is not None and config.kernel_size % 2 == 0:
        raise ValueError(f"kernel_size={config.kernel_size}: must be odd, to keep the size")


@dataclass(kw_only=True, config=RULES)
class LossConfig:
    """What the two networks minimize; see `dcgan.training.losses`."""

    kind: Literal["nonsaturating", "hinge", "wasserstein", "least_squares", "relativistic"]


@dataclass(kw_only=True, config=RULES)
class RegularizerConfig:
    """A penalty on the discriminator's gradient; see `dcgan.training.losses`."""

    kind: Literal["none", "r1", "gradient_penalty"]
    weight: NonNegative = 0.0
    interval: Count = 1  # steps between two penalties, each scaled by this number

    def __post_init__(self) -> None:
        if self.kind == "none" and self.weight:
            raise ValueError(f"weight={self.weight}: has no effect on kind=none")
        if self.kind != "none" and not self.weight:
            raise ValueError(f"weight={self.weight}: must be above 0 for kind={self.kind}")


@dataclass(kw_only=True, config=RULES)
class TrainerConfig:
    """How long, how fast and on what to train, and what to record."""

    steps: Count  # one step = one D update and one G update
    batch_size: Count
    generator_lr: Positive
    discriminator_lr: Positive
    beta1: BelowOne  # Adam
    beta2: BelowOne
    lr_decay_start_images: NonNegative  # images seen when learning rates start to fall; 0: constant
    ema_half_life_images: NonNegative  # of the EMA generator, in images; 0: no EMA
    accelerator: Literal["auto", "cpu", "gpu"]
    devices: Count  # processes on this machine, which share each batch; see torchrun
    precision: Literal["auto", "32-true", "bf16-mixed"]  # auto: bf16-mixed where supported
    log_every: Count  # steps between log lines
    sample_every: Count  # steps between sample grids
    num_samples: Count  # images in a sample grid
    checkpoint_every: Count  # steps between checkpoints
    checkerboard_images: Natural  # generated images for the checkerboard scores; 0: no scores
    checkerboard_from_step: Count  # scores at steps 0, this, 2x this, 4x this, …, and the last
    fid_every: Natural  # steps between FIDs, the lowest of which is saved as best.pt; 0: none
    fid_images: TwoOrMore  # generated images for FID, and real ones


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
    resume: PathText | None = None  # auto, a run's folder, or a checkpoint
    start_from: PathText | None = None  # a run or a checkpoint: a new run's initial weights

    def __post_init__(self) -> None:
        if self.regularizer.kind == "gradient_penalty" and self.discriminator.norm == "batch":
            raise ValueError(
                "discriminator.norm=batch: must be spectral or none with"
                " regularizer=gradient_penalty, which is defined per image"
            )
        smooth = self.regularizer.kind != "none" or self.discriminator.norm == "spectral"
        if self.loss.kind == "wasserstein" and not smooth:
            raise ValueError(
                "loss.kind=wasserstein: needs a Lipschitz constraint; set"
                " discriminator.norm=spectral, or a regularizer such as gradient_penalty"
            )
        if self.generator.notch >= self.data.image_size:
            raise ValueError(
                f"generator.notch={self.generator.notch}: must be below data.image_size, which is"
                f" {self.data.image_size}"
            )
        base, num_blocks = doublings(self.data.image_size)
        first = min(self.upsample.selected_layers(num_blocks))
        side = base * 2 ** (first + (self.upsample.kind == "resize"))  # of the convolution's input
        reflects = self.upsample.padding_mode == "reflect" and self.generator.kind != "flat"
        if reflects and self.upsample.kernel_size > 2 * side:
            raise ValueError(
                f"upsample.kernel_size={self.upsample.kernel_size}: with padding_mode=reflect, must"
                f" be below {2 * side}, twice the {side} pixels of its first block"
            )
