"""Run by torchrun: take a few steps in every process, then compare the processes."""

import json
import sys

import torch

from dcgan.commands.composing import compose, to_dataclass
from dcgan.config import TrainConfig
from dcgan.data.preparation import prepare
from dcgan.training.checkpoint import build_state
from dcgan.training.devices import connected, is_true_anywhere
from dcgan.training.step import State, train_step
from tests.conftest import TINY

STEPS = 6


def main(cache_dir: str, regularizer: str) -> None:
    """Build a tiny run and compare its two ranks."""
    overrides = [*TINY, "trainer.devices=2", f"regularizer={regularizer}"]
    settings = compose("train", [*overrides, f"data.cache_dir={cache_dir}"])
    config = to_dataclass(settings, TrainConfig)
    with connected(config.trainer) as fabric:
        compare(build_state(config, prepare(config.data), fabric))


def compare(state: State) -> None:
    """Train; rank 0 prints the differences between the ranks as one line of JSON."""
    fabric = state.fabric
    for _ in range(STEPS):
        result = train_step(state)
    networks = (state.generator, state.discriminator)
    parameters = torch.cat([p.detach().flatten() for n in networks for p in n.parameters()])
    fakes = result.fake.flatten()
    gathered = [fabric.all_gather(x) for x in (parameters, fakes)]
    apart = [(x[0] - x[1]).abs().max().item() for x in gathered]
    one_stops = is_true_anywhere(fabric.global_rank == 1, fabric)
    if fabric.is_global_zero:
        found = {
            "largest difference of parameters": apart[0],
            "difference of fakes": apart[1],
            "one stops": one_stops,
            "steps": state.step,
        }
        print(json.dumps(found))


main(*sys.argv[1:])
