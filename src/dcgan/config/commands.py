"""The settings of all commands except dcgan-train."""

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
    PathOrFactory,
    PathText,
    Positive,
    TwoOrMore,
    doublings,
)

Weights = Literal["ema", "raw"]  # the EMA if there is one, or the generator's own weights
Size = Annotated[list[Count], Field(min_length=3, max_length=3)]
RaceSteps = Annotated[list[Count], Field(min_length=2, max_length=2)]


@dataclass(kw_only=True, config=RULES)
class SampleConfig:
    """What to sample from a trained generator; every image depends on its seed alone."""

    checkpoint: PathText  # a run's folder, its checkpoints/last.pt, or an exported .safetensors
    num_images: Count  # samples seeds 0 … num_images − 1 …
    seeds: list[Natural] = field(default_factory=list)  # … unless seeds are given here
    weights: Weights = "ema"
    single_files: Flag = False  # also write one PNG per seed
    interpolation_frames: Natural = 0  # frames from one seed to the next, in one PNG; 0: none
    export: Flag = False  # write generator.safetensors

    def __post_init__(self) -> None:
        if self.interpolation_frames and len(self.seeds) < 2:
            raise ValueError(
                f"interpolation_frames={self.interpolation_frames}: needs at least two seeds"
                " to interpolate between, such as seeds=[3,14,15]"
            )


@dataclass(kw_only=True, config=RULES)
class EvaluateConfig:
    """Which generator to evaluate, and on how many images."""

    checkpoint: ExistingPath  # a run's folder, or a checkpoint
    num_images: TwoOrMore  # maximum: real ones, and as many generated ones per seed
    seeds: Annotated[list[Natural], Field(min_length=1)]  # for sampling; intervals are over these
    weights: Weights = "ema"
    root: PathText | None = None  # of the run's data, if it has moved


@dataclass(kw_only=True, config=RULES)
class CureConfig:
    """Which trained generator to cure."""

    checkpoint: ExistingPath  # a run's folder, or a checkpoint
    num_images: TwoOrMore  # generated ones, and real ones to compare with
    weights: Weights = "ema"
    root: PathText | None = None  # of the run's data, if it has moved


@dataclass(kw_only=True, config=RULES)
class DiagnoseConfig:
    """Where to look for checkerboard artifacts."""

    # A run, a checkpoint, an exported .safetensors, a folder of images, or package.module:factory.
    target: PathOrFactory
    reference: ExistingPath | None = None  # real images; None: a run's training images, or noise
    num_images: Count  # to generate, or at most to read from each folder
    weights: Weights = "ema"  # of a checkpoint


@dataclass(kw_only=True, config=RULES)
class ExplainConfig:
    """Whether to look into a trained discriminator as well; every claim is always checked."""

    checkpoint: ExistingPath | None = None  # a run's folder, or its checkpoints/last.pt


@dataclass(kw_only=True, config=RULES)
class ReportConfig:
    """Which runs to compare."""

    runs: ExistingPath  # a folder; all runs below it are read


@dataclass(kw_only=True, config=RULES)
class BenchmarkConfig:
    """What to time, and how often."""

    sizes: list[Size]  # image size and filters (equal), steps of the short run, of the long run
    rounds: Count  # every arm is timed once per round; `beside`: 40 times
    overrides: list[str] = field(default_factory=list)  # more settings for dcgan-train
    beside: list[str] = field(default_factory=list)  # settings; each is compared with the defaults
    race: Flag = False  # time until an FID, instead of a step's; `rounds` is the number of seeds
    race_fid: Positive | None = None  # the target; None: each seed's baseline at its end
    race_steps: RaceSteps = field(default_factory=lambda: [3125, 1250])  # baseline's, ours
    race_checkpoints: Count = 50  # of each run, evenly spaced, whose FIDs are measured

    def __post_init__(self) -> None:
        if not self.sizes and not self.race:
            raise ValueError("sizes=[]: must not be empty without race=true")
        for pixels, short, long in self.sizes:
            try:
                doublings(pixels)
            except ValueError as error:
                raise ValueError(f"sizes={self.sizes}: {error}") from error
            if short >= long:
                raise ValueError(f"sizes={self.sizes}: each must be [pixels, steps, more steps]")
        if len(set(self.beside)) < len(self.beside):
            raise ValueError(f"beside={self.beside}: contains the same setting twice")
        if self.race_fid is not None and not self.race:
            raise ValueError(f"race_fid={self.race_fid}: has no effect without race=true")
