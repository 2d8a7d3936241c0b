"""Which settings make a run this run and no other, and where a run that is resumed lies."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from dcgan.config.run import TrainConfig
from dcgan.config.settings import build
from dcgan.errors import UserError
from dcgan.files import expand
from dcgan.reading import check_archive, naming

log = logging.getLogger(__name__)

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
    "data.max_pixels",
}

GONE = ("compile", "cuda_graphs", "score_weights")  # of trainer: settings of earlier versions


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


def with_defaults(settings: Any) -> dict[str, Any]:
    """A run's settings as this version has them: without those that are gone, with the new ones.

    Raises:
        UserError: they are no settings of a run, or one of them is unknown or not allowed.
    """
    if not isinstance(settings, dict):
        raise UserError("holds no settings by name")
    if isinstance(trainer := settings.get("trainer"), dict):
        settings = settings | {"trainer": {k: v for k, v in trainer.items() if k not in GONE}}
    return asdict(build(TrainConfig, settings))


def read_settings(folder: Path) -> dict[str, Any]:
    """What a run's config.yaml holds; see `with_defaults`.

    Raises:
        UserError: it is missing, damaged or not ours, or was changed into what is not allowed.
    """
    path = folder / "config.yaml"
    with naming(path, "the settings of a run"):
        return with_defaults(yaml.safe_load(path.read_text(encoding="utf-8")))


def is_run(folder: Path) -> bool:
    """Whether a folder's config.yaml looks like one of ours, good or damaged."""
    try:
        text = (folder / "config.yaml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.startswith("upsample:") for line in text.splitlines())


def folder_of_run(config: TrainConfig, new: Path) -> Path:
    """Where a run goes on that `config.resume` names; `new` for one that begins.

    auto is the run beside `new` that has these settings and saved a checkpoint last. A run that is
    damaged is passed over, with a warning that names it.
    """
    if config.resume is None:
        return new
    if config.resume != "auto":
        path = expand(config.resume).absolute()
        if path.is_file() and path.parent.name == LAST.parent.name:
            return path.parents[1]
        return path if path.is_dir() else new
    wanted = identity_settings(asdict(config))
    saved = new.parent.glob(f"*/{LAST}")
    for last in sorted(saved, key=lambda path: path.stat().st_mtime, reverse=True):
        folder = last.parents[1]
        try:
            recorded = identity_settings(read_settings(folder))
            if wanted["trainer.precision"] == "auto":  # a run records which one it was
                recorded["trainer.precision"] = "auto"
            if recorded == wanted:
                check_archive(last)
                return folder
        except UserError as error:
            log.warning("resume=auto passes over a run: %s", error)
    return new
