"""dcgan-benchmark: training speed compared with the standard DCGAN baseline."""

import os
from pathlib import Path

from dcgan.commands.app import Command
from dcgan.commands.composing import compose, to_dataclass
from dcgan.config import BenchmarkConfig, TrainConfig

ENVIRONMENT = dict(os.environ)  # the user's, before a library adds to it


@Command("benchmark", uses="dcgan.benchmarking.benchmark", may_sweep=False)
def main(config: BenchmarkConfig, run_dir: Path) -> None:
    """Measure, print the table and where the files are."""
    from dcgan.benchmarking.benchmark import benchmark

    def train_config(*overrides: str) -> TrainConfig:
        return to_dataclass(compose("train", overrides), TrainConfig)

    benchmark(config, run_dir, ENVIRONMENT, train_config)
    print((run_dir / "benchmark.txt").read_text(encoding="utf-8"))
    print(f"Numbers      {run_dir / 'result.json'}")
    print(f"Text         {run_dir / 'benchmark.txt'}")
