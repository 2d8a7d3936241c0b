"""dcgan-benchmark: the trainer beside the step that everybody copies."""

import sys
from pathlib import Path

from dcgan.commands.app import command
from dcgan.config import BenchmarkConfig


def run(config: BenchmarkConfig, run_dir: Path) -> None:
    """Measure, print tables, say where the rest lies."""
    from dcgan.benchmarking.benchmark import benchmark

    result = benchmark(config, run_dir)
    facts = result["machine"]
    print(f"{facts['processor']}, {facts['num_threads']} threads, load {facts['load_before']:.2f}")
    if result["warning"]:
        print(f"dcgan-benchmark: {result['warning']}", file=sys.stderr)
    size, filters = config.data.image_size, config.generator.filters
    print(f"{size}x{size}, {filters} filters, batches of {config.trainer.batch_size};", end=" ")
    print(f"median [quartiles] of {config.rounds} rounds\n\n{result['table']}\n")
    if (share := result["tracking_share"]) is not None:
        print(f"Tracking and checkpoints   {share:.2%} of a run")
    for precision, by_step in result["loss_difference_to_float64"].items():
        steps = ", ".join(f"{step} {value:.1e}" for step, value in by_step.items())
        print(f"Loss against float64       {precision}: {steps}")
    for way, found in result["data"].items():
        print(f"A real image               {found['us_per_image']['median']:.1f} µs {way}")
    for curve in result.get("scaling", []):
        print(f"Cost of a step             ~ {curve['setting']}^{curve['exponent']:.2f}")
    print(f"Numbers      {run_dir / 'result.json'}")
    if config.scaling:
        print(f"Curves       {run_dir / 'scaling.png'}")
    print(run_dir)


main = command("benchmark", run, uses="dcgan.benchmarking.benchmark")

if __name__ == "__main__":
    main()
