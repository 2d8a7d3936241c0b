"""The files of a run while it trains: metrics.jsonl, TensorBoard, sample grids, scores."""

import shutil
import struct
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
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
from dcgan.training.records import read_metrics as read_metrics

SCORES = "checkerboard"  # folder of a run
# Groups in TensorBoard, which sorts them by name: first what people come for.
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
2_mean_spectrum: mean power spectrum, logarithmic, low frequencies in the middle. A checkerboard of
period 2 is a bright dot in the middle of an edge or in a corner; of period 4, halfway there.
3_fine_detail_by_pixel_phase: energy of fine detail at each position of a 2x2 tile, drawn four
times. All gray is even; light and dark squares are uneven.
4_discriminator_gradient_by_pixel_phase: the same for the gradient that the generator learns from.
"""


class Tracker:
    """Writes into a run's folder; a resumed run first takes back what was written past its step.

    Args:
        batch_size: images of a step.
        resume_step: the step that the run continues from; 0 for a new one.
    """

    def __init__(self, run_dir: Path, batch_size: int, resume_step: int = 0) -> None:
        self._run_dir, self._batch_size = run_dir, batch_size
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
        self._wall_time = _take_back(tensorboard_dir, resume_step)
        self._writer = SummaryWriter(str(tensorboard_dir))

    def metrics(self, step: int, values: Mapping[str, float], group: str = TRAINING) -> None:
        """One line of metrics.jsonl and one point per TensorBoard curve, there below `group`."""
        self._write_line(step, values)
        for name, value in values.items():
            shown_in = OVERVIEW if name in IN_OVERVIEW else group
            self._writer.add_scalar(f"{shown_in}/{name}", value, step, self._now())

    def alarm(self, step: int, name: str, message: str) -> None:
        """One line of metrics.jsonl, and a text in TensorBoard."""
        self._write_line(step, {"alarm": name, "message": message})
        self._writer.add_text("alarms", message, step, self._now())

    def images(self, images: Tensor, step: int | None = None) -> None:
        """A grid of (N, C, H, W) in [−1, 1], as samples/STEP.png and in TensorBoard.

        Without a step, the real images that the samples are to resemble: samples/real.png.
        """
        picture = grid(images)
        save_image(picture, self._run_dir / "samples" / f"{_stem(step)}.png")
        self._picture(f"{PICTURES}/{'real' if step is None else 'samples'}", picture, step)

    def arrays(self, arrays: Mapping[str, Tensor], step: int | None = None) -> None:
        """Scores' arrays, as checkerboard/STEP.npz and as pictures in TensorBoard.

        Without a step, those of the real images, to compare with: checkerboard/real.npz.
        """
        path = self._run_dir / SCORES / f"{_stem(step)}.npz"
        with replacing(path) as temporary, temporary.open("wb") as file:
            saved: dict[str, Any] = {key: value.numpy() for key, value in arrays.items()}
            np.savez(file, **saved)
        of = "real" if step is None else "generated"
        self._picture(f"{MEAN_SPECTRUM}/{of}", spectrum_picture(arrays[SPECTRUM]), step)
        for name, tag in TILES.items():
            if name in arrays:  # the images are large enough
                self._picture(f"{tag}/{of}", phase_tile_picture(arrays[name]), step)

    def text(self, tag: str, text: str) -> None:
        """A text as it is, in a fixed-width block."""
        self._writer.add_text(tag, textwrap.indent(text, "    "), 0, self._now())

    def flush(self) -> None:
        """Hand everything to the system: what was written before a checkpoint outlives a kill."""
        self._metrics.flush()
        self._writer.flush()

    def close(self) -> None:
        """Flush and close the files."""
        self._metrics.close()
        self._writer.close()

    def _write_line(self, step: int, values: Mapping[str, object]) -> None:
        line = {"step": step, "images_seen": step * self._batch_size, **values}
        self._metrics.write(to_json(line) + "\n")

    def _picture(self, tag: str, picture: Image.Image, step: int | None) -> None:
        pixels = np.asarray(picture)
        self._writer.add_image(tag, pixels, step or 0, self._now(), dataformats="HWC")

    def _now(self) -> float:
        """The wall time, which never goes back: TensorBoard sorts by it."""
        self._wall_time = max(self._wall_time, time.time())
        return self._wall_time


class NoTracker:
    """Takes what a `Tracker` takes and writes nothing: that of all processes but the first."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


def _take_back(folder: Path, step: int) -> float:
    """Cut the events past a step out of TensorBoard's files; the wall time of the last one left.

    TensorBoard itself would forget their curves but not their texts. It reads files by their names:
    each gets one that stands before the next file's, whatever the clock says then.
    """
    for unfinished in folder.glob("*.tmp"):  # of a kill right here
        unfinished.unlink()
    wall_time = 0.0
    for number, path in enumerate(sorted(folder.glob("events.*"))):
        kept = [(event, raw) for event, raw in _events(path.read_bytes()) if event.step <= step]
        with replacing(path) as temporary:
            temporary.write_bytes(b"".join(raw for _, raw in kept))
        path.rename(folder / f"events.out.tfevents.{number:010d}")
        wall_time = max([wall_time, *(event.wall_time for event, _ in kept)])
    return wall_time


def _events(content: bytes) -> Iterator[tuple[Event, bytes]]:
    """The events of a file, each beside its record: length, checksum, event, checksum.

    They end where a crash cut the file short, or where it is damaged.
    """
    start = 0
    with suppress(DecodeError, struct.error):
        while start < len(content):
            (length,) = struct.unpack_from("<Q", content, start)
            record = content[start : start + length + 16]
            if len(record) < length + 16:
                return
            yield Event.FromString(record[12:-4]), record
            start += len(record)


def _stem(step: int | None) -> str:
    return "real" if step is None else f"{step:06d}"
