"""dcgan-benchmark's work: every measurement, as plain values and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dcgan.benchmarking.comparison import OURS, Row, compare, equivalence, resized
from dcgan.benchmarking.data_access import compare_data_access
from dcgan.benchmarking.overhead import tracking_seconds
from dcgan.benchmarking.scaling import draw_curves, measure_curves
from dcgan.benchmarking.timing import busy, machine
from dcgan.benchmarking.waiting import compare_waiting
from dcgan.config import BenchmarkConfig, TrainConfig
from dcgan.files import write_json
from dcgan.reports.figures import save_png
from dcgan.training.devices import resolve_precision


def benchmark(config: BenchmarkConfig, run_dir: Path) -> dict[str, Any]:
    """Measure what `config` asks for; write result.json and scaling.png into `run_dir`.

    Returns:
        What result.json holds, and its rows as a "table" for people.
    """
    warning, facts = busy(), machine()
    run_dir.mkdir(parents=True, exist_ok=True)
    own_size = [config.data.image_size, config.generator.filters]
    timing = config.rounds, config.seconds_per_turn
    rows: list[Row] = []
    for image_size, filters in [own_size, *config.further_sizes]:
        rows += _rows(resized(config, image_size, filters), config)
    result: dict[str, Any] = {
        "machine": facts,
        "warning": warning,
        "rounds": config.rounds,
        "batch_size": config.trainer.batch_size,
        "precision": resolve_precision(config.trainer).precision,  # of what follows the rows
        "rows": [asdict(row) for row in rows],
        "loss_difference_to_float64": equivalence(config),
        "data": compare_data_access(config, *timing),
    }
    if config.waiting and facts["device"] == "cpu":
        result["waiting"] = compare_waiting(config, *timing)
    if config.scaling:
        curves = measure_curves(config, *timing)
        result["scaling"] = [asdict(curve) for curve in curves]
        save_png(draw_curves(curves), run_dir / "scaling.png")
    write_json(run_dir / "result.json", result)
    return result | {"table": table(rows)}


def _rows(config: TrainConfig, how: BenchmarkConfig) -> list[Row]:
    """All arms at one size; ours also with what tracking and checkpoints add."""
    rows = compare(config, how.rounds, how.seconds_per_turn)
    added = tracking_seconds(config, how.tracking_steps)
    return rows + [_end_to_end(row, added) for row in rows if row.name == OURS]


def _end_to_end(row: Row, seconds: float) -> Row:
    """Our step, so many seconds longer."""
    factor = row.ms["median"] / (row.ms["median"] + 1000 * seconds)
    return replace(
        row,
        name="ours, end to end",
        ms={key: value + 1000 * seconds for key, value in row.ms.items()},
        images_per_second=row.images_per_second * factor,
        ratio_to_step=_scaled(row.ratio_to_step, factor),
        ratio_to_loader=_scaled(row.ratio_to_loader, factor),
        gflops=row.gflops * factor,
        share_of_peak=row.share_of_peak * factor,
        tracking_share=1 - factor,
    )


def _scaled(ratio: Mapping[str, float], factor: float) -> dict[str, float]:
    return {key: value * factor for key, value in ratio.items()}


def table(rows: Sequence[Row]) -> str:
    """A line for every arm, by size."""
    lines = [
        f"{'':<30} {'precision':<11} {'ms a step':<22} {'images/s':>8}"
        f"  {'x plain step':<19} {'x plain, loader':<19} {'GFLOP/s':>7}  of peak"
    ]
    size = None
    for row in rows:
        if (row.image_size, row.filters) != size:
            size = row.image_size, row.filters
            lines.append(f"{size[0]}x{size[0]}, {size[1]} filters")
        lines.append(
            f"  {row.name:<28} {row.precision:<11} {_with_quartiles(row.ms, 1):<22}"
            f" {row.images_per_second:>8.0f}  {_with_quartiles(row.ratio_to_step, 2):<19}"
            f" {_with_quartiles(row.ratio_to_loader, 2):<19} {row.gflops:>7.0f}"
            f"  {row.share_of_peak:>6.0%}"
        )
    return "\n".join(lines)


def _with_quartiles(numbers: Mapping[str, float], digits: int) -> str:
    lower, median, upper = (numbers[key] for key in ("lower", "median", "upper"))
    return f"{median:.{digits}f} [{lower:.{digits}f}, {upper:.{digits}f}]"
