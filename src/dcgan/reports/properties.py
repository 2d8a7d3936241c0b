"""What an arm costs, and how evenly it covers: by theory, by a constant kernel, as measured."""

import statistics
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dcgan.checkerboard.images import contrast
from dcgan.checkerboard.layers import convolution_of, measure_stamp, tap_contrast
from dcgan.convolution.coverage import coverage_ratio
from dcgan.networks import Generator
from dcgan.networks.saved import build_generator
from dcgan.reports.runs import Arm
from dcgan.training.scores import upsampling_blocks

POOLED = {
    "untrained_phase_energy2": "untrained PEC₂",
    "trained_phase_energy2": "trained PEC₂",
    "untrained_discriminator_phase_energy2": "untrained PEC₂ of ∂D/∂x",
    "trained_discriminator_phase_energy2": "trained PEC₂ of ∂D/∂x",
}


def properties(arm: Arm, start: int, end: int) -> dict[str, Any]:
    """Size, cost and coverage of an arm, as plain values."""
    generator = build_generator(dict(arm.runs[0].config)).eval()
    speed = statistics.median(run.images_per_second for run in arm.runs)
    costs = {**_costs(generator), "images_per_second": speed}
    return {**costs, **_coverages(arm, generator, start, end)}


def _costs(generator: Generator) -> dict[str, int]:
    """Parameters of the generator, and floating-point operations for one image."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        generator(torch.zeros(1, generator.latent_size))
    num_parameters = sum(weight.numel() for weight in generator.parameters())
    return {"parameters": num_parameters, "flops": counter.get_total_flops()}


def _coverages(arm: Arm, generator: Generator, start: int, end: int) -> dict[str, Any]:
    """Coverage of the last block, and of D's gradient, as theory has it, beside what is measured.

    A strided convolution's gradient is a transposed convolution, so it has the same coverage.
    Measured is phase-energy contrast, from energies pooled over seeds.
    """
    predicted = constant_kernel = 1.0  # of stride 1, where a generator has no upsampling block
    if blocks := list(upsampling_blocks(generator).values()):
        convolution = convolution_of(blocks[-1])
        if isinstance(convolution, nn.ConvTranspose2d):
            predicted = coverage_ratio(convolution.kernel_size, convolution.stride)
        nn.init.ones_(convolution.weight)
        constant_kernel = tap_contrast(measure_stamp(blocks[-1]))
    down = arm.runs[0].config["downsample"]
    kernel_size = (down["kernel_size"],) * 2
    gradient = coverage_ratio(kernel_size, (2, 2)) if down["kind"] == "strided" else 1.0
    pooled = {}
    for name in ("phase_energy2", "discriminator_phase_energy2"):
        for when, moment in (("untrained", start), ("trained", end)):
            if name in arm.runs[0].arrays(moment):
                energy = torch.from_numpy(arm.pooled(name, moment))
                pooled[f"{when}_{name}"] = contrast(energy)
    return {
        "predicted": predicted,
        "predicted_gradient": gradient,
        "constant_kernel": constant_kernel,
        "pooled": pooled,
    }
