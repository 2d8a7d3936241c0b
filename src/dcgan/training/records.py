"""Read back what a run has recorded: metrics.jsonl, result.json, arrays, pictures."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from PIL import Image
from pydantic import AfterValidator, StrictFloat, StrictInt, StrictStr, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import from_json
from torch import Tensor

from dcgan.checkerboard.images import usable_periods
from dcgan.checkerboard.scores import GRADIENT_PHASE_ENERGY, PHASE_ENERGY, SPECTRUM
from dcgan.config.settings import Natural
from dcgan.errors import UserError
from dcgan.reading import naming

COUNTS = ("step", "images_seen")  # in every line of metrics.jsonl
TEXTS = ("alarm", "message")  # the only values that are not numbers


def _check_line(line: dict[str, Any]) -> dict[str, Any]:
    for name in COUNTS:
        if not isinstance(line.get(name), int) or line[name] < 0:
            raise ValueError(f"{name} must be a whole number, at least 0")
    for name, value in line.items():
        if isinstance(value, str) != (name in TEXTS):
            raise ValueError(f"{name} must be a {'string' if name in TEXTS else 'number'}")
    return line


Line = Annotated[dict[str, StrictInt | StrictFloat | StrictStr | None], AfterValidator(_check_line)]
LINE: TypeAdapter[dict[str, Any]] = TypeAdapter(Line)


@dataclass
class Result:
    """The fields that every training run's result.json has; it may have more."""

    step: Natural
    images_seen: Natural
    resumed_from_step: Natural
    seconds: StrictFloat
    images_per_second: StrictFloat | None
    samples: StrictStr
    checkpoint: StrictStr
    best_fid: StrictFloat | None = None
    best_checkpoint: StrictStr | None = None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl (none if there is no such file), as dicts.

    An unfinished last line, cut short by a crash, is dropped.

    Raises:
        UserError: a line is broken; gives its number.
    """
    if not path.is_file():
        return []
    with naming(path, "readable"):
        *lines, rest = path.read_bytes().split(b"\n")
    read = []
    for number, line in enumerate(lines, 1):
        with naming(path, f"readable in line {number} of {len(lines)}"):
            read.append(LINE.validate_json(line))
    with suppress(ValidationError):
        read.append(LINE.validate_json(rest))
    return read


def read_result(path: Path) -> dict[str, Any]:
    """The content of a training run's result.json; see `Result`.

    Raises:
        UserError: the file is missing, damaged, or not from a training run.
    """
    with naming(path, "the result of a run"):
        result = from_json(path.read_bytes())
        TypeAdapter(Result).validate_python(result)
        return dict(result)


def read_arrays(path: Path, image_size: int) -> dict[str, Tensor]:
    """The arrays saved with the scores, by name: spectrum (H, W) and energies by pixel phase.

    Raises:
        UserError: the file is missing or damaged, or an array is missing, not finite, or of
            another shape or type.
    """
    periods = usable_periods(image_size, image_size)
    shapes = {SPECTRUM: (image_size, image_size)}
    shapes |= {PHASE_ENERGY[period]: (period, period) for period in periods}
    if 2 in periods:
        shapes[GRADIENT_PHASE_ENERGY] = (2, 2)
    with naming(path, "the arrays of a run's scores"), np.load(path) as saved:
        arrays = dict(saved.items())
        for name, shape in shapes.items():
            if name not in arrays:
                raise UserError(f"{name}: missing")
            if arrays[name].shape != shape or arrays[name].dtype.kind != "f":
                raise UserError(f"{name}: must hold numbers of shape {shape}")
            if not np.isfinite(arrays[name]).all():
                raise UserError(f"{name}: has values that are not finite")
        return {name: torch.from_numpy(arrays[name]) for name in shapes}


def read_picture(path: Path) -> Image.Image:
    """Read a picture of samples, as RGB.

    Raises:
        UserError: the file is missing or damaged.
    """
    with naming(path, "a readable picture"), Image.open(path) as picture:
        return picture.convert("RGB")
