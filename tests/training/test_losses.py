"""The losses against their formulas, and against their gradients."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dcgan.config import LossConfig
from dcgan.training.losses import LOSSES

LOGITS = torch.tensor([-1.3, -0.4, 0.0, 0.7, 2.0], dtype=torch.float64)
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
    with pytest.raises(ValueError, match="nonsaturating"):
        LossConfig(kind="saturating")


@pytest.mark.parametrize("kind", FORMULAS)
def test_values_and_gradients_are_the_formulas(kind: str) -> None:
    loss = LOSSES[kind]
    for function, (value, derivative) in zip(
        (loss.on_real, loss.on_fake, loss.of_generator), FORMULAS[kind], strict=True
    ):
        logits = LOGITS.clone().requires_grad_()
        result = function(logits)
        torch.testing.assert_close(result, value(LOGITS).mean())
        (gradient,) = torch.autograd.grad(result, logits)
        torch.testing.assert_close(gradient, derivative(LOGITS) / len(LOGITS))
        assert torch.isfinite(function(FAR))  # where a sigmoid would saturate


def test_an_undecided_discriminator_costs_the_logarithm_of_two() -> None:
    assert LOSSES["nonsaturating"].on_real(torch.zeros(3)).item() == pytest.approx(math.log(2))


def test_the_generators_gradient_does_not_vanish_where_d_is_sure_of_the_fake() -> None:
    for kind, loss in LOSSES.items():
        logits = torch.tensor([-20.0], dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(loss.of_generator(logits), logits)
        assert gradient.item() < -0.99, kind


def test_the_threshold_lies_halfway_between_what_real_and_fake_are_drawn_to() -> None:
    for kind, real, fake in (("nonsaturating", 5, -5), ("hinge", 1, -1), ("least_squares", 1, 0)):
        assert LOSSES[kind].threshold == (real + fake) / 2
    assert LOSSES["wasserstein"].threshold is None
