"""The cure for any network: upsampling layers whose kernels cannot make a checkerboard.

    from dcgan.checkerboard import bake, balance
    for layer in balance(network):
        print(layer)
    ...  # train, or fine-tune
    bake(network)  # plain weights, as any program reads them

It is torch's own parametrization: the optimizer, checkpoints and copies work as before.
"""

from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from dcgan.checkerboard.layers import TRANSPOSED
from dcgan.checkerboard.parametrization import (
    Balanced,
    BalancedSubpixel,
    EqualBiases,
    keep_balanced,
    make_plain,
)
from dcgan.checkerboard.traversal import SHUFFLE, Upsampling, find_upsampling
from dcgan.errors import first_line


@dataclass(frozen=True)
class BalancedLayer:
    """An upsampling layer, and whether it is balanced now."""

    name: str
    kind: str  # such as ConvTranspose2d
    problem: str | None = None  # why it was left as it is; None: it is balanced now

    def __str__(self) -> str:
        """One line."""
        return f"{self.name} ({self.kind}): {self.problem or 'balanced'}"


def balance(
    network: nn.Module, example: Any = None, *, order: int = 1, keep_norm: bool = False
) -> list[BalancedLayer]:
    """Keep the kernels of a network's upsampling layers balanced from now on, in place.

    Each ConvTranspose1d/2d/3d of stride above 1, and each convolution before a PixelShuffle, gets
    the nearest kernel (least squares) that turns a constant into a constant, which is to say whose
    polyphase gains are equal; with order 2 one that also turns a ramp into a ramp.

    Args:
        network: changed in place.
        example: an input, or a tuple of inputs, as for `diagnose`. With one, pixel shuffles that
            are called as functions are found too.
        order: 1 or 2.
        keep_norm: for a network that is not trained yet; see `keep_balanced`.

    Returns:
        Every upsampling layer, with what was done.
    """
    inputs = example if isinstance(example, tuple) or example is None else (example,)
    return [_balance_layer(found, order, keep_norm) for found in find_upsampling(network, inputs)]


def bake(network: nn.Module) -> list[str]:
    """Make the balanced weights of a network plain parameters again, with the values they have.

    Returns:
        The names of the layers that were changed.
    """
    changed = []
    for name, layer in list(network.named_modules()):
        if not parametrize.is_parametrized(layer):
            continue
        for tensor, steps in list(layer.parametrizations.items()):
            if any(isinstance(step, Balanced | EqualBiases) for step in steps):
                make_plain(layer, tensor)
                changed.append(name)
    return list(dict.fromkeys(changed))


def _balance_layer(found: Upsampling, order: int, keep_norm: bool) -> BalancedLayer:
    convolution, problem = found.convolution, found.obstacle
    if problem is None and not isinstance(convolution, TRANSPOSED):
        if found.mode != SHUFFLE:
            problem = "needs no cure: interpolation keeps a constant"
        elif found.norm is not None:
            problem = f"{type(found.norm).__name__} before the shuffle scales its phases"
    if problem is None and _is_balanced(convolution):
        problem = "is balanced already"
    try:
        if problem is None:
            keep_balanced(convolution, *_parametrizations(found, order), keep_norm=keep_norm)
    except ValueError as error:
        problem = first_line(error)
    return BalancedLayer(found.name, found.kind, problem)


def _parametrizations(found: Upsampling, order: int) -> tuple[Balanced, EqualBiases | None]:
    """Of the weight and of the bias."""
    layer: Any = found.convolution
    if found.mode != SHUFFLE:
        return Balanced(layer.kernel_size, layer.stride, layer.dilation, order), None
    assert found.scale is not None
    scale = int(found.scale[0])
    return BalancedSubpixel(layer.kernel_size, scale, order), EqualBiases(scale)


def _is_balanced(layer: Any) -> bool:
    steps = layer.parametrizations.weight if parametrize.is_parametrized(layer, "weight") else []
    return any(isinstance(step, Balanced) for step in steps)
