"""Finished runs, read from their folders and grouped into the arms of an ablation."""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dcgan.checkerboard.scores import GRADIENT_PHASE_ENERGY, PHASE_ENERGY, SPECTRUM, STD
from dcgan.config import DownsampleConfig, GeneratorConfig, UpsampleConfig
from dcgan.config.identity import MAY_DIFFER, flatten, read_settings
from dcgan.errors import MachineError, UserError
from dcgan.training.records import read_arrays, read_metrics, read_picture, read_result
from dcgan.training.tracking import SCORES

# Settings that do not define an arm: the seed, and those that change no number, except where the
# data are.
NOT_AN_ARM = (MAY_DIFFER | {"seed"}) - {"data.root", "trainer.devices"}
LeftOut = dict[str, str]  # folder and reason of a run excluded from the report
BASELINE = {"upsample.kind": "resize", "upsample.mode": "nearest"}.items()  # always clean


@dataclass(frozen=True)
class Run:
    """One finished run with scores or FIDs."""

    folder: Path
    config: dict[str, Any]  # all settings of config.yaml
    scores: Mapping[int, Mapping[str, float]]  # by images seen
    fids: Mapping[int, float]  # by images seen
    images_per_second: float | None  # training speed, other load included; None: unknown
    fastest: float = 0.0  # images/s in the fastest log interval; 0: none was logged

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings that can define an arm, flattened to dotted names."""
        every = dict(flatten(self.config))
        if start := every.get("start_from"):  # another seed's start is no other arm
            every["start_from"] = re.sub(r"(?<![a-z])seed-\d+", "seed-*", start)
        # A flat generator has no upsampling block.
        unused = ("upsample.",) if every.get("generator.kind") == "flat" else ()
        return {k: v for k, v in every.items() if not (k in NOT_AN_ARM or k.startswith(unused))}

    def samples(self, images_seen: int) -> Image.Image:
        """This run's sample grid, in color."""
        return read_picture(self.folder / "samples" / f"{self._step(images_seen)}.png")

    def first_samples(self, images_seen: int, count: int) -> np.ndarray:
        """The first samples of the grid, or all of them: (N, H, W, 3) uint8."""
        size = self.config["data"]["image_size"]
        pixels, pitch = np.asarray(self.samples(images_seen)), size + 2  # two pixels in between
        corners = product(range(2, len(pixels), pitch), range(2, pixels.shape[1], pitch))
        count = min(count, self.config["trainer"]["num_samples"])
        cells = islice(corners, count)
        return np.stack([pixels[y : y + size, x : x + size] for y, x in cells])

    def arrays(self, images_seen: int) -> dict[str, Tensor]:
        """The spectrum and the energies by pixel phase, in float64."""
        path = self.folder / SCORES / f"{self._step(images_seen)}.npz"
        return read_arrays(path, self.config["data"]["image_size"])

    def _step(self, images_seen: int) -> str:
        return f"{self.scores[images_seen]['step']:06}"


@dataclass(frozen=True)
class Arm:
    """Runs that differ only in their seed."""

    name: str
    runs: Sequence[Run]  # by seed

    @property
    def images_per_second(self) -> float | None:
        """The median over the runs for which it is known."""
        known = [r.images_per_second for r in self.runs if r.images_per_second is not None]
        return median(known) if known else None

    def is_compared_with(self, other: "Arm") -> bool:
        """Whether only the kernel differs (this one's is 3, the other's 4), or only its balance."""
        mine, others = self.runs[0].settings, other.runs[0].settings
        kernels = mine.get("upsample.kernel_size"), others.get("upsample.kernel_size")
        differing = {key for key in mine if mine[key] != others.get(key)}
        is_cured = differing == {"upsample.balanced"} and mine["upsample.balanced"] == 0
        return is_cured or (kernels == (3, 4) and differing == {"upsample.kernel_size"})

    def values(self, score: str, images_seen: int) -> list[float]:
        """One value per seed."""
        return [run.scores[images_seen][score] for run in self.runs]

    def spectrum(self, images_seen: int) -> Tensor:
        """The mean spectrum over seeds: (H, W)."""
        return torch.stack([run.arrays(images_seen)[SPECTRUM] for run in self.runs]).mean(0)

    def pooled(self, images_seen: int) -> dict[str, Tensor]:
        """Phase energies of images and of ∂D/∂x, by name; empty if the images are too small.

        Means over seeds, after dividing each seed's energies by their mean.
        """
        saved = [run.arrays(images_seen) for run in self.runs]
        return {
            name: torch.stack([s[name] / s[name].mean().clamp_min(1e-12) for s in saved]).mean(0)
            for name in (PHASE_ENERGY[2], GRADIENT_PHASE_ENERGY)
            if name in saved[0]
        }


def find_runs(folder: Path, having: str = "scores") -> tuple[list[Run], list[LeftOut]]:
    """Every usable run in `folder`, and those that are excluded, with the reason.

    Args:
        having: what a run must have: (checkerboard) scores or fids.

    Raises:
        UserError: there is no finished run with scores or FIDs, or image sizes differ.
    """
    # A job's log may exist before the run has written anything.
    started = {path.parent for name in ("config.yaml", "train.log") for path in folder.rglob(name)}
    runs: dict[str, Run] = {}
    reasons: dict[str, str] = {}
    for path in sorted(started):
        name = str(path.relative_to(folder))
        try:
            run = _read(path, having)
        except UserError as error:
            reasons[name] = str(error).replace(f"{path}{os.sep}", "")
        except (OSError, MachineError) as error:  # an unreadable file
            reasons[name] = str(error)
        else:
            key = repr((sorted(run.settings.items()), run.config["seed"], run.config["start_from"]))
            if twin := runs.get(key):
                other, run = sorted([run, twin], key=lambda each: max(getattr(each, having)))
                shorter, longer = (str(each.folder.relative_to(folder)) for each in (other, run))
                reasons[shorter] = f"same settings and seed as {longer}"
            runs[key] = run
    left_out = [{"folder": name, "reason": reason} for name, reason in reasons.items()]
    sizes = sorted({run.config["data"]["image_size"] for run in runs.values()})
    if len(sizes) > 1:
        raise UserError(
            f"runs={folder}: runs with different data.image_size ({', '.join(map(str, sizes))}):"
            " their blocks and periods do not correspond; report each size from its own folder"
        )
    if not runs:
        why = "; ".join(f"{run['folder']}: {run['reason']}" for run in left_out[:3]) or "no run"
        raise UserError(f"runs={folder}: no finished run with {having} in it ({why})")
    return list(runs.values()), left_out


def sort_into_arms(runs: Sequence[Run]) -> list[Arm]:
    """Group runs by the settings in which they differ, other than the seed.

    Arms are sorted by the values of those settings, with the baseline last.
    """
    differing = differing_settings(runs)
    groups: dict[str, list[Run]] = {}
    runs = sorted(runs, key=lambda run: run.config["seed"])
    for run in sorted(runs, key=lambda run: [_rank(run.settings.get(key)) for key in differing]):
        groups.setdefault(_name(run, differing), []).append(run)
    arms = [Arm(name, group) for name, group in groups.items()]
    return sorted(arms, key=lambda arm: arm.runs[0].settings.items() >= BASELINE)


def differing_settings(runs: Sequence[Run]) -> list[str]:
    """The full names of the settings that differ between runs, without the seed."""
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    return [key for key in keys if len({repr(run.settings.get(key)) for run in runs}) > 1]


def shown_runs(arms: Sequence[Arm]) -> list[Run]:
    """The run of each arm whose samples are shown: of the first seed that all arms have.

    Equal seeds mean equal latents. If the arms have no seed in common, each shows its first run.
    """
    common = set.intersection(*({run.config["seed"] for run in arm.runs} for arm in arms))
    seed = min(common, default=None)
    return [
        next((run for run in arm.runs if run.config["seed"] == seed), arm.runs[0]) for arm in arms
    ]


def common_moments(arms: Sequence[Arm]) -> list[int]:
    """The numbers of images seen at which every run was scored: 0 and at least one more.

    Raises:
        UserError: there are no such numbers.
    """
    moments = set.intersection(*(set(run.scores) for arm in arms for run in arm.runs))
    if 0 not in moments or len(moments) < 2:
        sizes = sorted({run.config["trainer"]["batch_size"] for arm in arms for run in arm.runs})
        raise UserError(
            "runs: not scored at the same numbers of images, so they cannot be compared;"
            f" use the same trainer.batch_size (here {', '.join(map(str, sizes))}) and"
            " trainer.checkerboard_from_step"
        )
    return sorted(moments)


def _read(folder: Path, having: str) -> Run:
    """Read one run.

    Raises:
        UserError: it cannot be used; the message is the reason.
    """
    if not (folder / "config.yaml").is_file():
        raise UserError(f"never started{_last_words(folder)}")
    config = read_settings(folder)
    lines = read_metrics(folder / "metrics.jsonl")
    if not (folder / "result.json").is_file():
        step = max((line["step"] for line in lines), default=0)
        steps = config["trainer"]["steps"]
        raise UserError(f"not finished: at step {step} of {steps}{_last_words(folder)}")
    # null stands for infinity: κ if no tap reaches some output.
    scores = {
        line["images_seen"]: {k: math.inf if v is None else v for k, v in line.items()}
        for line in lines
        if STD.key in line
    }
    fids = {line["images_seen"]: line["fid"] for line in lines if line.get("fid") is not None}
    if having == "fids" and not fids:
        raise UserError("has no FID (trainer.fid_every=0)")
    result = read_result(folder / "result.json")
    fastest = max((line.get("images_per_second") or 0.0 for line in lines), default=0.0)
    run = Run(folder, config, scores, fids, result["images_per_second"], fastest)
    if having == "scores":
        _check_scores(run)
    return run


def _check_scores(run: Run) -> None:
    """Read all scores that a report shows, while the run can still be excluded.

    Raises:
        UserError: something is missing or damaged.
    """
    if not run.scores:
        raise UserError("has no scores (trainer.checkerboard_images=0)")
    if 0 not in run.scores:
        raise UserError("has no scores at step 0, which a comparison needs")
    names = set().union(*run.scores.values())
    for images_seen, scores in run.scores.items():
        if missing := ", ".join(sorted(names - scores.keys())):
            raise UserError(f"metrics.jsonl: scores at step {scores['step']} lack {missing}")
        run.arrays(images_seen)
        run.samples(images_seen)


def _last_words(folder: Path) -> str:
    """The last warning or error in a run's log."""
    log = folder / "train.log"
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    lines = text.splitlines()
    said = [line for line in lines if " ERROR " in line or " WARNING " in line]
    return f"; {said[-1]}" if said else ""


def _rank(value: object) -> tuple[float, str]:
    """Sort key: numbers by value, everything else by its text."""
    return (value, "") if isinstance(value, int | float) else (math.inf, str(value))


def _name(run: Run, differing: Sequence[str]) -> str:
    """An arm's name: the settings in which it differs from the others."""
    generator = GeneratorConfig(**run.config["generator"])
    labels = {
        "upsample": UpsampleConfig(**run.config["upsample"]).label,
        "generator": generator.label,
        "downsample": DownsampleConfig(**run.config["downsample"]).label,
    }
    groups = {key.partition(".")[0] for key in differing}
    if not differing or "generator.kind" in differing:
        groups.add("upsample")
    if generator.kind == "flat" and len(groups) > 1:
        groups.discard("upsample")
    others = [key for key in differing if key.partition(".")[0] not in labels]
    words = [label for group, label in labels.items() if group in groups]
    return ", ".join([*words, *(f"{key}={run.settings.get(key)}" for key in others)])
