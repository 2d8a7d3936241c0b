"""dcgan-benchmark's work: every measurement, as plain values and as text."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dcgan.benchmarking.apart import compare_apart
from dcgan.benchmarking.breakdown import breakdown
from dcgan.benchmarking.comparison import OURS, Row, compare, equivalence, resized
from dcgan.benchmarking.data_access import compare_data_access
from dcgan.benchmarking.ours import PRECISIONS, in_precision
from dcgan.benchmarking.overhead import tracking_seconds
from dcgan.benchmarking.scaling import curve_cases, draw_curves, measure_curves
from dcgan.benchmarking.summary import summary
from dcgan.benchmarking.timing import busy, machine
from dcgan.benchmarking.waiting import compare_waiting
from dcgan.config import BenchmarkConfig, TrainConfig
from dcgan.data.preparation import prepare
from dcgan.files import make_folder, write_json
from dcgan.reports.figures import save_png
from dcgan.training.devices import make_fabric, resolve_precision

log = logging.getLogger(__name__)


def benchmark(config: BenchmarkConfig, run_dir: Path) -> dict[str, Any]:
    """Measure what `config` asks for; write result.json, benchmark.txt, scaling.png into `run_dir`.

    Returns:
        What result.json holds.
    """
    warning, facts = busy(), machine(make_fabric(config.trainer).device)

    # Refuse, and prepare images, before anything is timed.
    own_size = [config.data.image_size, config.generator.filters]
    further = [resized(config, *size) for size in config.further_sizes if list(size) != own_size]
    runs = [config, *further]
    curves = curve_cases(config) if config.scaling else {}
    for run in runs:
        prepare(run.data)
    make_folder(run_dir)
    if warning:
        log.warning("%s", warning)

    timing = config.rounds, config.seconds_per_turn
    result: dict[str, Any] = {
        "machine": facts,
        "warning": warning,
        "rounds": config.rounds,
        "batch_size": config.trainer.batch_size,
        "precision": resolve_precision(config.trainer).precision,  # of what follows the breakdown
        "rows": [asdict(row) for run in runs for row in _rows(run, config)],
        "apart": [_apart(run, config) for run in runs],
        "breakdown": [each for run in runs for each in _breakdowns(run)],
        "loss_difference_to_float64": equivalence(config),
        "data": compare_data_access(config, *timing),
    }
    if config.waiting and facts["device"] == "cpu":
        result["waiting"] = compare_waiting(config, *timing)
    if config.scaling:
        measured = measure_curves(curves, *timing)
        result["scaling"] = [asdict(curve) for curve in measured]
        save_png(draw_curves(measured), run_dir / "scaling.png")
    write_json(run_dir / "result.json", result)
    (run_dir / "benchmark.txt").write_text(summary(result) + "\n", encoding="utf-8")
    return result


def _rows(config: TrainConfig, how: BenchmarkConfig) -> list[Row]:
    """All arms at one size; ours also with what tracking and checkpoints add."""
    rows = compare(config, how.rounds, how.seconds_per_turn)
    added = tracking_seconds(config, how.tracking_steps)
    return rows + [_end_to_end(row, added) for row in rows if row.name == OURS]


def _breakdowns(config: TrainConfig) -> list[dict[str, Any]]:
    """What our step spends its time on, in each precision."""
    found: list[dict[str, Any]] = []
    for precision in PRECISIONS:
        shares = breakdown(in_precision(config, precision))
        size = config.data.image_size
        found.append({"image_size": size, "precision": precision, "shares": shares})
    return found


def _apart(config: TrainConfig, how: BenchmarkConfig) -> dict[str, Any]:
    """The plain step and ours in processes of their own."""
    found = compare_apart(config, how.rounds, how.seconds_per_turn)
    return {"image_size": config.data.image_size, "arms": found}


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
