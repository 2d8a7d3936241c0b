"""dcgan-benchmark's work: every measurement, as plain values and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dcgan.benchmarking.comparison import OURS, Row, compare, equivalence
from dcgan.benchmarking.data_access import compare_data_access
from dcgan.benchmarking.overhead import tracking_share
from dcgan.benchmarking.scaling import draw_curves, measure_curves
from dcgan.benchmarking.timing import busy, machine
from dcgan.config import BenchmarkConfig
from dcgan.files import write_json
from dcgan.reports.figures import save_png


def benchmark(config: BenchmarkConfig, run_dir: Path) -> dict[str, Any]:
    """Measure what `config` asks for; write result.json and scaling.png into `run_dir`.

    Returns:
        What result.json holds, and its rows as a "table" for people.
    """
    warning, facts = busy(), machine()
    run_dir.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"machine": facts, "warning": warning, "rounds": config.rounds}
    share = tracking_share(config, config.tracking_steps) if config.tracking_steps else None
    result["tracking_share"] = share
    rows = compare(config, config.rounds, config.steps_per_round)
    if share is not None:
        rows += [_end_to_end(row, share) for row in rows if row.name == OURS]
    result["settings"] = {
        "image_size": config.data.image_size,
        "filters": config.generator.filters,
        "batch_size": config.trainer.batch_size,
        "steps_per_round": config.steps_per_round,
    }
    result["rows"] = [asdict(row) for row in rows]
    result["loss_difference_to_float64"] = equivalence(config)
    result["data"] = compare_data_access(config, config.rounds, config.steps_per_round)
    if config.scaling:
        curves = measure_curves(config, config.rounds, max(1, config.steps_per_round // 4))
        result["scaling"] = [asdict(curve) for curve in curves]
        save_png(draw_curves(curves), run_dir / "scaling.png")
    write_json(run_dir / "result.json", result)
    return result | {"table": table(rows)}


def _end_to_end(row: Row, share: float) -> Row:
    """Our step with what tracking and checkpoints add to it, by their share of a run."""
    factor = 1 - share
    return replace(
        row,
        name="ours, end to end",
        ms={key: value / factor for key, value in row.ms.items()},
        images_per_second=row.images_per_second * factor,
        ratio_to_step=_scaled(row.ratio_to_step, factor),
        ratio_to_loader=_scaled(row.ratio_to_loader, factor),
        gflops=row.gflops * factor,
        share_of_peak=row.share_of_peak * factor,
    )


def _scaled(ratio: Mapping[str, float], factor: float) -> dict[str, float]:
    return {key: value * factor for key, value in ratio.items()}


def table(rows: Sequence[Row]) -> str:
    """A line for every arm."""
    lines = [
        f"{'':<30} {'precision':<11} {'ms a step':<19} {'images/s':>8}"
        f"  {'x plain step':<19} {'x plain, loader':<19} {'GFLOP/s':>7}  of peak"
    ]
    for row in rows:
        lines.append(
            f"{row.name:<30} {row.precision:<11} {_with_quartiles(row.ms, 1):<19}"
            f" {row.images_per_second:>8.0f}  {_with_quartiles(row.ratio_to_step, 2):<19}"
            f" {_with_quartiles(row.ratio_to_loader, 2):<19} {row.gflops:>7.0f}"
            f"  {row.share_of_peak:>6.0%}"
        )
    return "\n".join(lines)


def _with_quartiles(numbers: Mapping[str, float], digits: int) -> str:
    lower, median, upper = (numbers[key] for key in ("lower", "median", "upper"))
    return f"{median:.{digits}f} [{lower:.{digits}f}, {upper:.{digits}f}]"
