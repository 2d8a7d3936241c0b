"""The project's trainer beside the plain step, on the same networks, images and machine."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dcgan.benchmarking.ours import PRECISIONS, in_precision, start, steps_of
from dcgan.benchmarking.plain import PlainTrainer, plain_batches
from dcgan.benchmarking.timing import Steps, interleave, paired_ratio, quartiles, repeat, timed
from dcgan.config import LossConfig, RegularizerConfig, TrainConfig
from dcgan.data.preparation import prepare
from dcgan.networks import Discriminator, Generator
from dcgan.training.devices import make_fabric
from dcgan.training.step import train_step

PLAIN, NULL, OURS = "plain step", "plain step, again", "ours, step and data"
NUM_WORKERS = (0, 2)
PLAIN_ADAM: dict[str, Any] = {
    "generator_lr": 2e-4,
    "discriminator_lr": 2e-4,
    "lr_decay_from": 0,
    "beta1": 0.5,
    "beta2": 0.999,
}


@dataclass(frozen=True)
class Row:
    """One arm; times are of one step, ratios say how many times as fast as a plain arm it is."""

    image_size: int
    filters: int
    name: str
    precision: str
    ms: dict[str, float]  # lower quartile, median, upper quartile
    images_per_second: float
    ratio_to_step: dict[str, float]  # to the plain step alone, paired by round
    ratio_to_loader: dict[str, float]  # to the plain step with the faster of its two loaders
    gflops: float  # per second
    share_of_peak: float  # of what a large convolution reaches in this precision
    tracking_share: float = 0.0  # of its time that logs, sample grids and checkpoints take


def resized(
    config: TrainConfig, image_size: int | None = None, filters: int | None = None
) -> TrainConfig:
    """The same run with other images, or other networks; None: as they are.

    Raises:
        UserError: sizes that do not fit together.
    """
    if image_size is not None:
        config = replace(config, data=replace(config.data, image_size=image_size))
    if filters is None:
        return config
    return replace(
        config,
        generator=replace(config.generator, filters=filters),
        discriminator=replace(config.discriminator, filters=filters),
    )


def compare(config: TrainConfig, rounds: int, seconds_per_turn: float) -> list[Row]:
    """Time the plain step and ours, in both precisions, interleaved.

    Raises:
        UserError: settings that do not fit together.
    """
    images, batch_size = prepare(config.data).open(), config.trainer.batch_size
    plain = plain_trainer(config)
    batch = next(plain_batches(images, batch_size, num_workers=0))
    arms: dict[tuple[str, str], Steps] = {
        (name, PRECISIONS[0]): repeat(lambda: plain.step(batch)) for name in (PLAIN, NULL)
    }
    loaders = []
    for num_workers in NUM_WORKERS:
        loaders.append((f"plain, DataLoader, {num_workers} workers", PRECISIONS[0]))
        arms[loaders[-1]] = repeat(with_loader(plain, images, batch_size, num_workers))
    for precision in PRECISIONS:
        arms[OURS, precision] = steps_of(in_precision(config, precision))

    seconds = interleave(arms, rounds, seconds_per_turn)
    # Without a penalty: the counter cannot look into a second derivative.
    state, fabric = start(replace(config, regularizer=RegularizerConfig(kind="none")))
    flops = {OURS: flops_of(partial(train_step, state, fabric))}
    flops_of_plain = flops_of(partial(plain.step, batch))
    peaks = {precision: peak_gflops(precision, fabric.device) for precision in PRECISIONS}
    loader = min((seconds[key] for key in loaders), key=lambda times: quartiles(times).median)
    rows = []
    for (name, precision), values in seconds.items():
        step = quartiles(values)
        gflops = flops.get(name, flops_of_plain) / step.median / 1e9
        rows.append(
            Row(
                config.data.image_size,
                config.generator.filters,
                name,
                precision,
                {key: 1000 * value for key, value in asdict(step).items()},
                batch_size / step.median,
                asdict(paired_ratio(seconds[PLAIN, PRECISIONS[0]], values)),
                asdict(paired_ratio(loader, values)),
                gflops,
                gflops / peaks[precision],
            )
        )
    return rows


def equivalence(config: TrainConfig, steps: tuple[int, ...] = (1, 3)) -> dict[str, Any]:
    """How far our losses are, relatively, from those of a plain run in float64, by step."""
    config = replace(
        config,
        trainer=replace(config.trainer, **PLAIN_ADAM),
        loss=LossConfig(kind="nonsaturating"),
        regularizer=RegularizerConfig(kind="none"),
    )
    found: dict[str, Any] = {}
    for precision in PRECISIONS:
        state, fabric = start(in_precision(config, precision))
        twin, _ = start(in_precision(config, precision))
        networks: tuple[Any, Any] = (twin.generator, twin.discriminator)
        generator, discriminator = (deepcopy(each.module).double() for each in networks)
        plain = PlainTrainer(generator, discriminator, twin.latent_size, dtype=torch.float64)
        for step in range(1, max(steps) + 1):
            real = twin.batches.draw()
            expected = plain.step(real, twin.draw_latents().to(real.device, torch.float64))
            result = train_step(state, fabric)
            if step in steps:
                losses = result.discriminator_loss.item(), result.generator_loss.item()
                differences = [abs(a / b - 1) for a, b in zip(losses, expected, strict=True)]
                found.setdefault(precision, {})[f"step {step}"] = max(differences)
    return found


@torch.no_grad()
def peak_gflops(precision: str, device: torch.device, rounds: int = 5) -> float:
    """What a large convolution reaches there: GFLOP/s, the best of some rounds."""
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    layer = nn.Conv2d(256, 256, 3, padding=1, bias=False).to(device, dtype)
    layer = layer.to(memory_format=torch.channels_last)
    x = torch.randn(16, 256, 32, 32, device=device, dtype=dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    layer(x)
    calls = 100 if device.type == "cuda" else 1  # of 19 GFLOP: a GPU must not wait for the next
    seconds = min(timed(lambda: repeat(partial(layer, x))(calls)) for _ in range(rounds))
    return 2 * x.numel() * 256 * 9 * calls / seconds / 1e9


def plain_trainer(config: TrainConfig) -> PlainTrainer:
    """The plain trainer of a run's networks, untrained."""
    shape = {"image_size": config.data.image_size, "channels": config.data.channels}
    generator = Generator(config.generator, config.upsample, **shape)
    discriminator = Discriminator(config.discriminator, config.downsample, **shape)
    device = make_fabric(config.trainer).device
    return PlainTrainer(generator.to(device), discriminator.to(device), generator.latent_size)


def with_loader(
    plain: PlainTrainer, images: Any, batch_size: int, num_workers: int
) -> Callable[[], object]:
    """The plain step with the next batch of a DataLoader."""
    batches = plain_batches(images, batch_size, num_workers)
    return lambda: plain.step(next(batches))


def flops_of(step: Callable[[], object]) -> int:
    """Floating-point operations of a step: of its convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())
