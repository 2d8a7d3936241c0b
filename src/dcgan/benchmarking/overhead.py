"""What tracking and checkpoints add to a step."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import trange

from dcgan.benchmarking.ours import start
from dcgan.config import TrainConfig
from dcgan.training.recorder import Recorder
from dcgan.training.step import train_step
from dcgan.training.tracking import Tracker


def tracking_seconds(config: TrainConfig, steps: int) -> float:
    """Seconds a step that logs, sample grids and checkpoints take; scores are not among them.

    Everything is recorded as in a run of `steps` steps, of which only the first is computed.

    Args:
        steps: a multiple of the longest interval between two of these, or the time is too short.
    """
    # No step here is a run's last one, which does everything at once.
    trainer = replace(config.trainer, steps=steps + 1, num_scored=0, evaluate_every=0)
    config = replace(config, trainer=trainer)
    state, fabric = start(config)
    result = train_step(state, fabric)
    state.step = 0
    with TemporaryDirectory() as folder:
        tracker = Tracker(Path(folder))
        recorder = Recorder(config, state, tracker, Path(folder) / "last.pt")
        for _ in trange(steps, desc="tracking", leave=False, disable=None):
            state.step += 1
            recorder.after_step(result)
        tracker.close()
    return recorder.seconds / steps
