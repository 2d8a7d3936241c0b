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
    print(f"Batches of {result['batch_size']}; median [quartiles] of {config.rounds} rounds\n")
    print(f"{result['table']}\n")
    for row in result["rows"]:
        if row["tracking_share"]:
            size = f"{row['image_size']}x{row['image_size']}, {row['precision']}"
            print(f"Tracking and checkpoints   {row['tracking_share']:.2%} of a run at {size}")
    for precision, by_step in result["loss_difference_to_float64"].items():
        steps = ", ".join(f"{step} {value:.1e}" for step, value in by_step.items())
        print(f"Loss against float64       {precision}: {steps}")
    for way, found in result["data"].items():
        print(f"A real image               {found['us_per_image']['median']:.1f} µs {way}")
    for way, found in result.get("waiting", {}).items():
        times = ", ".join(f"{each} {ms['median']:.1f} ms" for each, ms in found.items())
        print(f"Threads that wait          {way}: {times} a step, {result['precision']}")
    for curve in result.get("scaling", []):
        power = f"{curve['setting']}^{curve['exponent']:.2f}"
        print(f"Cost of a step             ~ {power}, {result['precision']}")
    print(f"Numbers      {run_dir / 'result.json'}")
    if config.scaling:
        print(f"Curves       {run_dir / 'scaling.png'}")
    print(run_dir)


main = command("benchmark", run, uses="dcgan.benchmarking.benchmark")

if __name__ == "__main__":
    main()
