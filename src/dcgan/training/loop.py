"""One training run, from its config to its result."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm.contrib.logging import logging_redirect_tqdm

from dcgan.config import TrainConfig, TrainerConfig
from dcgan.data.preparation import prepare
from dcgan.progress import progress
from dcgan.training.checkpoint import build_state, load_state, read_for_resume, take_weights
from dcgan.training.devices import connected, is_true_anywhere, resolve_precision
from dcgan.training.interruption import Interruption
from dcgan.training.memory import keep_freed_memory
from dcgan.training.recorder import Recorder
from dcgan.training.records import read_result
from dcgan.training.sizes import check_sizes
from dcgan.training.step import train_step


def train(config: TrainConfig, run_dir: Path, resume_command: str) -> dict[str, Any]:
    """Train a generator in `run_dir`, or resume the run that `config.resume` names.

    Args:
        resume_command: the command that resumes this run, printed if it is stopped.

    Returns:
        The content of result.json: numbers, and paths relative to `run_dir`. Times count from the
        start or the last resume. {} in other processes than rank 0, unless the run was finished.

    Raises:
        UserError: the settings, the data, the folder or the checkpoint cannot be used.
        RunFailed: a loss, a weight or a moment is not finite, or another process was lost.
        Interrupted: stopped by Ctrl-C, SIGTERM or SIGHUP; the run is saved, or even finished.
    """
    keep_freed_memory()
    with connected(config.trainer) as fabric:
        # Check everything before anything is written; all processes use rank 0's folder.
        run_dir, resume_command = fabric.broadcast((run_dir, resume_command))
        config = replace(config, trainer=resolve_precision(config.trainer))
        checkpoint = read_for_resume(config, run_dir)
        steps, result_path = config.trainer.steps, run_dir / "result.json"
        if checkpoint is not None and checkpoint["step"] == steps and result_path.is_file():
            return read_result(result_path)  # the run is finished

        check_sizes(config)

        # Build data and networks: at step 0, or at the step of the checkpoint.
        state = build_state(config, prepare(config.data), fabric)
        if checkpoint is not None:
            load_state(state, checkpoint)
        elif config.start_from is not None:
            take_weights(state, config.start_from)
        recorder = Recorder(state, run_dir, resume_command)

        with Interruption() as interruption, recorder.opened():
            # Train. A signal is handled between two steps, after the same step in all processes.
            stopping = False
            silent = not fabric.is_global_zero
            bar = progress(
                range(steps), initial=state.step, desc="training", unit="step", disable=silent
            )
            with logging_redirect_tqdm(), bar:
                while state.step < steps and not stopping:
                    result = train_step(state)
                    stopping = is_true_anywhere(interruption.received is not None, fabric)
                    recorder.record(result, due(state.step, config.trainer), stopping)
                    bar.update()
                    bar.set_postfix_str(recorder.latest, refresh=False)

            # Finish with the result; if stopped, with the command that resumes the run.
            if state.step < steps:
                raise recorder.stopped(interruption.received)
            finished = recorder.finish()
        if interruption.received is not None:  # too late for this run, but not for the next one
            raise recorder.interrupted(interruption.received)
        return finished


def due(step: int, trainer: TrainerConfig) -> frozenset[str]:
    """What to record after this step: any of log, samples, scores, fid, checkpoint.

    The last step gets everything that the run records at all. Most change happens early, so scores
    (with samples) are taken at `checkerboard_from_step`, then at 2, 4, 8, … times that step. Step
    0 is recorded when the recorder opens.
    """
    intervals = {
        "log": trainer.log_every,
        "samples": trainer.sample_every,
        "fid": trainer.fid_every,
        "checkpoint": trainer.checkpoint_every,
    }
    last = step == trainer.steps
    found = {what for what, every in intervals.items() if every and (last or step % every == 0)}
    multiple, rest = divmod(step, trainer.checkerboard_from_step)
    is_power_of_two = multiple.bit_count() == 1
    if trainer.checkerboard_images and (last or (rest == 0 and is_power_of_two)):
        found |= {"scores", "samples"}
    return frozenset(found)
