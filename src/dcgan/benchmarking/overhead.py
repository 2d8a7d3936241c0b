"""What tracking and checkpoints cost a run."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from dcgan.benchmarking.timing import timed
from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare
from dcgan.training.devices import make_fabric
from dcgan.training.recorder import Recorder
from dcgan.training.state import build_state
from dcgan.training.step import train_step
from dcgan.training.tracking import Tracker


def tracking_share(config: TrainConfig, steps: int) -> float:
    """The share of a run's time that is spent in logs, sample grids and checkpoints.

    Args:
        steps: a multiple of the longest interval between two of these, or the share is too small.
    """
    # No step here is a run's last one, which does everything at once; scores have their own share.
    trainer = replace(config.trainer, steps=steps + 1, num_scored=0, evaluate_every=0)
    config = replace(config, trainer=trainer)
    fabric = make_fabric(trainer)
    state = build_state(config, prepare(config.data), fabric)
    with TemporaryDirectory() as folder:
        tracker = Tracker(Path(folder))
        recorder = Recorder(config, state, tracker, Path(folder) / "last.pt")

        def run() -> None:
            for _ in tqdm(range(steps), desc="with tracking", leave=False, disable=None):
                recorder.after_step(train_step(state, fabric))

        seconds = timed(run)
        tracker.close()
    return recorder.seconds / seconds
