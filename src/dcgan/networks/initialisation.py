"""DCGAN's initialisation, drawn from one random stream per layer."""

import torch
from torch import nn

from dcgan.networks.upsampling import initialise_block
from dcgan.seeding import stream

STD = 0.02  # Radford, Metz & Chintala, 2016: all weights from N(0, 0.02)


@torch.no_grad()
def initialise(network: nn.Module, seed: int, purpose: str, block_inits: dict[str, str]) -> None:
    """Draw every weight of `network`: N(0, 0.02), batch norm scales N(1, 0.02), shifts, biases 0.

    A layer's numbers depend on `seed`, `purpose` and the layer's name alone, so networks that
    differ in one layer agree in all others.

    Args:
        block_inits: name of an upsampling block → its `init` (see `initialise_block`).
    """
    for name, block in network.named_modules():
        if name in block_inits:
            initialise_block(block, block_inits[name], STD, stream(seed, purpose, name))
    for name, layer in network.named_modules():
        if name.rpartition(".")[0] in block_inits:
            continue
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.normal_(0, STD, generator=stream(seed, purpose, name))
            if layer.bias is not None:
                layer.bias.zero_()
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.normal_(1, STD, generator=stream(seed, purpose, name))
            layer.bias.zero_()
