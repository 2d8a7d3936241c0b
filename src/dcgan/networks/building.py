"""Build networks from a run's settings, and check that tensors belong to such a network."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.config import DiscriminatorConfig, DownsampleConfig, GeneratorConfig, UpsampleConfig
from dcgan.config.settings import doublings
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
        UserError: names, shapes or types differ; names the first tensor or setting at fault.
    """
    _check_sizes(config, part, state)
    build = build_generator if part == "generator" else build_discriminator
    with torch.random.fork_rng(devices=[]):
        network = build(config)
    check_fit(network, state, f"{part}.")
    return network


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


def _check_sizes(config: Mapping[str, Any], part: str, state: Mapping[str, Tensor]) -> None:
    """Refuse settings that describe a larger network than `state`, before it is allocated."""
    settings, image_size = config[part], config["data"]["image_size"]
    flat = settings.get("kind") == "flat"
    sizes = {"filters": settings["filters"]}
    if not flat:  # the widest layer
        sizes["filters"] *= 2 ** (doublings(image_size)[1] - 1)
    sizes |= {name: settings[name] for name in ("latent_size", "kernel_size") if settings.get(name)}
    if part == "generator" and not flat:
        sizes["upsample.kernel_size"] = config["upsample"]["kernel_size"]
    found = {size for tensor in state.values() for size in tensor.shape}
    for name, size in sizes.items():
        if size not in found:
            raise UserError(f"{part}: no tensor has the size that {name} asks for ({size})")
    if (settings.get("num_layers") or 0) > len(state):
        raise UserError(f"{part}: has fewer tensors than num_layers={settings['num_layers']}")
    if (notch := settings.get("notch", 0)) >= image_size:
        raise UserError(f"{part}: notch={notch} must be below image_size={image_size}")


def described(tensor: Tensor) -> str:
    """Type and shape, such as float32 (8, 4, 4, 4)."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
