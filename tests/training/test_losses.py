"""The losses against their formulas, and against their gradients."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dcgan.config import LossConfig
from dcgan.errors import UserError
from dcgan.training.losses import LOSSES

OUTPUTS = torch.tensor([-1.3, -0.4, 0.0, 0.7, 2.0], dtype=torch.float64)
FAR = torch.tensor([-4000.0, 4000.0], dtype=torch.float64)


def d(logits: Tensor) -> Tensor:
    return torch.sigmoid(logits)


# Of each loss: D's on real, D's on fake, G's; and their derivatives, before averaging.
FORMULAS: dict[str, list[tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]]] = {
    "nonsaturating": [
        (lambda t: -torch.log(d(t)), lambda t: d(t) - 1),
        (lambda t: -torch.log(1 - d(t)), d),
        (lambda t: -torch.log(d(t)), lambda t: d(t) - 1),
    ],
    "hinge": [
        (lambda t: torch.where(t < 1, 1 - t, 0 * t), lambda t: -(t < 1).double()),
        (lambda t: torch.where(t > -1, 1 + t, 0 * t), lambda t: (t > -1).double()),
        (lambda t: -t, lambda t: -torch.ones_like(t)),
    ],
    "wasserstein": [
        (lambda t: -t, lambda t: -torch.ones_like(t)),
        (lambda t: t, torch.ones_like),
        (lambda t: -t, lambda t: -torch.ones_like(t)),
    ],
    "least_squares": [
        (lambda t: 0.5 * (t - 1) ** 2, lambda t: t - 1),
        (lambda t: 0.5 * t**2, lambda t: t),
        (lambda t: 0.5 * (t - 1) ** 2, lambda t: t - 1),
    ],
}


def test_every_loss_has_its_formula_and_its_setting() -> None:
    assert set(FORMULAS) == set(LOSSES)
    for kind in LOSSES:
        assert LossConfig(kind=kind).kind == kind
    with pytest.raises(UserError, match=r"loss.kind=saturating: must be one of nonsaturating"):
        LossConfig(kind="saturating")


@pytest.mark.parametrize("kind", FORMULAS)
def test_values_and_gradients_are_the_formulas(kind: str) -> None:
    loss, other = LOSSES[kind], torch.zeros(3, dtype=torch.float64)
    of_real, of_fake = (value for value, _ in FORMULAS[kind][:2])
    parts: list[Callable[[Tensor], Tensor]] = [
        lambda real: loss.discriminator(real, other) - of_fake(other).mean(),
        lambda fake: loss.discriminator(other, fake) - of_real(other).mean(),
        lambda fake: loss.generator(other, fake),
    ]
    for part, (value, derivative) in zip(parts, FORMULAS[kind], strict=True):
        outputs = OUTPUTS.clone().requires_grad_()
        result = part(outputs)
        torch.testing.assert_close(result, value(OUTPUTS).mean())
        (gradient,) = torch.autograd.grad(result, outputs)
        torch.testing.assert_close(gradient, derivative(OUTPUTS) / len(OUTPUTS))
        assert torch.isfinite(part(FAR))  # where a sigmoid would saturate


def test_an_undecided_discriminator_costs_the_logarithm_of_two() -> None:
    assert LOSSES["nonsaturating"].generator(
        torch.zeros(3), torch.zeros(3)
    ).item() == pytest.approx(math.log(2))


def test_the_generators_gradient_does_not_vanish_where_d_is_sure_of_the_fake() -> None:
    for kind, loss in LOSSES.items():
        outputs = torch.tensor([-20.0], dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(loss.generator(outputs, outputs), outputs)
        assert gradient.item() < -0.99, kind


def test_the_threshold_lies_halfway_between_what_real_and_fake_are_drawn_to() -> None:
    for kind, real, fake in (("nonsaturating", 5, -5), ("hinge", 1, -1), ("least_squares", 1, 0)):
        assert LOSSES[kind].threshold == (real + fake) / 2
    assert LOSSES["wasserstein"].threshold is None
