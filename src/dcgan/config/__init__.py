"""One typed dataclass per config group; what is not allowed is refused as it is made.

Plain Python: nothing here knows Hydra, so the classes serve a notebook as well as a command. The
numbers stand in configs/; a default here is only what a choice need not name. A class called
directly raises pydantic's ValidationError, a ValueError; `build` turns that into `UserError`, one
line that names the setting, its value and what is allowed.
"""

from dcgan.config.commands import (
    BenchmarkConfig,
    DiagnoseConfig,
    EvaluateConfig,
    ExplainConfig,
    ReportConfig,
    SampleConfig,
)
from dcgan.config.data import DRAWN_SOURCES, DataConfig
from dcgan.config.networks import (
    DiscriminatorConfig,
    DownsampleConfig,
    GeneratorConfig,
    UpsampleConfig,
)
from dcgan.config.settings import build
from dcgan.config.training import LossConfig, RegularizerConfig, TrainConfig, TrainerConfig

__all__ = [
    "DRAWN_SOURCES",
    "BenchmarkConfig",
    "DataConfig",
    "DiagnoseConfig",
    "DiscriminatorConfig",
    "DownsampleConfig",
    "EvaluateConfig",
    "ExplainConfig",
    "GeneratorConfig",
    "LossConfig",
    "RegularizerConfig",
    "ReportConfig",
    "SampleConfig",
    "TrainConfig",
    "TrainerConfig",
    "UpsampleConfig",
    "build",
]
