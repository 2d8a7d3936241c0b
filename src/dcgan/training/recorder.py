"""What happens between steps: loss checks, logs, samples, scores, FID, checkpoints."""

import logging
import math
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import torch
import yaml
from filelock import FileLock, Timeout
from torch import Tensor

from dcgan.checkerboard.scores import PEAK_OVER_REAL
from dcgan.config.identity import LAST, flatten
from dcgan.errors import Interrupted, RunFailed, UserError
from dcgan.files import make_folder, write_json, write_text
from dcgan.pictures import evenly_spread
from dcgan.sampling import generate
from dcgan.seeding import stream
from dcgan.training.alarms import Alarms
from dcgan.training.checkpoint import BEST, save_checkpoint
from dcgan.training.devices import is_true_anywhere, mean_over_ranks, naming_lost_processes
from dcgan.training.losses import LOSSES
from dcgan.training.metrics import step_metrics
from dcgan.training.records import read_metrics
from dcgan.training.scores import FidMeter, Scorer
from dcgan.training.step import State, StepResult
from dcgan.training.tracking import ABOUT, CHECKERBOARD, QUALITY, NoTracker, Tracker

log = logging.getLogger(__name__)

# Of a checkpoint; whoever reads one refuses numbers in them that are not finite.
PARTS = ("generator", "discriminator", "ema", "generator_optimizer", "discriminator_optimizer")


class Recorder:
    """Records what is due after a step, and measures how long that takes.

    Every process has one and makes the same calls, since some metrics are reduced over all
    processes; only rank 0 writes. All sample grids show the same latents.
    """

    def __init__(self, state: State, run_dir: Path, resume_command: str = "") -> None:
        trainer = state.config.trainer
        self._tracker: Tracker | NoTracker = NoTracker()
        self._alarms = Alarms(LOSSES[state.config.loss.kind].is_critic)
        self.latest = ""  # the last losses, for a progress bar
        # The last checkpoint and, on its own line, the command that resumes from it.
        self._where_to_resume = f"{run_dir / LAST}\nTo resume: {resume_command}"
        self._state, self._run_dir = state, run_dir
        self._seconds = 0.0
        self._ratio: float | None = None  # the last R₂ ÷ real
        self._unread: list[Tensor] = []  # losses since the last check
        shape = trainer.num_samples, state.generator.latent_size
        self._latents = torch.randn(shape, generator=stream(state.config.seed, "sample latents"))
        self._scorer = Scorer(state) if trainer.checkerboard_images else None
        self._meter = FidMeter(state) if trainer.fid_every else None
        self._first_step, self._started = state.step, time.perf_counter()
        self._last_log = (state.step, self._started, 0.0)

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """Open the run's files (on rank 0 only), and begin the records if there are none.

        Raises:
            UserError: another process is training in the folder, or its metrics.jsonl is damaged.
            UserError, MachineError: the folder cannot be created.
            RunFailed: another process of this run was lost.
        """
        try:
            with ExitStack() as stack:
                if self._state.fabric.is_global_zero:
                    self._open(stack)
                stack.enter_context(naming_lost_processes(self._where_to_resume))
                yield self
        except OSError as error:  # TensorBoard's writer, for one, does not say where
            error.filename = error.filename or str(self._run_dir)
            raise

    def _open(self, stack: ExitStack) -> None:
        state, run_dir, trainer = self._state, self._run_dir, self._state.config.trainer
        make_folder(run_dir)
        try:
            stack.enter_context(FileLock(run_dir / ".lock", timeout=0))
        except Timeout as error:
            message = f"hydra.run.dir={run_dir}: another process is training there"
            raise UserError(message) from error
        has_best = math.isfinite(state.best_fid)
        saved = (run_dir / LAST).is_file() or has_best
        step = state.step if saved else 0  # records without a checkpoint belong to another run
        # Refuse damage before anything is written.
        lines = read_metrics(run_dir / "metrics.jsonl") if step else []
        size = trainer.batch_size
        run = (len(state.batches.images), trainer.steps, size, trainer.precision)
        log.info("%d images, %d steps of %d, %s", *run)
        settings = yaml.safe_dump(asdict(state.config), sort_keys=False)
        write_text(run_dir / "config.yaml", settings)
        (run_dir / "result.json").unlink(missing_ok=True)  # from before the run was extended
        if not has_best:  # a best.pt here is of a later step, or of another run
            (run_dir / BEST).unlink(missing_ok=True)
        if step:  # last.pt may be of a later step than a resumed best.pt: overwrite it
            save_checkpoint(run_dir / LAST, state)
        self._tracker = stack.enter_context(Tracker(run_dir, size, step))
        self._alarms.recall(line for line in lines if line["step"] <= step)
        if step == 0:
            self._tracker.text("config", settings)
            self._tracker.text("about the pictures", ABOUT)
            self._start()

    def _start(self) -> None:
        """Record the real images and, of a new run, samples and scores of step 0."""
        started = time.perf_counter()
        number = self._state.config.trainer.num_samples
        self._tracker.images(evenly_spread(self._state.batches.images, number))
        if self._scorer is not None:
            self._tracker.arrays(self._scorer.real.arrays)
        if self._state.step == 0:  # not resumed, in a new folder
            if self._scorer is not None:
                self._score()
            self._sample()
        self._seconds += time.perf_counter() - started

    def record(self, result: StepResult, due: frozenset[str], stopping: bool = False) -> None:
        """Record what is due after one step; save the run if it is stopping.

        Raises:
            RunFailed: a loss, a weight or a moment is not finite, in any process.
        """
        self._unread.append(result.losses)
        if not due and not stopping:
            return
        started = time.perf_counter()
        self._check_losses()
        if "scores" in due:
            self._score()
        if "fid" in due:
            self._measure_fid()
        if "log" in due:  # after scores and FID, so that a run's last line has its losses
            self._log(result, started)
        if "samples" in due:
            self._sample()
        if "checkpoint" in due or stopping:
            self._save(self._run_dir / LAST)
        self._seconds += time.perf_counter() - started

    def stopped(self, signal_number: int | None) -> Interrupted:
        """The error to raise once a stopped run is saved; it says how to resume."""
        where = f"step {self._state.step} of {self._state.config.trainer.steps}"
        message = f"stopped at {where}; saved {self._where_to_resume}"
        return Interrupted(message, signal_number or signal.SIGTERM)

    def interrupted(self, signal_number: int) -> Interrupted:
        """The error to raise for a signal that came too late to stop the run."""
        return Interrupted(f"interrupted; the run in {self._run_dir} is finished", signal_number)

    def finish(self) -> dict[str, Any]:
        """Write result.json and return its content; {} in other processes than rank 0."""
        state = self._state
        if not state.fabric.is_global_zero:
            return {}
        seconds = time.perf_counter() - self._started
        num_images = (state.step - self._first_step) * state.batches.batch_size
        samples = f"samples/{state.step:06d}.png"
        if not (self._run_dir / samples).is_file():  # stopped here, then shortened to this step
            self._sample()
        self._tracker.flush()
        metrics = read_metrics(self._run_dir / "metrics.jsonl")
        last: dict[str, Any] = next((m for m in reversed(metrics) if "d_accuracy" in m), {})
        ratios = [r for m in metrics if (r := m.get(PEAK_OVER_REAL[2].key)) is not None]
        # No step was timed if the run was killed between its last checkpoint and this file.
        speed = num_images / seconds if num_images else last.get("images_per_second")
        result = {
            "step": state.step,
            "images_seen": state.step * state.batches.batch_size,
            "resumed_from_step": self._first_step,
            "seconds": seconds,
            "images_per_second": speed,
            "tracking_share": self._seconds / seconds,
            "processes": state.fabric.world_size,
            "metrics": last,
            "samples": samples,
            "checkpoint": str(LAST),
            "tensorboard": "tensorboard",
        }
        if ratios:
            result["checkerboard"] = {"first": ratios[0], "last": ratios[-1]}
        if math.isfinite(state.best_fid):
            result |= {"best_fid": state.best_fid, "best_checkpoint": str(BEST)}
        write_json(self._run_dir / "result.json", result)
        return result

    def _sample(self) -> None:
        self._tracker.images(generate(self._state.sampler, self._latents), self._state.step)

    def _score(self) -> None:
        assert self._scorer is not None
        scores = self._scorer.measure()
        self._tracker.metrics(self._state.step, scores.numbers, CHECKERBOARD)
        self._ratio = scores.numbers.get(PEAK_OVER_REAL[2].key)
        self._tracker.arrays(scores.arrays, self._state.step)

    def _measure_fid(self) -> None:
        """Measure FID; keep the best so far as best.pt."""
        assert self._meter is not None
        state, fid = self._state, self._meter.measure()
        self._tracker.metrics(state.step, {"fid": fid}, QUALITY)
        log.info("step %d: FID %.2f", state.step, fid)
        if is_true_anywhere(fid < state.best_fid, state.fabric):
            state.best_fid = fid
            self._save(self._run_dir / BEST)

    def _log(self, result: StepResult, now: float) -> None:
        """Log this step's metrics and alarms; `now` is when its recording began."""
        state, trainer = self._state, self._state.config.trainer
        metrics = step_metrics(result, state.config.loss.kind, state.fabric)
        self.latest = "D {discriminator_loss:.2f}  G {generator_loss:.2f}".format(**metrics)
        last_step, last_time, last_seconds = self._last_log
        self._last_log = (state.step, now, self._seconds)
        num_steps, elapsed = state.step - last_step, now - last_time
        step_seconds = (elapsed - (self._seconds - last_seconds)) / num_steps
        for name, message in self._alarms.check(metrics, step_seconds).items():
            log.warning("step %d: %s", state.step, message)
            self._tracker.alarm(state.step, name, message)
        speed = num_steps * trainer.batch_size / elapsed
        values = {**metrics, "images_per_second": speed}
        for name in ("generator", "discriminator"):
            values[f"{name}_lr"] = getattr(state, f"{name}_optimizer").param_groups[0]["lr"]
        self._tracker.metrics(state.step, values)
        if state.step == trainer.steps or state.step % trainer.sample_every == 0:
            ratio = "" if self._ratio is None else f"{PEAK_OVER_REAL[2].name} {self._ratio:.3g}, "
            log.info(
                "step %d of %d: losses %s; %s%.0f images/s",
                *(state.step, trainer.steps, self.latest, ratio, speed),
            )

    def _check_losses(self) -> None:
        """Read all losses since the last check at once; a NaN or Inf aborts the run."""
        first_step = self._state.step - len(self._unread) + 1
        losses = mean_over_ranks(torch.stack(self._unread), self._state.fabric).tolist()
        self._unread.clear()
        for step, (of_discriminator, of_generator) in enumerate(losses, first_step):
            if not math.isfinite(of_discriminator + of_generator):
                raise self._failure(
                    f"the loss is not finite at step {step}"
                    f" (discriminator {of_discriminator}, generator {of_generator})"
                )

    def _save(self, path: Path) -> None:
        """Write a checkpoint; if a number in it is not finite, abort the run in every process."""
        state = self._state
        for part in PARTS:
            owner = getattr(state, part)  # None: there is no EMA
            numbers = () if owner is None else flatten(owner.state_dict())
            finite = all(bool(x.isfinite().all()) for _, x in numbers if isinstance(x, Tensor))
            if is_true_anywhere(not finite, state.fabric):  # running statistics differ by process
                raise self._failure(f"{part} has a number that is not finite at step {state.step}")
        self._tracker.flush()
        if state.fabric.is_global_zero:
            save_checkpoint(path, state)

    def _failure(self, what: str) -> RunFailed:
        saved = self._run_dir / LAST
        kept = f"the last good checkpoint is {saved}" if saved.exists() else "no checkpoint yet"
        message = f"{what}; {kept}; try a new run with smaller learning rates"
        self._tracker.alarm(self._state.step, "not finite", message)
        return RunFailed(message)
