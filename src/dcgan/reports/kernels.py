"""The kernels of a generator's upsampling layers, untrained and trained."""

from typing import Any

import torch
from torch import Tensor, nn

from dcgan.checkerboard.layers import convolution_of
from dcgan.networks.building import build_generator
from dcgan.networks.checkpoint import find_checkpoint, read_checkpoint
from dcgan.networks.saved import generator_of
from dcgan.training.scores import upsampling_blocks


def kernels_of(path: str) -> list[dict[str, Any]]:
    """The principal kernel of each upsampling block of a run, untrained (before) and trained.

    Before is the network that the run's config and seed build, after is its EMA.

    Returns:
        For each block: name, stride, before and after (lists of rows), and shares, the share of the
        kernels' energy that the principal one explains before and after.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    checkpoint = read_checkpoint(find_checkpoint(path))
    networks = build_generator(checkpoint["config"]), generator_of(checkpoint)
    blocks = [upsampling_blocks(network) for network in networks]
    kernels = []
    for name in blocks[0]:
        (before, share), (after, share_after) = (principal_kernel(each[name]) for each in blocks)
        kernels.append(
            {
                "name": name,
                "stride": 2,
                "before": before.tolist(),
                "after": after.tolist(),
                "shares": [share, share_after],
            }
        )
    return kernels


@torch.no_grad()
def principal_kernel(block: nn.Module) -> tuple[Tensor, float]:
    """The kernel that the channel pairs of an upsampling block share most, and its share.

    A pair's footprint is its response to a single pixel. The first principal component of all
    footprints (not centered) is a weighted sum of them, so it is balanced if they all are. Its norm
    is 1 and its sum positive; rows and columns that no tap reaches are cut off.

    Returns:
        (k, k), and the share of the footprints' energy that lies along it.
    """
    convolution = convolution_of(block)
    channels = convolution.in_channels
    side = 5 + convolution.kernel_size[0]  # the middle pixel's footprint stays off the borders
    impulses = torch.zeros(channels, channels, side, side)
    impulses[..., side // 2, side // 2] = torch.eye(channels)
    footprints = block(impulses).flatten(0, 1)
    reached = footprints.abs().sum(0)
    footprints = footprints[:, reached.sum(1) > 0][:, :, reached.sum(0) > 0].double()
    energies, kernels = torch.linalg.eigh(footprints.flatten(1).T @ footprints.flatten(1))
    kernel = kernels[:, -1].reshape(footprints.shape[1:])
    kernel = kernel if kernel.sum() > 0 else -kernel
    return kernel, (energies[-1] / energies.sum()).item()
