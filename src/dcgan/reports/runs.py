"""Finished runs, read from their folders and sorted into the arms of an ablation."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from dcgan.checkerboard.scores import STD
from dcgan.config import DownsampleConfig, GeneratorConfig, UpsampleConfig
from dcgan.config.identity import MAY_DIFFER, flatten
from dcgan.errors import UserError
from dcgan.training.tracking import SCORES, read_metrics

# Settings that make no other arm: the seed, and those that change no number but where data lie.
NOT_AN_ARM = (MAY_DIFFER | {"seed"}) - {"data.root", "trainer.devices"}
LeftOut = dict[str, str]  # folder and reason of a run excluded from the report
GEOMETRY = {"upsample.kernel_size", "upsample.padding", "upsample.output_padding"}


@dataclass(frozen=True)
class Run:
    """One finished training with scores or FIDs."""

    folder: Path
    config: Mapping[str, Any]  # as config.yaml has it
    scores: Mapping[int, Mapping[str, float]]  # by images seen
    fids: Mapping[int, float]  # by images seen
    images_per_second: float  # of its training, whatever else ran then

    @property
    def seed(self) -> int:
        """The run's seed."""
        seed: int = self.config["seed"]
        return seed

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What may tell this run's arm from another: one level, dotted names."""
        return {k: v for k, v in flatten(self.config) if k not in NOT_AN_ARM}

    def samples(self, images_seen: int) -> Path:
        """The picture of this run's samples."""
        return self.folder / "samples" / f"{self._step(images_seen)}.png"

    def arrays(self, images_seen: int) -> dict[str, NDArray[np.float64]]:
        """Spectrum, phase energies and stamps."""
        with np.load(self.folder / SCORES / f"{self._step(images_seen)}.npz") as saved:
            return dict(saved)

    def _step(self, images_seen: int) -> str:
        return f"{self.scores[images_seen]['step']:06.0f}"


@dataclass(frozen=True)
class Arm:
    """Runs that differ in nothing but their seed."""

    name: str
    runs: Sequence[Run]  # by seed

    @property
    def image_size(self) -> int:
        """Height and width, pixels."""
        size: int = self.runs[0].config["data"]["image_size"]
        return size

    @property
    def is_baseline(self) -> bool:
        """Nearest-neighbor resizing and a convolution: cannot make a grid of a constant."""
        settings = self.runs[0].settings
        kind, mode = settings.get("upsample.kind"), settings.get("upsample.mode")
        return (kind, mode) == ("resize", "nearest")

    def differs_in_kernel(self, other: "Arm") -> bool:
        """Whether this arm has kernel 3 where the other has 4, and nothing else differs."""
        mine, others = self.runs[0].settings, other.runs[0].settings
        differing = {key for key in mine if mine[key] != others.get(key)}
        kernels = mine["upsample.kernel_size"], others["upsample.kernel_size"]
        return kernels == (3, 4) and differing <= GEOMETRY

    def values(self, score: str, images_seen: int) -> list[float]:
        """One value a seed."""
        return [run.scores[images_seen][score] for run in self.runs]

    def pooled(self, array: str, images_seen: int) -> NDArray[np.float64]:
        """The mean over seeds, each seed first divided by its own mean."""
        arrays = [run.arrays(images_seen)[array] for run in self.runs]
        mean: NDArray[np.float64] = np.mean([a / max(a.mean(), 1e-12) for a in arrays], axis=0)
        return mean


def find_runs(folder: Path, having: str = "scores") -> tuple[list[Run], list[LeftOut]]:
    """Every run below `folder`, and those that cannot be used, with the reason.

    Args:
        having: what a run must have: scores (of the checkerboard) or fids.

    Raises:
        UserError: there is no finished run with scores in it, or their images differ in size.
    """
    started = {path.parent for path in folder.rglob("config.yaml")}
    # Hydra opens a job's log before the run has written anything.
    started |= {path.parent for path in folder.rglob("train.log")}
    runs: dict[tuple[str, int], Run] = {}
    left_out = []
    for path in sorted(started):
        try:
            run = _read(path, having)
        except (_Unusable, OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            why = str(error) if isinstance(error, _Unusable) else f"not readable ({error})"
            left_out.append({"folder": str(path.relative_to(folder)), "reason": why})
            continue
        key = (repr(sorted(run.settings.items())), run.seed)
        twin = runs.get(key, run)
        shorter = max(getattr(run, having)) <= max(getattr(twin, having))
        longer, other = (twin, run) if shorter else (run, twin)
        runs[key] = longer
        if other is not longer:
            why = f"the same settings and seed as {longer.folder.relative_to(folder)}"
            left_out.append({"folder": str(other.folder.relative_to(folder)), "reason": why})
    sizes = sorted({run.config["data"]["image_size"] for run in runs.values()})
    if len(sizes) > 1:
        raise UserError(
            f"runs={folder}: runs of different data.image_size ({', '.join(map(str, sizes))}):"
            " their blocks and periods do not correspond; report each from a folder of its own"
        )
    if not runs:
        reasons = "; ".join(f"{run['folder']}: {run['reason']}" for run in left_out[:3])
        what = having if having == "scores" else "FIDs"
        raise UserError(f"runs={folder}: no finished run with {what} in it ({reasons or 'no run'})")
    return list(runs.values()), left_out


def sort_into_arms(runs: Sequence[Run]) -> list[Arm]:
    """Group runs by the settings in which they differ, apart from the seed.

    Arms stand in the order of those settings' values, the baseline last.
    """
    differing = differing_settings(runs)
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: [_rank(run.settings.get(key)) for key in differing]):
        groups.setdefault(_name(run, differing), []).append(run)
    arms = [Arm(name, sorted(group, key=lambda r: r.seed)) for name, group in groups.items()]
    return sorted(arms, key=lambda arm: arm.is_baseline)


def differing_settings(runs: Sequence[Run]) -> list[str]:
    """The settings, by full name, that are not the same in all runs; the seed is none of them."""
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    return [key for key in keys if len({repr(run.settings.get(key)) for run in runs}) > 1]


def common_moments(arms: Sequence[Arm]) -> list[int]:
    """Images seen at which every run was scored: 0 and at least one more.

    Raises:
        UserError: there are none such.
    """
    moments = set.intersection(*(set(run.scores) for arm in arms for run in arm.runs))
    if 0 not in moments or len(moments) < 2:
        sizes = sorted({run.config["trainer"]["batch_size"] for arm in arms for run in arm.runs})
        raise UserError(
            "runs: they were not scored at the same numbers of images, so they cannot be compared"
            f" (trainer.batch_size {', '.join(map(str, sizes))})"
        )
    return sorted(moments)


class _Unusable(Exception):
    """Why a run cannot be used."""


def _read(folder: Path, having: str) -> Run:
    if not (folder / "config.yaml").is_file():
        raise _Unusable(f"never started{_last_words(folder)}")
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    lines = read_metrics(folder / "metrics.jsonl")
    if not (folder / "result.json").is_file():
        step = max((line["step"] for line in lines), default=0)
        steps = config["trainer"]["steps"]
        raise _Unusable(f"not finished: at step {step:.0f} of {steps}{_last_words(folder)}")
    # null stands for what has no bound: κ where an output is reached by no tap.
    scores = {
        int(line["images_seen"]): {k: math.inf if v is None else v for k, v in line.items()}
        for line in lines
        if STD.key in line
    }
    fids = {int(line["images_seen"]): line["fid"] for line in lines if line.get("fid") is not None}
    if having == "scores" and not scores:
        raise _Unusable("has no scores (trainer.num_scored=0)")
    if having == "fids" and not fids:
        raise _Unusable("has no FID (trainer.evaluate_every=0)")
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return Run(folder, config, scores, fids, result["images_per_second"])


def _last_words(folder: Path) -> str:
    """The last thing a run's log warned of."""
    log = folder / "train.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    said = [line for line in lines if " ERROR " in line or " WARNING " in line]
    return f"; {said[-1]}" if said else ""


def _rank(value: object) -> tuple[float, str]:
    """Numbers by size, everything else by what it is called."""
    return (value, "") if isinstance(value, int | float) else (math.inf, str(value))


def _name(run: Run, differing: Sequence[str]) -> str:
    """An arm by what sets it apart from the others."""
    words = []
    groups = {key.partition(".")[0] for key in differing}
    generator = GeneratorConfig(**run.config["generator"])
    upsamples = generator.kind != "flat"
    if upsamples and (not differing or "upsample" in groups or "generator.kind" in differing):
        words.append(UpsampleConfig(**run.config["upsample"]).label)
    if "generator" in groups:
        words.append(generator.label)
    if "downsample" in groups:
        words.append(DownsampleConfig(**run.config["downsample"]).label)
    labeled = ("upsample", "downsample", "generator")
    others = [key for key in differing if key.partition(".")[0] not in labeled]
    return ", ".join([*words, *(f"{key}={run.settings.get(key)}" for key in others)])
