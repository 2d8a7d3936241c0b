"""One training run, from its config to its result."""

import json
import logging
import math
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import yaml
from filelock import FileLock, Timeout
from lightning_fabric import Fabric
from torch.distributed import DistBackendError
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from dcgan.config import TrainConfig
from dcgan.config.identity import identity_settings
from dcgan.data.preparation import prepare
from dcgan.errors import Interrupted, RunFailed, UserError
from dcgan.files import make_folder, write_json
from dcgan.networks.saved import LAST
from dcgan.training.checkpoint import (
    checkpoint_to_resume,
    load_state,
    read_for_resume,
)
from dcgan.training.cores import Cores
from dcgan.training.devices import disconnect, make_fabric, resolve_precision
from dcgan.training.graphs import parts_of
from dcgan.training.interruption import Interruption
from dcgan.training.memory import keeping_freed_memory
from dcgan.training.quality import QualityWatch
from dcgan.training.recorder import BEST, Recorder
from dcgan.training.state import State, build_state
from dcgan.training.step import train_step
from dcgan.training.tracking import Tracker, read_metrics

log = logging.getLogger(__name__)


def train(config: TrainConfig, run_dir: Path, resume_command: str) -> dict[str, Any]:
    """Train a generator in `run_dir`, or go on with the run that `config.resume` names.

    Args:
        resume_command: what to type to go on with this run; part of the message if it is stopped.

    Returns:
        What result.json holds: plain numbers, and paths relative to `run_dir`. Times are those
        since the start or the last resume. Of several processes only rank 0 returns something.

    Raises:
        UserError: the settings, the data or the checkpoint do not fit.
        RunFailed: a loss is not finite, or another process of this run was lost.
        Interrupted: Ctrl-C or SIGTERM came; the run is saved.
    """
    try:
        with Cores() as cores, keeping_freed_memory():
            return _connected(config, _Place(run_dir, resume_command, cores))
    finally:
        disconnect()


class _Place(NamedTuple):
    """Where a run is, and what it runs on."""

    run_dir: Path
    resume_command: str
    cores: Cores

    def to_go_on(self) -> str:
        """The last checkpoint; on a line of its own, what to type to go on from it."""
        return f"{self.run_dir / LAST}\nTo go on: {self.resume_command}"


def _connected(config: TrainConfig, place: _Place) -> dict[str, Any]:
    # Refuse before anything is written.
    fabric = make_fabric(config.trainer)
    config = replace(config, trainer=resolve_precision(config.trainer))
    place = _Place(*fabric.broadcast(place[:2]), place.cores)  # rank 0's folder, for all
    run_dir = place.run_dir
    resume_path = checkpoint_to_resume(config.resume, run_dir)
    checkpoint = None if resume_path is None else read_for_resume(resume_path, config, run_dir)

    # Data and networks, at step 0 or where the checkpoint stood.
    state = build_state(config, prepare(config.data), fabric)
    if checkpoint is not None:
        load_state(state, checkpoint)
        if not (run_dir / LAST.with_name(BEST)).exists():
            state.best_fid = math.inf  # the best of another folder
        del checkpoint  # as large as the run itself
        log.info("resumed %s at step %d", resume_path, state.step)
    if not fabric.is_global_zero:
        _run_steps(config, place, state, fabric, None)
        return {}
    watch = QualityWatch(config, state) if config.trainer.evaluate_every else None
    try:
        with Interruption():  # what is written from here on is finished by saving
            make_folder(run_dir)
            with FileLock(run_dir / ".lock", timeout=0):
                return _train(config, place, state, fabric, watch)
    except Timeout as error:
        raise UserError(f"hydra.run.dir={run_dir}: another process is training there") from error


def _train(
    config: TrainConfig, place: _Place, state: State, fabric: Fabric, watch: QualityWatch | None
) -> dict[str, Any]:
    """What `train` does once nothing can be refused any more."""
    run_dir = place.run_dir
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
    recorder = Recorder(config, state, tracker, run_dir / LAST, watch)
    recorder.alarms.recall(read_metrics(run_dir / "metrics.jsonl"))
    log.info(
        "%d images, %d steps of %d, %s",
        len(state.batches.images),
        config.trainer.steps,
        state.batches.batch_size,
        config.trainer.precision,
    )

    if config.generator.kind == "flat":
        log.info("a flat generator has no upsampling blocks: upsample has no effect")

    started = time.perf_counter()
    try:
        if first_step == 0:
            tracker.text("config", settings)
            recorder.start()
        _run_steps(config, place, state, fabric, recorder)
        seconds = time.perf_counter() - started
        last_metrics = read_metrics(run_dir / "metrics.jsonl")[-1]
        tracker.hparams(identity_settings(config), last_metrics)
    finally:
        tracker.close()

    num_steps = state.step - first_step
    images_per_second = num_steps * config.trainer.batch_size / seconds
    result = {
        "step": state.step,
        "images_seen": state.step * config.trainer.batch_size,
        "resumed_from_step": first_step,
        "seconds": seconds,
        "images_per_second": images_per_second,
        "images_per_second_per_process": images_per_second / fabric.world_size,
        "tracking_share": recorder.seconds / seconds,
        "scores_share": recorder.score_seconds / seconds,
        "processes": fabric.world_size,
        "num_threads": torch.get_num_threads(),  # of this process, at the end
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
    config: TrainConfig, place: _Place, state: State, fabric: Fabric, recorder: Recorder | None
) -> None:
    """All steps; `recorder` is rank 0's, the others write nothing."""
    steps, parts = config.trainer.steps, parts_of(config.trainer)
    silent = True if recorder is None else None
    bar = tqdm(total=steps, initial=state.step, desc="training", unit="step", disable=silent)
    with Interruption() as interruption, logging_redirect_tqdm(), bar:
        while state.step < steps:
            try:
                result = train_step(state, fabric, parts)
                stopping = _anywhere(interruption.received is not None, fabric)
            except RuntimeError as error:
                if not _is_about_others(error):
                    raise
                raise _lost(error, state.step, place) from error
            metrics = None if recorder is None else recorder.after_step(result)
            place.cores.after_step(state.step)
            bar.update()
            if metrics is not None:
                losses = (metrics["discriminator_loss"], metrics["generator_loss"])
                bar.set_postfix_str("D {:.2f}  G {:.2f}".format(*losses), refresh=False)
            if stopping and state.step < steps:
                where = ""
                if recorder is not None:
                    recorder.checkpoint()
                    where = f"; saved {place.to_go_on()}"
                raise Interrupted(
                    f"stopped at step {state.step} of {steps}{where}",
                    interruption.received or signal.SIGTERM,
                )


def _anywhere(here: bool, fabric: Fabric) -> bool:
    """Whether it is so in any process: all must stop after the same step."""
    if fabric.world_size == 1:
        return here
    flag = torch.tensor(float(here), device=fabric.device)
    return bool(cast(torch.Tensor, fabric.all_reduce(flag, reduce_op="sum")) > 0)


def _is_about_others(error: RuntimeError) -> bool:
    """Whether the connection to another process broke: NCCL has a type for it, gloo has not."""
    return isinstance(error, DistBackendError) or "gloo" in str(error)


def _lost(error: RuntimeError, step: int, place: _Place) -> RunFailed:
    """Another process of this run has ended, so this step cannot be finished."""
    log.debug("what torch said", exc_info=error)
    message = f"another process of this run was lost after step {step}"
    if not (place.run_dir / LAST).exists():
        return RunFailed(f"{message}; no checkpoint yet")
    return RunFailed(f"{message}; the last good checkpoint is {place.to_go_on()}")
