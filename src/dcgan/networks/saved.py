"""Load a generator from a checkpoint (.pt) or an export (.safetensors), and export one."""

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
from dcgan.config.identity import with_todays_names
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
    """The shape of the images that a generator produces."""

    image_size: Count  # height and width, pixels
    channels: Literal[1, 3]


@dataclass(kw_only=True, config=RULES)
class Recipe:
    """What is needed to rebuild an exported generator; stored as JSON in its file."""

    generator: GeneratorConfig
    upsample: UpsampleConfig
    data: ImageShape
    digest: str | None = None  # of the other fields and the tensors; older files have none


def load_generator(path: str | Path, weights: str = "ema") -> Generator:
    """Load a generator that is ready to sample: in eval mode, with balanced kernels baked in.

    Args:
        path: a run's folder, a checkpoint, or an exported .safetensors.
        weights: "ema" (or "raw" if the run has no EMA) or "raw"; no effect on an exported file,
            which holds one of the two.

    Raises:
        UserError: the file is missing, damaged, or neither a checkpoint nor an export.
    """
    return load_with_origin(path, weights)[0]


def load_with_origin(path: str | Path, weights: str) -> tuple[Generator, str]:
    """`load_generator`, and which weights it has: "ema", "raw" or "exported"."""
    path = find_checkpoint(path)
    if path.suffix == ".safetensors":
        return _read_export(path), "exported"
    checkpoint = read_checkpoint(path)
    return generator_of(checkpoint, weights), available(checkpoint, weights)


def available(checkpoint: dict[str, Any], weights: str) -> str:
    """The weights that `generator_of` takes: "raw" instead of "ema" if the run has no EMA.

    Raises:
        UserError: `weights` is neither.
    """
    if weights not in ("ema", "raw"):
        raise UserError(f"weights={weights}: must be one of ema, raw")
    return "raw" if checkpoint["ema"] is None else weights


def generator_of(checkpoint: dict[str, Any], weights: str = "ema") -> Generator:
    """The generator in a checkpoint from `read_checkpoint`; see `load_generator`."""
    state = checkpoint["generator"]
    if available(checkpoint, weights) == "ema":
        # Besides the module, AveragedModel's state has n_averaged.
        state = {name: checkpoint["ema"][f"module.{name}"] for name in state}
    return _with_weights(build_generator(checkpoint["config"]), state)


def _with_weights(generator: Generator, state: dict[str, Tensor]) -> Generator:
    generator.load_state_dict(state)
    bake(generator)
    return generator.eval()


def export_generator(path: Path, generator: Generator) -> None:
    """Write a generator and what is needed to rebuild it as .safetensors.

    Balanced kernels are baked into ordinary weights, which any program can load.
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
    """A copy of a baked generator that ends in a `Notch`."""
    recipe = _recipe_of(generator)
    recipe["generator"]["notch"] = order
    copied = build_generator(recipe)
    copied.load_state_dict(generator.state_dict())
    return copied.eval()


def _recipe_of(generator: Generator) -> dict[str, Any]:
    """The settings that rebuild a generator, without balancing."""
    return {
        "generator": asdict(generator.size),
        "upsample": asdict(replace(generator.upsample, balanced=0)),
        "data": {"image_size": generator.image_size, "channels": generator.channels},
    }


def _read_export(path: Path) -> Generator:
    """The one reader of exported generators; it checks that they are unchanged and finite."""
    with naming(path, "a generator exported by dcgan-sample or dcgan-cure"):
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.keys() != {"dcgan"}:
            raise UserError("has no settings to rebuild it from")
        recipe = json.loads(metadata["dcgan"])
        config = asdict(build(Recipe, with_todays_names(recipe)))
        if config["digest"] not in (None, _digest(recipe, state)):
            raise UserError("damaged since it was written (its digest differs)")
        TypeAdapter(dict[str, Finite]).validate_python(state)
        return _with_weights(cast(Generator, network_for(config, "generator", state)), state)


def _digest(recipe: dict[str, Any], state: dict[str, Tensor]) -> str:
    """SHA-256 of the recipe (without digest) and of each tensor's name, type, shape and bytes."""
    settings = {name: value for name, value in recipe.items() if name != "digest"}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {described(tensor)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
