"""What happens between steps: losses are watched; metrics, samples, checkpoints when due."""

import logging
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from dcgan.config import TrainConfig
from dcgan.data.batches import normalise
from dcgan.errors import RunFailed
from dcgan.sampling import generate
from dcgan.seeding import stream
from dcgan.training.alarms import Alarm, Alarms
from dcgan.training.checkpoint import save_checkpoint
from dcgan.training.quality import QualityWatch
from dcgan.training.scores import Scorer, is_score_step
from dcgan.training.state import State
from dcgan.training.step import StepResult
from dcgan.training.tracking import Tracker, step_metrics

BEST = "best.pt"  # beside the run's last checkpoint

log = logging.getLogger(__name__)


class Recorder:
    """Called after every step; does what is due and adds up how long that took.

    That is `seconds`, of which `score_seconds` are the checkerboard scores'. The sample grids show
    the same latents throughout, drawn from the run's seed.

    Args:
        watch: takes the FID, if the run takes any.
    """

    def __init__(
        self,
        config: TrainConfig,
        state: State,
        tracker: Tracker,
        checkpoint_path: Path,
        watch: QualityWatch | None = None,
    ) -> None:
        self.seconds = self.score_seconds = 0.0
        self.checkpoint_path = checkpoint_path
        self._config, self._state, self._tracker = config, state, tracker
        self._unread: list[Tensor] = []  # losses of the steps since the last look
        self._last_log = (state.step, time.perf_counter())
        self.alarms = Alarms(critic=state.loss.threshold is None)
        self._latents = torch.randn(
            config.trainer.num_samples,
            state.latent_size,
            generator=stream(config.seed, "sample latents"),
        )
        self._scorer = Scorer(config, state) if config.trainer.num_scored else None
        self._watch = watch

    def start(self) -> None:
        """Record step 0: what the untrained networks give, and the real images to compare with."""
        started = time.perf_counter()
        real = self._state.batches.images[: self._config.trainer.num_samples]
        self._tracker.real_images(normalise(real))
        if self._scorer is not None:
            self._tracker.real_scores(self._scorer.real)
        self.score()
        self.sample()
        self.seconds += time.perf_counter() - started

    def after_step(self, result: StepResult) -> dict[str, float] | None:
        """Record one step; return its metrics if they were read.

        Raises:
            RunFailed: a loss or a weight is not finite.
        """
        started = time.perf_counter()
        trainer, step = self._config.trainer, self._state.step
        last = step == trainer.steps
        scored = trainer.num_scored > 0 and is_score_step(step, trainer.score_from, trainer.steps)
        metrics = None
        self._unread.append(torch.stack([result.discriminator_loss, result.generator_loss]))
        if scored:  # before the log: a run's last line is that of its last step's losses
            self.check_losses()
            self.score()
        if self._watch is not None and (last or step % trainer.evaluate_every == 0):
            self.check_losses()
            self._evaluate(self._watch)
        if last or step % trainer.log_every == 0:
            self.check_losses()
            metrics = self._log(result)
        if scored or last or step % trainer.sample_every == 0:
            self.sample()
        if last or step % trainer.checkpoint_every == 0:
            self.checkpoint()
        self.seconds += time.perf_counter() - started
        return metrics

    def sample(self) -> None:
        """Draw the grid of this step."""
        self._tracker.samples(self._state.step, generate(self._state.sampler, self._latents))

    def score(self) -> None:
        """Take the checkerboard scores of this step, unless the run takes none."""
        if self._scorer is None:
            return
        started = time.perf_counter()
        step = self._state.step
        images_seen = step * self._config.trainer.batch_size
        self._tracker.scores(step, images_seen, self._scorer.measure())
        self.score_seconds += time.perf_counter() - started

    def _evaluate(self, watch: QualityWatch) -> None:
        """Take the FID of this step; the best so far is kept as best.pt."""
        step, fid = self._state.step, watch.measure()
        self._tracker.metrics(
            step, step * self._config.trainer.batch_size, {"fid": fid}, group="quality"
        )
        log.info("step %d: FID %.2f", step, fid)
        if fid < self._state.best_fid:
            self._state.best_fid = fid
            self._save(self.checkpoint_path.with_name(BEST))

    def checkpoint(self) -> None:
        """Save the run, if it is sound.

        Raises:
            RunFailed: a loss or a weight is not finite; the last good checkpoint stays.
        """
        self.check_losses()
        self._tracker.flush()
        self._save(self.checkpoint_path)

    def _save(self, path: Path) -> None:
        try:
            save_checkpoint(path, self._state, self._config)
        except FloatingPointError as error:
            raise self._failure(f"at step {self._state.step} {error}") from error

    def check_losses(self) -> None:
        """Look at every loss since the last look, in one read from the device.

        Raises:
            RunFailed: one is not finite; the message names the first such step.
        """
        if not self._unread:
            return
        first_step = self._state.step - len(self._unread) + 1
        losses = torch.stack(self._unread).tolist()
        self._unread.clear()
        for step, (discriminator_loss, generator_loss) in enumerate(losses, first_step):
            if not math.isfinite(discriminator_loss + generator_loss):
                raise self._failure(
                    f"the loss is not finite at step {step}"
                    f" (discriminator {discriminator_loss}, generator {generator_loss})"
                )

    def _log(self, result: StepResult) -> dict[str, float]:
        trainer, step = self._config.trainer, self._state.step
        last_step, last_time = self._last_log
        now = time.perf_counter()
        metrics = step_metrics(result, self._state.loss.threshold)
        speed = (step - last_step) * trainer.batch_size / (now - last_time)
        for alarm in self.alarms.check(metrics):
            log.warning("step %d: %s", step, alarm.message)
            self._tracker.alarm(step, step * trainer.batch_size, alarm)
        self._tracker.metrics(
            step,
            step * trainer.batch_size,
            {
                **metrics,
                "images_per_second": speed,
                "generator_lr": self._state.generator_optimizer.param_groups[0]["lr"],
                "discriminator_lr": self._state.discriminator_optimizer.param_groups[0]["lr"],
            },
        )
        self._last_log = (step, now)
        if step == trainer.steps or step % trainer.sample_every == 0:
            numbers = "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())
            log.info("step %d of %d: %s  %.0f images/s", step, trainer.steps, numbers, speed)
        return metrics

    def _failure(self, what: str) -> RunFailed:
        saved = self.checkpoint_path
        kept = f"the last good checkpoint is {saved}" if saved.exists() else "no checkpoint yet"
        message = f"{what}; {kept}; smaller learning rates are the usual cure"
        step, batch_size = self._state.step, self._config.trainer.batch_size
        self._tracker.alarm(step, step * batch_size, Alarm("not finite", message))
        return RunFailed(message)
