"""Generators as files: in a checkpoint (.pt), or alone (.safetensors)."""

import copy
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dcgan.checkerboard.cure import bake
from dcgan.config import DiscriminatorConfig, DownsampleConfig, GeneratorConfig, UpsampleConfig
from dcgan.config.identity import LAST
from dcgan.errors import UserError
from dcgan.files import replacing
from dcgan.networks.discriminator import Discriminator
from dcgan.networks.generator import Generator

FORMAT_VERSION = 1  # of checkpoints; raised when an older file can no longer be read


def build_generator(config: dict[str, Any]) -> Generator:
    """The generator that a run's config, as plain values, describes."""
    return Generator(
        GeneratorConfig(**config["generator"]),
        UpsampleConfig(**config["upsample"]),
        image_size=config["data"]["image_size"],
        channels=config["data"]["channels"],
    )


def build_discriminator(config: dict[str, Any]) -> Discriminator:
    """The discriminator that a run's config, as plain values, describes."""
    return Discriminator(
        DiscriminatorConfig(**config["discriminator"]),
        DownsampleConfig(**config["downsample"]),
        image_size=config["data"]["image_size"],
        channels=config["data"]["channels"],
    )


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint: plain tensors and plain values, on the CPU.

    Raises:
        UserError: the file is missing, is no checkpoint of ours, or has another format version.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; a run's checkpoint is RUN/checkpoints/last.pt")
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises a different type for every kind of damage
        raise UserError(f"{path}: not a readable checkpoint ({type(error).__name__})") from error
    version = checkpoint.get("format_version") if isinstance(checkpoint, dict) else None
    if version != FORMAT_VERSION:
        raise UserError(f"{path}: checkpoint format {version}; this version reads {FORMAT_VERSION}")
    return checkpoint


def find_checkpoint(path: str | Path) -> Path:
    """A run's folder stands for its last checkpoint; a file stands for itself."""
    path = Path(path).expanduser()
    return path / LAST if path.is_dir() else path


def load_generator(path: str | Path, weights: str = "ema") -> Generator:
    """Load a generator, ready to sample: eval mode, plain weights.

    Args:
        path: a run's folder, a checkpoint, or an exported .safetensors.
        weights: ema (falls back to raw if the run kept no average) or raw; an exported file holds
            one of the two already.

    Raises:
        UserError: the file is missing or is not one of ours.
    """
    path = find_checkpoint(path)
    if path.suffix == ".safetensors":
        return _ready_generator(*_read_export(path))
    return generator_of(read_checkpoint(path), weights)


def generator_of(checkpoint: dict[str, Any], weights: str = "ema") -> Generator:
    """The generator of a checkpoint that is read already; see `load_generator`."""
    state = checkpoint["generator"]
    if weights == "ema" and (average := checkpoint["ema"]) is not None:
        # AveragedModel keeps n_averaged beside the module.
        state = {name: average[f"module.{name}"] for name in state}
    return _ready_generator(checkpoint["config"], state)


def _ready_generator(config: dict[str, Any], state: dict[str, Tensor]) -> Generator:
    generator = build_generator(config)
    generator.load_state_dict(state)
    bake(generator)
    return generator.eval()


def export_generator(path: Path, generator: Generator) -> None:
    """Write one generator and what is needed to build it again as .safetensors.

    Its kernels are plain ones, as a program that knows nothing of balanced kernels loads them.
    """
    generator = copy.deepcopy(generator)
    bake(generator)
    recipe = _recipe_of(generator)
    state = {k: v.contiguous() for k, v in generator.state_dict().items()}
    with replacing(path) as temporary:
        save_file(state, temporary, metadata={"dcgan": json.dumps(recipe)})


def with_notch(generator: Generator, order: int) -> Generator:
    """A copy of a generator with plain weights that ends in a `Notch`."""
    recipe = _recipe_of(generator)
    recipe["generator"]["notch"] = order
    copied = build_generator(recipe)
    copied.load_state_dict(generator.state_dict())
    return copied.eval()


def _recipe_of(generator: Generator) -> dict[str, Any]:
    """The settings that build a generator with plain weights."""
    return {
        "generator": asdict(generator.size),
        "upsample": asdict(replace(generator.upsample, balanced=0)),
        "data": {"image_size": generator.image_size, "channels": generator.channels},
    }


def _read_export(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with safe_open(path, "pt") as file:
            config = json.loads(file.metadata()["dcgan"])
            return config, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a generator exported by dcgan-sample") from error
