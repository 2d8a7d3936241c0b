"""One training run, from its config to its result."""

import json
import logging
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
import yaml
from filelock import FileLock, Timeout
from lightning_fabric import Fabric
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from dcgan.config import TrainConfig, TrainerConfig
from dcgan.data.preparation import prepare
from dcgan.errors import Interrupted, UserError
from dcgan.files import write_json
from dcgan.networks.saved import LAST
from dcgan.training.checkpoint import (
    checkpoint_to_resume,
    identity_settings,
    load_state,
    read_for_resume,
)
from dcgan.training.interruption import Interruption
from dcgan.training.recorder import BEST, Recorder
from dcgan.training.state import State, build_state
from dcgan.training.step import train_step
from dcgan.training.tracking import Tracker, read_metrics

log = logging.getLogger(__name__)


def make_fabric(trainer: TrainerConfig) -> Fabric:
    """Device and precision.

    Raises:
        UserError: the accelerator is not there.
    """
    if trainer.accelerator == "gpu" and not torch.cuda.is_available():
        raise UserError("trainer.accelerator=gpu: no CUDA GPU is available; must be cpu or auto")
    precision = cast(Any, trainer.precision)  # checked by the config
    return Fabric(accelerator=trainer.accelerator, devices=1, precision=precision)


def train(config: TrainConfig, run_dir: Path, resume_command: str) -> dict[str, Any]:
    """Train a generator in `run_dir`, or go on with the run that `config.resume` names.

    Args:
        resume_command: what to type to go on with this run; part of the message if it is stopped.

    Returns:
        What result.json holds: plain numbers, and paths relative to `run_dir`. Times are those
        since the start or the last resume.

    Raises:
        UserError: the settings, the data or the checkpoint do not fit.
        RunFailed: a loss is not finite.
        Interrupted: Ctrl-C or SIGTERM came; the run is saved.
    """
    # Refuse before anything is written.
    fabric = make_fabric(config.trainer)
    resume_path = checkpoint_to_resume(config.resume, run_dir)
    checkpoint = None if resume_path is None else read_for_resume(resume_path, config, run_dir)

    # Data and networks, at step 0 or where the checkpoint stood.
    state = build_state(config, prepare(config.data), fabric)
    if checkpoint is not None:
        load_state(state, checkpoint)
        del checkpoint  # as large as the run itself
        log.info("resumed %s at step %d", resume_path, state.step)
    run_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(run_dir / ".lock", timeout=0):
            return _train(config, run_dir, state, fabric, resume_command)
    except Timeout as error:
        raise UserError(f"hydra.run.dir={run_dir}: another process is training there") from error


def _train(
    config: TrainConfig, run_dir: Path, state: State, fabric: Fabric, resume_command: str
) -> dict[str, Any]:
    """What `train` does once nothing can be refused any more."""
    first_step = state.step
    result_path = run_dir / "result.json"
    if first_step == config.trainer.steps and result_path.exists():
        finished: dict[str, Any] = json.loads(result_path.read_text(encoding="utf-8"))
        return finished

    # Write down the settings before the first step.
    settings = yaml.safe_dump(asdict(config), sort_keys=False)
    (run_dir / "config.yaml").write_text(settings, encoding="utf-8")
    result_path.unlink(missing_ok=True)  # of an earlier, shorter run
    tracker = Tracker(run_dir, first_step)
    recorder = Recorder(config, state, tracker, run_dir / LAST)
    log.info(
        "%d images, %d steps of %d",
        len(state.batches.images),
        config.trainer.steps,
        state.batches.batch_size,
    )

    if config.generator.kind == "flat":
        log.info("a flat generator has no upsampling blocks: upsample has no effect")

    started = time.perf_counter()
    try:
        if first_step == 0:
            tracker.text("config", settings)
            recorder.start()
        _run_steps(config, state, fabric, recorder, resume_command)
        seconds = time.perf_counter() - started
        last_metrics = read_metrics(run_dir / "metrics.jsonl")[-1]
        tracker.hparams(identity_settings(config), last_metrics)
    finally:
        tracker.close()

    num_steps = state.step - first_step
    result = {
        "step": state.step,
        "images_seen": state.step * config.trainer.batch_size,
        "resumed_from_step": first_step,
        "seconds": seconds,
        "images_per_second": num_steps * config.trainer.batch_size / seconds,
        "tracking_share": recorder.seconds / seconds,
        "scores_share": recorder.score_seconds / seconds,
        "metrics": last_metrics,
        "samples": f"samples/{state.step:06d}.png",
        "checkpoint": str(LAST),
        "tensorboard": "tensorboard",
    }
    if math.isfinite(state.best_fid):
        best = str(LAST.with_name(BEST))
        result |= {"best_fid": state.best_fid, "best_checkpoint": best}
    write_json(result_path, result)
    return result


def _run_steps(
    config: TrainConfig, state: State, fabric: Fabric, recorder: Recorder, resume_command: str
) -> None:
    steps = config.trainer.steps
    bar = tqdm(total=steps, initial=state.step, desc="training", unit="step", disable=None)
    with Interruption() as interruption, logging_redirect_tqdm(), bar:
        while state.step < steps:
            result = train_step(state, fabric)
            metrics = recorder.after_step(result)
            bar.update()
            if metrics is not None:
                losses = (metrics["discriminator_loss"], metrics["generator_loss"])
                bar.set_postfix_str("D {:.2f}  G {:.2f}".format(*losses), refresh=False)
            if interruption.received is not None and state.step < steps:
                recorder.checkpoint()
                raise Interrupted(
                    f"stopped at step {state.step} of {steps}; saved"
                    f" {recorder.checkpoint_path}\nTo go on: {resume_command}",
                    interruption.received,
                )
