"""One typed dataclass per config group, validated on construction.

Nothing here depends on Hydra, so the classes also work in a notebook. Values are set in configs/; a
setting with a default here, the same as there, may be left out of a choice. Constructing a class
directly raises pydantic's ValidationError, a ValueError; `build` turns that into `UserError`, one
line that names the setting, its value and what is allowed.
"""

from dcgan.config.commands import BenchmarkConfig as BenchmarkConfig
from dcgan.config.commands import CureConfig as CureConfig
from dcgan.config.commands import DiagnoseConfig as DiagnoseConfig
from dcgan.config.commands import EvaluateConfig as EvaluateConfig
from dcgan.config.commands import ExplainConfig as ExplainConfig
from dcgan.config.commands import ReportConfig as ReportConfig
from dcgan.config.commands import SampleConfig as SampleConfig
from dcgan.config.run import DataConfig as DataConfig
from dcgan.config.run import DiscriminatorConfig as DiscriminatorConfig
from dcgan.config.run import DownsampleConfig as DownsampleConfig
from dcgan.config.run import GeneratorConfig as GeneratorConfig
from dcgan.config.run import LossConfig as LossConfig
from dcgan.config.run import RegularizerConfig as RegularizerConfig
from dcgan.config.run import TrainConfig as TrainConfig
from dcgan.config.run import TrainerConfig as TrainerConfig
from dcgan.config.run import UpsampleConfig as UpsampleConfig
from dcgan.config.settings import build as build
