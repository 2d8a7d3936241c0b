"""Which settings make a run this run and no other, and where a run that is resumed lies."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from dcgan.config.run import TrainConfig
from dcgan.config.settings import build
from dcgan.errors import UserError

LAST = Path("checkpoints", "last.pt")  # of a run's folder

# Settings that change no number of the steps to come, so a resumed run may have its own.
MAY_DIFFER = {
    "resume",
    "trainer.steps",
    "trainer.devices",  # the same batches, divided; but batch norm sees less of each
    "trainer.log_every",
    "trainer.sample_every",
    "trainer.num_samples",
    "trainer.checkpoint_every",
    "trainer.num_scored",
    "trainer.score_from",
    "trainer.evaluate_every",
    "data.root",  # the same images may lie elsewhere; that they are the same is checked
    "data.cache_dir",
    "data.num_workers",
}


def flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as (full name, value)."""
    for key, value in config.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def identity_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that make a run this run and no other: those set, but for `MAY_DIFFER`."""
    return {k: v for k, v in flatten(config) if v is not None and k not in MAY_DIFFER}


def with_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    """A run's settings, with those that were not there yet when it was made."""
    try:
        return asdict(build(TrainConfig, settings))
    except UserError:  # of another version: a setting that is gone
        return settings


def settings_of_run(folder: Path) -> dict[str, Any] | None:
    """What a run's config.yaml holds; None if the folder has none, or one that is not ours."""
    try:
        settings = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    is_ours = isinstance(settings, dict) and "upsample" in settings
    return with_defaults(settings) if is_ours else None


def folder_of_run(config: TrainConfig, new: Path) -> Path:
    """Where a run goes on that `config.resume` names; `new` for one that begins.

    auto is the run beside `new` that has these settings and saved a checkpoint last.
    """
    if config.resume is None:
        return new
    if config.resume != "auto":
        path = Path(config.resume).expanduser()
        if path.is_file() and path.parent.name == LAST.parent.name:
            return path.parents[1]
        return path if path.is_dir() else new
    wanted = identity_settings(asdict(config))
    same = []
    for last in new.parent.glob(f"*/{LAST}"):
        recorded = identity_settings(settings_of_run(last.parents[1]) or {})
        if wanted["trainer.precision"] == "auto":  # a run records which one it was
            recorded["trainer.precision"] = "auto"
        if recorded == wanted:
            same.append(last)
    return max(same, key=lambda last: last.stat().st_mtime).parents[1] if same else new
