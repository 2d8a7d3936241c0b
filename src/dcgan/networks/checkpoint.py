"""The one reader of checkpoints; it refuses any that are damaged, incomplete or inconsistent."""

import math
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, Field, InstanceOf, Strict, StrictStr, TypeAdapter
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from dcgan.config.identity import LAST, with_defaults
from dcgan.config.settings import Natural
from dcgan.errors import UserError
from dcgan.files import expand
from dcgan.networks.building import check_fit, network_for
from dcgan.networks.weights import Finite, load_tensors
from dcgan.reading import naming

FORMAT_VERSION = 1  # increase when older files can no longer be read


def _random_state(state: Tensor) -> Tensor:
    try:
        torch.Generator().set_state(state)
    except (RuntimeError, TypeError) as error:
        raise ValueError("is not the state of a random generator") from error
    return state


Weights = dict[str, Finite]  # by name
RandomState = Annotated[InstanceOf[Tensor], AfterValidator(_random_state)]


@dataclass
class Moments:
    """Adam's state for one parameter."""

    step: Finite
    exp_avg: Finite
    exp_avg_sq: Finite


@dataclass
class OptimizerState:
    """Adam's state; its settings come from the run's config."""

    state: dict[int, Moments]  # by the parameter's index


@dataclass
class RandomStates:
    """The random states of torch and of the run's own streams."""

    torch: RandomState
    latents: RandomState
    mixing: RandomState


@dataclass
class Checkpoint:
    """The content of a checkpoint."""

    config: dict[str, Any]
    step: Natural
    best_fid: Annotated[float, Strict(), Field(gt=-math.inf)]
    generator: Weights
    discriminator: Weights
    ema: Weights | None
    generator_optimizer: OptimizerState
    discriminator_optimizer: OptimizerState
    num_batches_drawn: Natural
    data_digest: StrictStr
    random: RandomStates


def find_checkpoint(path: str | Path) -> Path:
    """The checkpoint at `path`: a run's folder means its last one, a file means itself."""
    path = expand(path)
    return path / LAST if path.is_dir() else path


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint, with tensors on the CPU; see `Checkpoint`.

    Settings that are newer than the checkpoint get their defaults.

    Raises:
        UserError: the file is missing, damaged, not a dcgan checkpoint, or of another format
            version; or part of its content is missing, not finite or inconsistent with the rest.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; a run's checkpoint is RUN/{LAST}")
    content = load_tensors(path)
    version = content.get("format_version") if isinstance(content, dict) else None
    tensors = content.values() if isinstance(content, dict) else ()
    if version is None and tensors and all(isinstance(value, Tensor) for value in tensors):
        raise UserError(
            f"{path}: a state dict, not a run's checkpoint: it does not say which network its"
            " tensors belong to"
        )
    if not isinstance(version, int) or version != FORMAT_VERSION:
        shown = version if isinstance(version, int | None) else type(version).__name__
        raise UserError(f"{path}: checkpoint format {shown}; this version reads {FORMAT_VERSION}")
    with naming(path, "a run's checkpoint"):
        TypeAdapter(Checkpoint).validate_python(content)
        content["config"] = with_defaults(content["config"])
        for part in ("generator", "discriminator"):
            network = network_for(content["config"], part, content[part])
            moments = content[f"{part}_optimizer"]["state"]
            _check_moments(f"{part}_optimizer", network, moments, content["step"])
            if part == "generator":
                _check_ema(network, content)
    return dict(content)


def _check_ema(generator: nn.Module, content: dict[str, Any]) -> None:
    """Refuse an EMA of another network, a missing one, or one in a run without EMA."""
    ema, is_kept = content["ema"], content["config"]["trainer"]["ema_half_life_images"] > 0
    if is_kept != (ema is not None):
        raise UserError(f"ema: {'missing' if is_kept else 'this run has none'}")
    if ema is not None:
        check_fit(torch.optim.swa_utils.AveragedModel(generator), ema, "ema.")


def _check_moments(
    name: str, network: nn.Module, moments: dict[int, dict[str, Tensor]], step: int
) -> None:
    """Refuse Adam's moments if they do not match the network's parameters; step 0 has none."""
    parameters = dict(enumerate(network.parameters())) if step or moments else {}
    if moments.keys() != parameters.keys():
        raise UserError(f"{name}: moments of {len(moments)} tensors, not {len(parameters)}")
    for place, parameter in parameters.items():
        kept = moments[place]
        shapes = [tuple(kept[moment].shape) for moment in ("step", "exp_avg", "exp_avg_sq")]
        if shapes != [(), tuple(parameter.shape), tuple(parameter.shape)]:
            raise UserError(f"{name}: moments {place} do not have their parameter's shape")
