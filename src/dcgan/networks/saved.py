"""Generators as files: in a checkpoint (.pt), or alone (.safetensors)."""

import copy
import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from dcgan.checkerboard.cure import bake
from dcgan.config import GeneratorConfig, UpsampleConfig, build
from dcgan.config.settings import RULES, Count
from dcgan.errors import UserError
from dcgan.files import replacing
from dcgan.networks.building import build_generator, described, network_for
from dcgan.networks.checkpoint import find_checkpoint, read_checkpoint
from dcgan.networks.generator import Generator
from dcgan.networks.weights import Finite
from dcgan.reading import naming


@dataclass(kw_only=True, config=RULES)
class ImageShape:
    """Of the images that a generator makes."""

    image_size: Count  # height and width, pixels
    channels: Literal[1, 3]


@dataclass(kw_only=True, config=RULES)
class Recipe:
    """What builds an exported generator again; JSON in its file."""

    generator: GeneratorConfig
    upsample: UpsampleConfig
    data: ImageShape
    digest: str | None = None  # of the rest and of the tensors; earlier versions wrote none


def load_generator(path: str | Path, weights: str = "ema") -> Generator:
    """Load a generator, ready to sample: eval mode, plain weights.

    Args:
        path: a run's folder, a checkpoint, or an exported .safetensors.
        weights: ema (falls back to raw if the run kept no average) or raw; an exported file holds
            one of the two already.

    Raises:
        UserError: the file is missing, damaged or not one of ours.
    """
    path = find_checkpoint(path)
    if path.suffix == ".safetensors":
        return _read_export(path)
    return generator_of(read_checkpoint(path), weights)


def generator_of(checkpoint: dict[str, Any], weights: str = "ema") -> Generator:
    """The generator of a checkpoint that is read already; see `load_generator`."""
    state = checkpoint["generator"]
    if weights == "ema" and (average := checkpoint["ema"]) is not None:
        # AveragedModel keeps n_averaged beside the module.
        state = {name: average[f"module.{name}"] for name in state}
    return _ready_generator(build_generator(checkpoint["config"]), state)


def _ready_generator(generator: Generator, state: dict[str, Tensor]) -> Generator:
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
    recipe["digest"] = _digest(recipe, state)
    content = save(state, metadata={"dcgan": json.dumps(recipe)})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


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


def _read_export(path: Path) -> Generator:
    """The one reader of exported generators: the tensors that were exported, and finite."""
    with naming(path, "a generator exported by dcgan-sample"):
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.keys() != {"dcgan"}:
            raise UserError("does not say how to build it")
        recipe = json.loads(metadata["dcgan"])
        config = asdict(build(Recipe, recipe))
        if config["digest"] not in (None, _digest(recipe, state)):
            raise UserError("damaged since it was written (its digest differs)")
        TypeAdapter(dict[str, Finite]).validate_python(state)
        return _ready_generator(cast(Generator, network_for(config, "generator", state)), state)


def _digest(recipe: dict[str, Any], state: dict[str, Tensor]) -> str:
    """SHA-256 of the recipe without a digest, and of every tensor's name, type, shape and bytes."""
    settings = {name: value for name, value in recipe.items() if name != "digest"}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {described(tensor)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
