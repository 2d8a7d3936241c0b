"""What a batch of real images costs: resident, memory-mapped, or through PIL and a DataLoader."""

from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dcgan.benchmarking.plain import plain_batches
from dcgan.benchmarking.timing import Steps, interleave, paired_ratio, quartiles, repeat
from dcgan.config import TrainConfig
from dcgan.data.batches import Batches
from dcgan.data.preparation import prepare


def compare_data_access(
    config: TrainConfig, rounds: int, seconds_per_turn: float
) -> dict[str, Any]:
    """µs an image of each way, by round and interleaved; batches go to the CPU.

    Returns:
        For each way its quartiles, and how many times as long it takes as resident images.
    """
    images, batch_size = prepare(config.data).open(), config.trainer.batch_size
    mapped = torch.from_numpy(images)
    through_pil = plain_batches(images, batch_size, num_workers=0)
    ways: dict[str, Steps] = {
        "resident": _draws(mapped.clone(), batch_size),
        "memory-mapped": _draws(mapped, batch_size),
        "PIL and DataLoader": repeat(partial(next, through_pil)),
    }
    seconds = interleave(ways, rounds, seconds_per_turn)
    return {
        name: {
            "us_per_image": asdict(quartiles([1e6 * t / batch_size for t in times])),
            "times_resident": asdict(paired_ratio(times, seconds["resident"])),
        }
        for name, times in seconds.items()
    }


def _draws(images: Tensor, batch_size: int) -> Steps:
    batches = Batches(images, batch_size, seed=0, flip=False, device=torch.device("cpu"))
    return repeat(batches.draw)
