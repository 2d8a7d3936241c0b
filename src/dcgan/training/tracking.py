"""The files of a run while it trains: metrics.jsonl, TensorBoard, sample grids, scores."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from dcgan.checkerboard.scores import GRADIENT_PHASE_ENERGY, PHASE_ENERGY, SPECTRUM
from dcgan.config import TrainConfig
from dcgan.config.identity import identity_settings
from dcgan.files import replacing, to_json, write_text
from dcgan.pictures import grid, phase_tile_picture, spectrum_picture
from dcgan.training.metrics import METRICS

TILES = {PHASE_ENERGY[2]: "phase_tile", GRADIENT_PHASE_ENERGY: "discriminator_phase_tile"}
SCORES = "checkerboard"  # folder of a run, and group of TensorBoard's curves


class Tracker:
    """Writes into a run's folder; a resumed run first takes back what was written past its step.

    Args:
        resume_step: the step that the run continues from; 0 for a new one.
    """

    def __init__(self, run_dir: Path, resume_step: int = 0) -> None:
        self._run_dir = run_dir
        for folder in (run_dir / "samples", run_dir / SCORES):
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.stem.isdigit() and int(path.stem) > resume_step:
                    path.unlink()
        tensorboard_dir, metrics_path = run_dir / "tensorboard", run_dir / "metrics.jsonl"
        if resume_step == 0:  # what a run left that ended before its first checkpoint
            shutil.rmtree(tensorboard_dir, ignore_errors=True)
            metrics_path.unlink(missing_ok=True)
        kept = [line for line in read_metrics(metrics_path) if line["step"] <= resume_step]
        write_text(metrics_path, "".join(to_json(line) + "\n" for line in kept))
        self._metrics = metrics_path.open("a", encoding="utf-8")
        # purge_step makes TensorBoard forget the steps that the resumed run writes again.
        purge_step = resume_step + 1 if resume_step else None
        self._writer = SummaryWriter(str(tensorboard_dir), purge_step=purge_step)

    def metrics(
        self, step: int, images_seen: int, values: Mapping[str, float], group: str = "train"
    ) -> None:
        """One line of metrics.jsonl and one point per TensorBoard curve, there below `group`."""
        line = {"step": step, "images_seen": images_seen, **values}
        self._metrics.write(to_json(line) + "\n")
        for name, value in values.items():
            self._writer.add_scalar(f"{group}/{name}", value, step)

    def alarm(self, step: int, images_seen: int, name: str, message: str) -> None:
        """One line of metrics.jsonl, and a text in TensorBoard."""
        line = {"step": step, "images_seen": images_seen, "alarm": name, "message": message}
        self._metrics.write(to_json(line) + "\n")
        self._writer.add_text("alarms", message, step)

    def images(self, images: Tensor, step: int | None = None) -> None:
        """A grid of (N, C, H, W) in [−1, 1], as samples/STEP.png and in TensorBoard.

        Without a step, the real images that the samples are to resemble: samples/real.png.
        """
        picture = grid(images)
        picture.save(self._run_dir / "samples" / f"{_stem(step)}.png")
        self._picture("real" if step is None else "samples", picture, step)

    def arrays(self, arrays: Mapping[str, Tensor], step: int | None = None) -> None:
        """Scores' arrays, as checkerboard/STEP.npz and as pictures in TensorBoard.

        Without a step, those of the real images, to compare with: checkerboard/real.npz.
        """
        path = self._run_dir / SCORES / f"{_stem(step)}.npz"
        with replacing(path) as temporary, temporary.open("wb") as file:
            saved: dict[str, Any] = {key: value.numpy() for key, value in arrays.items()}
            np.savez(file, **saved)
        prefix = f"{SCORES}/real_" if step is None else f"{SCORES}/"
        self._picture(f"{prefix}spectrum", spectrum_picture(arrays[SPECTRUM]), step)
        for name, tag in TILES.items():
            if name in arrays:  # the images are large enough
                self._picture(f"{prefix}{tag}", phase_tile_picture(arrays[name]), step)

    def text(self, tag: str, text: str) -> None:
        """A text as it is, in a fixed-width block."""
        indented = "\n".join(f"    {line}" for line in text.splitlines())
        self._writer.add_text(tag, indented, 0)

    def hparams(self, config: TrainConfig, metrics: Mapping[str, float]) -> None:
        """The settings and the last metrics of the run, for TensorBoard's table of runs."""
        settings = identity_settings(config)
        plain = {k: v if isinstance(v, bool | int | float) else str(v) for k, v in settings.items()}
        # Under the names of the curves, whose last point this is: no second set of charts.
        known = {name: metrics[name] for name in METRICS if metrics[name] is not None}
        last = {f"train/{name}": value for name, value in known.items()}
        self._writer.add_hparams(plain, last, run_name=".", global_step=int(metrics["step"]))

    def flush(self) -> None:
        """Hand everything to the system: what was written before a checkpoint outlives a kill."""
        self._metrics.flush()
        self._writer.flush()

    def close(self) -> None:
        """Flush and close the files."""
        self._metrics.close()
        self._writer.close()

    def _picture(self, tag: str, picture: Image.Image, step: int | None) -> None:
        self._writer.add_image(tag, np.asarray(picture), step or 0, dataformats="HWC")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl, if there is one; a last one that a crash cut short is not."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    whole, _, _ = text.rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def _stem(step: int | None) -> str:
    return "real" if step is None else f"{step:06d}"
