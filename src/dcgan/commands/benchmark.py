"""dcgan-benchmark: what tracking and checkpoints cost beside the training itself."""

from pathlib import Path

from dcgan.commands.app import command
from dcgan.config import BenchmarkConfig
from dcgan.files import write_json


def run(config: BenchmarkConfig, run_dir: Path) -> None:
    """Measure, write result.json, print a table."""
    from dcgan.training.overhead import measure_overhead

    result = measure_overhead(config)
    write_json(run_dir / "result.json", result)
    ratio = result["paired_ratio"]
    print(f"Rounds                      {config.rounds} pairs of {config.steps_per_round} steps")
    print(f"Spent inside tracking       {result['inside_share']:.2%} of the run")
    print(
        f"With ÷ without, paired      {ratio['median']:.4f}"
        f"  (quartiles {ratio['lower']:.4f} to {ratio['upper']:.4f})"
    )
    print(run_dir)


main = command("benchmark", run, uses="dcgan.training.overhead")

if __name__ == "__main__":
    main()
