"""The files of a run while it trains: metrics.jsonl, TensorBoard, sample grids, scores."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from dcgan.checkerboard.scores import GRADIENT_PHASE_ENERGY, PHASE_ENERGY, SPECTRUM
from dcgan.config import TrainConfig
from dcgan.config.identity import identity_settings
from dcgan.files import replacing, to_json
from dcgan.pictures import grid, phase_tile_picture, spectrum_picture, to_picture
from dcgan.training.alarms import Alarm
from dcgan.training.metrics import METRICS
from dcgan.training.scores import Scores

TILES = {PHASE_ENERGY[2]: "phase_tile", GRADIENT_PHASE_ENERGY: "discriminator_phase_tile"}
SCORES = "checkerboard"  # folder of a run, and group of TensorBoard's curves


class Tracker:
    """Writes into a run's folder; a resumed run first takes back what was written past its step.

    Args:
        resume_step: the step that the run continues from; 0 for a new one.
    """

    def __init__(self, run_dir: Path, resume_step: int = 0) -> None:
        self.samples_dir = run_dir / "samples"
        self.scores_dir = run_dir / SCORES
        for folder in (self.samples_dir, self.scores_dir):
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.stem.isdigit() and int(path.stem) > resume_step:
                    path.unlink()
        tensorboard_dir = run_dir / "tensorboard"
        metrics_path = run_dir / "metrics.jsonl"
        if metrics_path.exists():
            _cut_metrics(metrics_path, resume_step)
        self._metrics = metrics_path.open("a", encoding="utf-8")
        if resume_step == 0:  # what a run left that ended before its first checkpoint
            shutil.rmtree(tensorboard_dir, ignore_errors=True)
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

    def alarm(self, step: int, images_seen: int, alarm: Alarm) -> None:
        """One line of metrics.jsonl, and a text in TensorBoard."""
        line: dict[str, object] = {"step": step, "images_seen": images_seen}
        line |= {"alarm": alarm.name, "message": alarm.message}
        self._metrics.write(to_json(line) + "\n")
        self._writer.add_text("alarms", alarm.message, step)

    def scores(self, step: int, images_seen: int, scores: Scores) -> None:
        """Checkerboard scores: numbers as `metrics`, arrays as checkerboard/STEP.npz, pictures."""
        self.metrics(step, images_seen, scores.numbers, group=SCORES)
        self._arrays(f"{step:06d}", scores)
        for tag, picture in _score_pictures(scores.arrays).items():
            self._writer.add_image(f"{SCORES}/{tag}", picture, step)

    def real_scores(self, scores: Scores) -> None:
        """The real images' spectrum and pixel-phase tile, to compare with."""
        self._arrays("real", scores)
        for tag, picture in _score_pictures(scores.arrays).items():
            self._writer.add_image(f"{SCORES}/real_{tag}", picture, 0)

    def samples(self, step: int, images: Tensor) -> Path:
        """One grid of (N, C, H, W) images in [−1, 1], as samples/STEP.png and in TensorBoard."""
        path = self.samples_dir / f"{step:06d}.png"
        self._picture("samples", step, images, path)
        return path

    def real_images(self, images: Tensor) -> None:
        """The grid of real images that the samples are to resemble."""
        self._picture("real", 0, images, self.samples_dir / "real.png")

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

    def _arrays(self, name: str, scores: Scores) -> None:
        """As checkerboard/NAME.npz, written whole or not at all."""
        with replacing(self.scores_dir / f"{name}.npz") as temporary, temporary.open("wb") as file:
            arrays: dict[str, Any] = {key: value.numpy() for key, value in scores.arrays.items()}
            np.savez(file, **arrays)

    def _picture(self, tag: str, step: int, images: Tensor, path: Path) -> None:
        picture = grid(images)
        to_picture(picture).save(path)
        self._writer.add_image(tag, picture, step)


def _score_pictures(arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The mean spectrum and, where the images are large enough, the pixel-phase tiles."""
    pictures = {"spectrum": spectrum_picture(arrays[SPECTRUM])}
    for name, tag in TILES.items():
        if name in arrays:
            pictures[tag] = phase_tile_picture(arrays[name])
    return pictures


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The lines of a metrics.jsonl; a last line that a crash cut short is left out."""
    return list(_whole_lines(path.read_text(encoding="utf-8").splitlines()))


def _whole_lines(lines: Iterable[str]) -> Iterable[dict[str, float]]:
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def _cut_metrics(path: Path, last_step: int) -> None:
    """Keep the lines up to `last_step`, by way of a temporary file."""
    kept = [line for line in read_metrics(path) if line["step"] <= last_step]
    with replacing(path) as temporary:
        text = "".join(json.dumps(line) + "\n" for line in kept)
        temporary.write_text(text, encoding="utf-8")
