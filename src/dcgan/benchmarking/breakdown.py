"""What a training step spends its time on."""

import os

import torch
from torch.profiler import ProfilerActivity, profile

from dcgan.benchmarking.ours import start
from dcgan.config import TrainConfig
from dcgan.training.step import train_step

# The first part whose word is in an operation's name has its time.
PARTS = {
    "convolutions backward": ("convolution_backward",),
    "convolutions forward": ("convolution",),
    "first and last layer": ("aten::mm", "aten::addmm"),
    "batch norm": ("batch_norm",),
    "activations": ("relu", "threshold", "clamp_min", "tanh"),
    "optimisers, average": ("Optimizer", "adam", "lerp"),
}
REST = "rest"


def breakdown(config: TrainConfig, steps: int = 10) -> dict[str, float]:
    """The share of each part in the time of all operations of a step; the shares add up to 1."""
    state, fabric = start(config)
    for _ in range(3):
        train_step(state, fabric)
    on_gpu = fabric.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else it reports a GPU that is not there
    with profile(activities=activities) as profiler:
        for _ in range(steps):
            train_step(state, fabric)
        if on_gpu:
            torch.cuda.synchronize()
    times = dict.fromkeys([*PARTS, REST], 0.0)
    for event in profiler.key_averages():
        if event.device_type.name != "CPU":
            continue  # a kernel: its time is also that of the operation that started it
        time = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        times[part_of(event.key)] += time
    total = sum(times.values())
    return {part: time / total for part, time in times.items()}


def part_of(operation: str) -> str:
    """Which part of a step an operation belongs to."""
    return next((p for p, words in PARTS.items() if any(w in operation for w in words)), REST)
