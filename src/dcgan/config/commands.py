"""What the commands beside dcgan-train are told."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from dcgan.config.settings import (
    RULES,
    Count,
    ExistingPath,
    Flag,
    Natural,
    PathText,
    TwoOrMore,
    doublings,
)

Weights = Literal["ema", "raw"]  # the average, where there is one, or the generator as trained
Size = Annotated[list[Count], Field(min_length=3, max_length=3)]


@dataclass(kw_only=True, config=RULES)
class SampleConfig:
    """What to draw from a trained generator; every image belongs to its seed alone."""

    checkpoint: PathText  # a run's folder, its checkpoints/last.pt, or an exported .safetensors
    num_images: Count  # draws seeds 0 … num_images − 1 …
    seeds: list[Natural] = field(default_factory=list)  # … unless seeds are chosen here
    weights: Weights = "ema"
    single_files: Flag = False  # one PNG per seed beside the grid
    interpolation_frames: Natural = 0  # frames between two seeds, as a PNG strip; 0: none
    export: Flag = False  # write generator.safetensors

    def __post_init__(self) -> None:
        if self.interpolation_frames and len(self.seeds) < 2:
            raise ValueError(
                f"interpolation_frames={self.interpolation_frames}: choose two seeds or more to"
                " interpolate between, such as seeds=[3,14,15]"
            )


@dataclass(kw_only=True, config=RULES)
class EvaluateConfig:
    """Which generator, and how it is drawn from."""

    checkpoint: ExistingPath  # a run's folder, or a checkpoint
    num_images: TwoOrMore  # at most: real ones, and as many generated for each seed
    seeds: Annotated[list[Natural], Field(min_length=1)]  # of sampling: intervals are over these
    weights: Weights = "ema"
    root: PathText | None = None  # of the run's data, if they lie elsewhere now


@dataclass(kw_only=True, config=RULES)
class CureConfig:
    """Which trained generator to cure."""

    checkpoint: ExistingPath  # a run's folder, or a checkpoint
    num_images: TwoOrMore  # generated, and real ones to compare with
    weights: Weights = "ema"
    root: PathText | None = None  # of the run's data, if they lie elsewhere now


@dataclass(kw_only=True, config=RULES)
class DiagnoseConfig:
    """Where to look for checkerboard artifacts."""

    target: ExistingPath  # a run, a checkpoint, an exported .safetensors, or a folder of images
    reference: ExistingPath | None = None  # a folder of real images to compare with
    num_images: Count  # generated, or read from each folder at most
    weights: Weights = "ema"  # of a checkpoint


@dataclass(kw_only=True, config=RULES)
class ExplainConfig:
    """Every claim is checked; a trained discriminator is looked into if one is given."""

    checkpoint: ExistingPath | None = None  # a run's folder, or its checkpoints/last.pt


@dataclass(kw_only=True, config=RULES)
class ReportConfig:
    """Which runs to compare."""

    runs: ExistingPath  # a folder; every run below it is read


@dataclass(kw_only=True, config=RULES)
class BenchmarkConfig:
    """What to time, and how often."""

    sizes: list[Size]  # pixels (as many filters), steps, more steps
    rounds: Count  # in each of which every arm has its turn
    overrides: list[str] = field(default_factory=list)  # further settings of dcgan-train
    beside: list[str] = field(default_factory=list)  # settings, each timed beside ours without it

    def __post_init__(self) -> None:
        for pixels, short, long in self.sizes:
            doublings(pixels)
            if short >= long:
                raise ValueError(f"sizes={self.sizes}: must be [pixels, steps, more steps], each")
