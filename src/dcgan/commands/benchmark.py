"""dcgan-benchmark: the trainer beside the step that everybody copies."""

from pathlib import Path

from dcgan.commands.app import command
from dcgan.config import BenchmarkConfig


def run(config: BenchmarkConfig, run_dir: Path) -> None:
    """Measure, print it, say where the rest lies."""
    from dcgan.benchmarking.benchmark import benchmark

    benchmark(config, run_dir)
    print((run_dir / "benchmark.txt").read_text(encoding="utf-8"))
    print(f"Numbers      {run_dir / 'result.json'}")
    print(f"Text         {run_dir / 'benchmark.txt'}")
    if config.scaling:
        print(f"Curves       {run_dir / 'scaling.png'}")
    print(run_dir)


main = command("benchmark", run, uses="dcgan.benchmarking.benchmark")

if __name__ == "__main__":
    main()
