"""What a batch of real images costs: resident, memory-mapped, or through PIL and a DataLoader."""

import mmap
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch

from dcgan.benchmarking.plain import plain_batches
from dcgan.benchmarking.timing import Steps, interleave, paired_ratio, quartiles, repeat
from dcgan.config import TrainConfig
from dcgan.data.batches import Batches
from dcgan.data.preparation import prepare
from dcgan.data.sources import Images

RESIDENT, MAPPED = "resident", "memory-mapped"
LARGE = 2**30  # bytes; of a smaller file a turn would read everything


def compare_data_access(
    config: TrainConfig, rounds: int, seconds_per_turn: float
) -> dict[str, Any]:
    """µs an image of each way, by round and interleaved; batches go to the CPU.

    Of a large file also in turns that begin with none of it in memory: about what every image costs
    where there are far more than memory holds.

    Returns:
        For each way its quartiles, and how many times as long it takes as resident images.
    """
    prepared, batch_size = prepare(config.data), config.trainer.batch_size
    images = prepared.open()
    resident = _draws(images.copy(), batch_size)
    through_pil = plain_batches(images, batch_size, num_workers=0)
    ways: dict[str, Steps] = {
        RESIDENT: resident,
        MAPPED: _draws(images, batch_size),
        "PIL and DataLoader": repeat(partial(next, through_pil)),
    }
    seconds = interleave(ways, rounds, seconds_per_turn)
    found = _against_resident(seconds, batch_size)
    if images.nbytes < LARGE or not hasattr(os, "posix_fadvise"):  # macOS has it not
        return found

    ways = {RESIDENT: resident, f"{MAPPED}, from disk": ways[MAPPED]}
    forget = partial(_forget, prepared.path, images)
    seconds = interleave(ways, rounds, seconds_per_turn, forget)
    return {**_against_resident(seconds, batch_size), **found}


def _draws(images: Images, batch_size: int) -> Steps:
    tensor = torch.from_numpy(images)
    batches = Batches(tensor, batch_size, seed=0, flip=False, device=torch.device("cpu"))
    return repeat(batches.draw)


def _against_resident(seconds: Mapping[str, list[float]], batch_size: int) -> dict[str, Any]:
    return {
        name: {
            "us_per_image": asdict(quartiles([1e6 * t / batch_size for t in times])),
            "times_resident": asdict(paired_ratio(times, seconds[RESIDENT])),
        }
        for name, times in seconds.items()
    }


def _forget(path: Path, images: Images) -> None:
    """Drop a file's pages from memory; `images`, its mapping, would hold those that it has used."""
    cast(mmap.mmap, images.base).madvise(mmap.MADV_DONTNEED)
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
