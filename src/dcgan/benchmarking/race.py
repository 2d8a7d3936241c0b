"""The race of dcgan-benchmark: seconds from the start of a command until its images have an FID.

The commands only train and save checkpoints. FIDs are measured after a command has ended, of its
checkpoints in the order in which they were saved, until one is as good as the target.
"""

import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch

from dcgan.benchmarking.arms import BASELINE, Arm, baseline_command, our_command, run
from dcgan.config import BenchmarkConfig
from dcgan.config.identity import LAST
from dcgan.errors import UserError
from dcgan.evaluation.distances import fid_against
from dcgan.evaluation.features import get_extractor
from dcgan.evaluation.heldout import held_out, read_run
from dcgan.files import write_json
from dcgan.intervals import summarize
from dcgan.networks.saved import generator_of
from dcgan.networks.weights import load_tensors
from dcgan.progress import progress
from dcgan.reading import naming
from dcgan.sampling import generate
from dcgan.seeding import stream

OURS = Arm("ours", "auto")
JOURNAL = "race.json"  # in the folder of the race


class Lap(NamedTuple):
    """A checkpoint of a run."""

    path: Path
    seconds: float  # from the start of the command until the file was there


def race(
    config: BenchmarkConfig, run_dir: Path, environment: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Train every arm once per seed, in turn, the baseline first; a row for each, with its runs.

    Every run is kept in race.json as soon as it is measured: an interrupted race resumes there.

    Raises:
        UserError: a command refuses its settings, there are no features for its data, or `run_dir`
            holds a race with other settings.
        RunFailed: a command fails.
    """
    arms = [BASELINE, OURS, *(Arm(word, "auto") for word in config.beside)]
    settings = {name: value for name, value in asdict(config).items() if name != "rounds"}
    runs = read_runs(run_dir / JOURNAL, settings) or {arm.name: [] for arm in arms}
    seeds = range(config.rounds)
    turns = [(seed, arm) for seed in seeds for arm in arms if seed >= len(runs[arm.name])]
    with TemporaryDirectory(dir=run_dir, prefix="runs-") as name:
        first, folder = Path(name, "first"), Path(name, "run")
        # Not timed: these prepare the images and the features, and refuse what cannot be trained.
        run(race_command(OURS, config, 0, 1, first, first), environment)
        for arm in (BASELINE, *arms[2:]):
            run(race_command(arm, config, 0, 1, first, folder), environment)
            shutil.rmtree(folder)
        measure = fid_meter(first)
        for seed, arm in progress(turns, desc="race", unit="run"):
            steps = config.race_steps[not arm.is_baseline]
            command = race_command(arm, config, seed, steps, first, folder)
            laps = train(command, folder, environment)
            target = config.race_fid
            if target is None and arm.is_baseline:
                target, _ = measure(laps[-1].path)
            elif target is None:
                target = runs[BASELINE.name][seed]["target"]
            runs[arm.name].append({"seed": seed, "target": target, **reach(target, laps, measure)})
            write_json(run_dir / JOURNAL, {"settings": settings, "runs": runs})
            shutil.rmtree(folder)
    to_compare = {name: each[: config.rounds] for name, each in runs.items()}
    return [row(name, each, to_compare[BASELINE.name]) for name, each in to_compare.items()]


def read_runs(journal: Path, settings: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The finished runs of an interrupted race, by arm; none if there was no race.

    Raises:
        UserError: it had other settings, or its file is damaged.
    """
    if not journal.exists():
        return {}
    runs: dict[str, list[dict[str, Any]]]
    with naming(journal, "the record of a race"):
        content = json.loads(journal.read_text(encoding="utf-8"))
        runs, before = content["runs"], dict(content["settings"])
        for one in (one for each in runs.values() for one in each):
            one["target"] = float(one["target"])
            one["seconds"] = math.nan if one["seconds"] is None else one["seconds"]
    for name, value in settings.items():
        if before.get(name) != value:
            raise UserError(
                f"{name}={value}: {journal.parent} holds a race with {name}={before.get(name)};"
                " use that to continue it, or a new hydra.run.dir"
            )
    return runs


def race_command(
    arm: Arm, config: BenchmarkConfig, seed: int, steps: int, first: Path, run_dir: Path
) -> list[str]:
    """The command that trains and saves checkpoints; the baseline as the run `first` says."""
    every = math.ceil(steps / config.race_checkpoints)
    if arm.is_baseline:
        return baseline_command(first / "config.yaml", steps, run_dir, seed, every)
    length = f"trainer.steps={steps}", f"trainer.checkpoint_every={every}", f"seed={seed}"
    added = [] if arm == OURS else [arm.name]  # the setting that it is named after
    return our_command([*config.overrides, *added, *length], run_dir)


def train(command: Sequence[str], run_dir: Path, environment: Mapping[str, str]) -> list[Lap]:
    """Run a command that trains in `run_dir`, and keep its checkpoints."""
    laps: list[Lap] = []
    last, started = run_dir / LAST, time.perf_counter()

    def look() -> None:
        # The next checkpoint replaces the file, but not what a link holds.
        if last.is_file() and not (laps and last.samefile(laps[-1].path)):
            kept = run_dir / f"{len(laps)}.pt"
            kept.hardlink_to(last)
            laps.append(Lap(kept, time.perf_counter() - started))

    run(command, environment, look)
    return laps


def fid_meter(run_dir: Path) -> Callable[[Path], tuple[float, int]]:
    """A function that measures a checkpoint: path in, FID and images seen out.

    All checkpoints get the same latents.

    Args:
        run_dir: a run, which says what the real images are.

    Raises:
        UserError: there are no features for its data.
    """
    checkpoint, data, training = read_run(run_dir)
    extractor = get_extractor(data, checkpoint["data_digest"])
    number = checkpoint["config"]["trainer"]["fid_images"]
    fid = fid_against(held_out(data, training, number), extractor)

    def measure(path: Path) -> tuple[float, int]:
        content = load_tensors(path)
        generator = generator_of(content)
        latents = torch.randn(number, generator.latent_size, generator=stream(0, "quality"))
        images_seen = content["step"] * content["config"]["trainer"]["batch_size"]
        return fid(generate(generator, latents)), images_seen

    return measure


def reach(
    target: float, laps: Sequence[Lap], measure: Callable[[Path], tuple[float, int]]
) -> dict[str, Any]:
    """The first checkpoint with an FID of at most `target`; if none, the last, with NaN seconds."""
    looked_at: list[dict[str, Any]] = []
    for lap in laps:
        fid, images_seen = measure(lap.path)
        looked_at.append({"seconds": lap.seconds, "images_seen": images_seen, "fid": fid})
        if fid <= target:
            return looked_at[-1] | {"looked_at": looked_at}
    return looked_at[-1] | {"seconds": math.nan, "looked_at": looked_at}


def row(name: str, runs: list[dict[str, Any]], baseline: list[dict[str, Any]]) -> dict[str, Any]:
    """An arm's runs, and their speedups over the baseline in reaching the target."""
    for one, other in zip(runs, baseline, strict=True):
        one["ratio_to_baseline"] = other["seconds"] / one["seconds"]
    ratios = [one["ratio_to_baseline"] for one in runs]
    return {"name": name, "runs": runs, "ratio_to_baseline": summarize(ratios, True)}
