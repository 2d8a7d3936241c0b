"""Which settings identify a run, and where to find a run to resume."""

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

LAST = Path("checkpoints", "last.pt")  # within a run's folder

# Settings that cannot affect the rest of a run, so a resumed run may change them.
MAY_DIFFER = {
    "resume",
    "trainer.steps",
    "trainer.devices",  # the same batches, divided; but batch norm sees a smaller share
    "trainer.log_every",
    "trainer.sample_every",
    "trainer.num_samples",
    "trainer.checkpoint_every",
    "trainer.checkerboard_images",
    "trainer.checkerboard_from_step",
    "trainer.fid_every",
    "data.root",  # the images may have moved; their digest is checked
    "data.cache_dir",
    "data.decoding_threads",
    "data.max_pixels",
}

# Settings of earlier versions, which runs and checkpoints may hold, and their names today; None:
# removed.
RENAMED: dict[str, dict[str, str | None]] = {
    "data": {"on_error": "on_corrupt_image", "num_workers": "decoding_threads"},
    "upsample": {"padding": None, "output_padding": None},
    "regularizer": {"every": "interval"},
    "trainer": {
        "compile": None,
        "cuda_graphs": None,
        "score_weights": None,
        "num_scored": "checkerboard_images",
        "score_from": "checkerboard_from_step",
        "evaluate_every": "fid_every",
        "num_evaluated": "fid_images",
        "lr_decay_from": "lr_decay_start_images",
        "ema_half_life": "ema_half_life_images",
    },
}


def flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values in nested dicts, such as settings, as (full name, value)."""
    for key, value in config.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def identity_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that identify a run: all that are set, except `MAY_DIFFER`."""
    return {k: v for k, v in flatten(config) if v is not None and k not in MAY_DIFFER}


def with_defaults(settings: Any) -> dict[str, Any]:
    """Convert a run's settings to this version's names; add defaults for new ones.

    Raises:
        UserError: these are not a run's settings, or one of them is unknown or not allowed.
    """
    if not isinstance(settings, dict):
        raise UserError("is not a mapping of setting names to values")
    return asdict(build(TrainConfig, with_todays_names(settings)))


def with_todays_names(settings: Any) -> Any:
    """Settings by group under this version's names, without those it no longer has."""
    for group, names in RENAMED.items():
        if isinstance(settings, dict) and isinstance(values := settings.get(group), dict):
            today = {names.get(name, name): value for name, value in values.items()}
            settings = settings | {group: {k: v for k, v in today.items() if k is not None}}
    return settings


def read_settings(folder: Path) -> dict[str, Any]:
    """Read a run's config.yaml; see `with_defaults`.

    Raises:
        UserError: the file is missing, damaged, not a run's, or has a value that is not allowed.
    """
    path = folder / "config.yaml"
    with naming(path, "the settings of a run"):
        return with_defaults(yaml.safe_load(path.read_text(encoding="utf-8")))


def is_run(folder: Path) -> bool:
    """Whether a folder's config.yaml looks like a run's, intact or damaged."""
    try:
        text = (folder / "config.yaml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.startswith("upsample:") for line in text.splitlines())


def folder_of_run(config: TrainConfig, new: Path) -> Path:
    """The folder of the run that `config.resume` names; `new` for a new run.

    "auto" means the run next to `new` with these settings and the newest checkpoint. Damaged runs
    are skipped, with a warning that names them.
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
            if identity_settings(read_settings(folder)) == wanted:
                check_archive(last)
                return folder
        except UserError as error:
            log.warning("resume=auto skips a run: %s", error)
    return new
