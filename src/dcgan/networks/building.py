"""Build networks from a run's settings, and check that tensors belong to such a network."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.config import DiscriminatorConfig, DownsampleConfig, GeneratorConfig, UpsampleConfig
from dcgan.errors import UserError
from dcgan.networks.discriminator import Discriminator
from dcgan.networks.generator import Generator


def build_generator(config: Mapping[str, Any]) -> Generator:
    """Build the generator that a run's config describes."""
    return Generator(
        GeneratorConfig(**config["generator"]),
        UpsampleConfig(**config["upsample"]),
        image_size=config["data"]["image_size"],
        channels=config["data"]["channels"],
        seed=config.get("seed", 0),
    )


def build_discriminator(config: Mapping[str, Any]) -> Discriminator:
    """Build the discriminator that a run's config describes."""
    return Discriminator(
        DiscriminatorConfig(**config["discriminator"]),
        DownsampleConfig(**config["downsample"]),
        image_size=config["data"]["image_size"],
        channels=config["data"]["channels"],
        seed=config.get("seed", 0),
    )


def network_for(config: Mapping[str, Any], part: str, state: Mapping[str, Tensor]) -> nn.Module:
    """Build the network that `state` belongs to, without loading it.

    The caller's random state is left alone.

    Args:
        config: a run's config.
        part: generator or discriminator.
        state: a state dict of that network.

    Raises:
        UserError: the config describes a far larger network, which is not allocated; or names,
            shapes or types differ (names the first tensor that does).
    """
    notch, image_size = config[part].get("notch", 0), config["data"]["image_size"]
    if notch >= image_size:
        raise UserError(f"{part}: notch={notch} must be below image_size={image_size}")
    if count_weights(config, part) > 10 * sum(tensor.numel() for tensor in state.values()):
        raise UserError(f"{part}: far smaller than the network that the settings describe")
    with torch.random.fork_rng(devices=[]):
        network = _build(config, part)
    check_fit(network, state, f"{part}.")
    return network


def count_weights(config: Mapping[str, Any], part: str) -> float:
    """How many numbers the weights of a run's generator or discriminator have; allocates none."""
    group, ordinary = ("upsample", 0) if part == "generator" else ("downsample", False)
    # Balanced layers are as large as ordinary ones, but cannot be built on the meta device.
    config = {**config, group: {**config[group], "balanced": ordinary}}
    try:
        with torch.device("meta"):  # shapes only, no memory
            return sum(weight.numel() for weight in _build(config, part).parameters())
    except RuntimeError as error:
        if "overflow" not in str(error):
            raise
        return math.inf  # overflows 64 bits


def check_fit(network: nn.Module, state: Mapping[str, Tensor], where: str = "") -> None:
    """Refuse a state dict whose names, shapes or types differ from those of `network`.

    Args:
        where: prefix for names in messages, such as "ema.".

    Raises:
        UserError: names the first tensor that differs.
    """
    expected = network.state_dict()
    for name in sorted(expected.keys() ^ state.keys()):
        what = "missing" if name in expected else "not a tensor of this network"
        raise UserError(f"{where}{name}: {what}")
    for name, tensor in expected.items():
        given, must = described(state[name]), described(tensor)
        if given != must:
            raise UserError(f"{where}{name}: is {given}, must be {must}")


def described(tensor: Tensor) -> str:
    """Type and shape, such as float32 (8, 4, 4, 4)."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _build(config: Mapping[str, Any], part: str) -> nn.Module:
    return build_generator(config) if part == "generator" else build_discriminator(config)
