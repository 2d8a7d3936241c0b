"""The files that a run writes while training: metrics.jsonl, TensorBoard, samples, scores."""

import os
import shutil
import textwrap
import time
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from dcgan.checkerboard.scores import (
    GRADIENT_PHASE_ENERGY,
    PEAK_OVER_REAL,
    PHASE_ENERGY,
    SPECTRUM,
)
from dcgan.files import replacing, to_json, write_text
from dcgan.pictures import grid, phase_tile_picture, save_image, spectrum_picture
from dcgan.training.records import read_metrics

SCORES = "checkerboard"  # folder within a run
# Groups in TensorBoard, which sorts them by name; the most useful first.
OVERVIEW, TRAINING = "1_overview", "2_training"
CHECKERBOARD, QUALITY = "3_checkerboard", "4_quality"
IN_OVERVIEW = ("discriminator_loss", "generator_loss", PEAK_OVER_REAL[2].key)
PICTURES, MEAN_SPECTRUM = "1_images", "2_mean_spectrum"
TILES = {
    PHASE_ENERGY[2]: "3_fine_detail_by_pixel_phase",
    GRADIENT_PHASE_ENERGY: "4_discriminator_gradient_by_pixel_phase",
}
ABOUT = """\
1_images: samples of the same latents over time; real images.
2_mean_spectrum: mean power spectrum on a log scale, low frequencies in the center. A checkerboard
of period 2 is a bright dot in a corner or in the middle of an edge; one of period 4, halfway there.
3_fine_detail_by_pixel_phase: energy of fine detail at each pixel phase, as a 2x2 pattern that is
shown four times. Uniform gray means even; light and dark squares mean uneven.
4_discriminator_gradient_by_pixel_phase: the same for the gradient that the generator learns from.
"""


class Tracker:
    """Writes into a run's folder; on resume, first deletes everything after `resume_step`.

    Args:
        batch_size: images per step.
        resume_step: the step that the run resumes from; 0 for a new run.
    """

    def __init__(self, run_dir: Path, batch_size: int, resume_step: int = 0) -> None:
        self._run_dir, self._batch_size = run_dir, batch_size
        for folder in (run_dir / "samples", run_dir / SCORES):
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.stem.isdigit() and int(path.stem) > resume_step:
                    path.unlink()
        tensorboard_dir, metrics_path = run_dir / "tensorboard", run_dir / "metrics.jsonl"
        if resume_step == 0:  # leftovers of a run that ended before its first checkpoint
            shutil.rmtree(tensorboard_dir, ignore_errors=True)
            metrics_path.unlink(missing_ok=True)
        kept = [line for line in read_metrics(metrics_path) if line["step"] <= resume_step]
        write_text(metrics_path, "".join(to_json(line) + "\n" for line in kept))
        self._metrics = metrics_path.open("a", encoding="utf-8")
        self._wall_time = _truncate_events(tensorboard_dir, resume_step)
        self._writer = SummaryWriter(str(tensorboard_dir))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close. On a full disk that fails, too, but an error before it says more."""
        with suppress(OSError) if kind else nullcontext():
            self.close()

    def metrics(self, step: int, values: Mapping[str, float], group: str = TRAINING) -> None:
        """Write a line of metrics.jsonl, and a point per TensorBoard curve, tagged `group`/NAME."""
        self._write_line(step, values)
        for name, value in values.items():
            shown_in = OVERVIEW if name in IN_OVERVIEW else group
            self._writer.add_scalar(f"{shown_in}/{name}", value, step, self._now())

    def alarm(self, step: int, name: str, message: str) -> None:
        """Write a line of metrics.jsonl, and a text in TensorBoard."""
        self._write_line(step, {"alarm": name, "message": message})
        self._writer.add_text("alarms", message, step, self._now())

    def images(self, images: Tensor, step: int | None = None) -> None:
        """Write a grid of (N, C, H, W) in [−1, 1] to samples/STEP.png and TensorBoard.

        Without a step, these are real images: samples/real.png.
        """
        picture = grid(images)
        save_image(picture, self._run_dir / "samples" / f"{_stem(step)}.png")
        self._picture(f"{PICTURES}/{'real' if step is None else 'samples'}", picture, step)

    def arrays(self, arrays: Mapping[str, Tensor], step: int | None = None) -> None:
        """Write the scores' arrays to checkerboard/STEP.npz, and as pictures to TensorBoard.

        Without a step, these are the arrays of the real images: checkerboard/real.npz.
        """
        path = self._run_dir / SCORES / f"{_stem(step)}.npz"
        with replacing(path) as temporary, temporary.open("wb") as file:
            saved: dict[str, Any] = {key: value.numpy() for key, value in arrays.items()}
            np.savez(file, **saved)
        of = "real" if step is None else "generated"
        self._picture(f"{MEAN_SPECTRUM}/{of}", spectrum_picture(arrays[SPECTRUM]), step)
        for name, tag in TILES.items():
            if name in arrays:  # missing for small images
                self._picture(f"{tag}/{of}", phase_tile_picture(arrays[name]), step)

    def text(self, tag: str, text: str) -> None:
        """Write a text to TensorBoard verbatim, in a fixed-width block."""
        self._writer.add_text(tag, textwrap.indent(text, "    "), 0, self._now())

    def flush(self) -> None:
        """Write everything, so that records before a checkpoint survive a kill.

        The metrics are on the disk then, as the checkpoint will be: they survive a power cut too.
        """
        self._metrics.flush()
        os.fsync(self._metrics.fileno())
        self._writer.flush()

    def close(self) -> None:
        """Flush and close the files."""
        with closing(self._writer):
            self._metrics.close()

    def _write_line(self, step: int, values: Mapping[str, object]) -> None:
        line = {"step": step, "images_seen": step * self._batch_size, **values}
        self._metrics.write(to_json(line) + "\n")

    def _picture(self, tag: str, picture: Image.Image, step: int | None) -> None:
        pixels = np.asarray(picture)
        self._writer.add_image(tag, pixels, step or 0, self._now(), dataformats="HWC")

    def _now(self) -> float:
        """The wall time, but never decreasing, since TensorBoard sorts by it."""
        self._wall_time = max(self._wall_time, time.time())
        return self._wall_time


class NoTracker:
    """Same methods as `Tracker`, but writes nothing; for all processes but rank 0."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


def _truncate_events(folder: Path, step: int) -> float:
    """Remove the events after a step from TensorBoard's files; return the last wall time left.

    TensorBoard itself would discard the points of curves but not texts. It reads files in the order
    of their names, so they are renamed to sort before the next file, whatever the clock says. A
    file that is cut short or damaged keeps what comes before.
    """
    for unfinished in folder.glob("*.tmp"):  # left by a kill during this loop
        unfinished.unlink()
    wall_time = 0.0
    for number, path in enumerate(sorted(folder.glob("events.*"))):
        with replacing(path) as temporary, temporary.open("wb") as file:
            kept = RecordWriter(file)
            for record in RawEventFileLoader(str(path)).Load():
                event = Event.FromString(record)
                if event.step <= step:
                    kept.write(record)
                    wall_time = max(wall_time, event.wall_time)
        path.rename(folder / f"events.out.tfevents.{number:010d}")
    return wall_time


def _stem(step: int | None) -> str:
    return "real" if step is None else f"{step:06d}"
