"""What the commands beside dcgan-train are told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcgan.checks import (
    doublings,
    require_at_least,
    require_exists,
    require_one_of,
    require_positive,
)
from dcgan.config.training import TrainConfig
from dcgan.errors import UserError


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
    num_images: int  # at most: real ones, and as many generated for each seed
    seeds: list[int]  # of sampling: intervals are over these
    weights: str = "ema"  # ema (the average, where there is one) or raw
    root: str | None = None  # of the run's data, if they lie elsewhere now

    def __post_init__(self) -> None:
        require_at_least("num_images", self.num_images, 2)
        require_one_of("weights", self.weights, ("ema", "raw"))
        require_exists("checkpoint", self.checkpoint)
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
            if (path := getattr(self, name)) is not None:
                require_exists(name, path)


@dataclass(kw_only=True)
class ExplainConfig:
    """Every claim is checked; a trained discriminator is looked into if one is given."""

    checkpoint: str | None = None  # a run's folder, or its checkpoints/last.pt

    def __post_init__(self) -> None:
        if self.checkpoint is not None:
            require_exists("checkpoint", self.checkpoint)


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

    further_sizes: list[Any]  # pairs, [pixels, filters], beside the run's own
    rounds: int  # in each of which every arm has its turn
    seconds_per_turn: float  # of the slowest arm; the others do as many steps
    tracking_steps: int  # of a run whose tracking and checkpoints are timed
    scaling: bool  # also time several batch sizes, filters and resolutions
    waiting: bool  # also time how threads wait for each other, on a CPU

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("rounds", self.rounds, 1)
        require_positive("seconds_per_turn", self.seconds_per_turn)
        require_at_least("tracking_steps", self.tracking_steps, 1)
        for size in self.further_sizes:
            if not _is_pair(size):
                raise UserError(
                    f"further_sizes={self.further_sizes}: must be a list of pairs,"
                    " [[pixels, filters], …]"
                )
            try:
                doublings(size[0])
            except UserError as error:
                raise UserError(f"further_sizes={self.further_sizes}: {error}") from error


def _is_pair(size: object) -> bool:
    """Whether it is two counts."""
    return (
        isinstance(size, list)
        and len(size) == 2
        and all(isinstance(number, int) and number >= 1 for number in size)
    )
