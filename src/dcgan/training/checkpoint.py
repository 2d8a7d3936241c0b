"""A run as one file: written whole or not at all, and continued only with the same settings."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from dcgan.config import TrainConfig
from dcgan.config.identity import MAY_DIFFER, flat_settings, flatten
from dcgan.errors import UserError
from dcgan.files import replacing
from dcgan.networks.saved import FORMAT_VERSION, LAST, find_checkpoint, read_checkpoint
from dcgan.training.state import State


def save_checkpoint(path: Path, state: State, config: TrainConfig) -> None:
    """Write `state` and `config`: to a temporary file, flushed, then renamed.

    Raises:
        FloatingPointError: a weight is not finite; the last good checkpoint stays.
    """
    for name in ("generator", "discriminator"):
        for weight in getattr(state, name).parameters():
            if not torch.isfinite(weight).all():
                raise FloatingPointError(f"a weight of the {name} is not finite")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format_version": FORMAT_VERSION, "config": asdict(config), **state.state_dict()}
    with replacing(path) as temporary:
        torch.save(content, temporary)


def checkpoint_to_resume(resume: str | None, run_dir: Path) -> Path | None:
    """The file that `resume` names: auto is this run's own last checkpoint, if it has one.

    Raises:
        UserError: `run_dir` holds another run, or one that nothing was said about resuming.
    """
    own = run_dir / LAST
    if resume == "auto":
        return own if own.is_file() else None
    named = None if resume is None else find_checkpoint(Path(resume).expanduser())
    if own.is_file() and (named is None or named.resolve().parent != own.resolve().parent):
        raise UserError(
            f"hydra.run.dir={run_dir}: there is a run already; resume=auto goes on with it"
        )
    return named


def read_for_resume(path: Path, config: TrainConfig, run_dir: Path) -> dict[str, Any]:
    """Read a checkpoint and compare its settings with `config`.

    Raises:
        UserError: the file cannot be read, settings differ that must not, or the run has no steps
            left to do (which is fine in its own folder: then it is finished).
    """
    checkpoint = read_checkpoint(path)
    now, then = flat_settings(config), dict(flatten(checkpoint["config"]))
    differing = [
        f"{key}={now.get(key)} (was {then.get(key)})"
        for key in sorted(now.keys() | then.keys())
        if now.get(key) != then.get(key) and key not in MAY_DIFFER
    ]
    if differing:
        raise UserError(
            f"resume={path}: these settings differ from the run's: {'; '.join(differing)};"
            f" only these may: {', '.join(sorted(MAY_DIFFER - {'resume'}))}"
        )
    finished_here = (
        checkpoint["step"] == config.trainer.steps and (run_dir / LAST).resolve() == path.resolve()
    )
    if checkpoint["step"] >= config.trainer.steps and not finished_here:
        raise UserError(
            f"trainer.steps={config.trainer.steps}: the run is at step {checkpoint['step']} already"
        )
    return checkpoint


def load_state(state: State, checkpoint: dict[str, Any]) -> None:
    """Continue `state` from a checkpoint.

    Raises:
        UserError: the images are not those that the run was started on.
    """
    if state.data_digest != checkpoint["data_digest"]:
        raise UserError("data: these are not the images that the run to resume was started on")
    state.load_state_dict(checkpoint)
