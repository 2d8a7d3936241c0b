"""One typed dataclass per config group, and the checks that refuse what cannot work.

Plain Python: nothing here knows Hydra, so the classes serve a notebook as well as a command. The
numbers stand in configs/; a default here is only what a choice need not name. Every check raises
`UserError` with one line that names the setting, its value and what is allowed.
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
]
