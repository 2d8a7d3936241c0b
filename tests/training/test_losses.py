"""The losses against their formulas, and against their gradients."""

import math

import pytest
import torch

from dcgan.training.losses import fake_loss, generator_loss, real_loss

LOGITS = torch.tensor([-40.0, -1.0, 0.0, 2.0, 40.0], dtype=torch.float64)


def test_they_are_the_logarithms_of_the_paper() -> None:
    logits = LOGITS[1:4]
    d = torch.sigmoid(logits)
    torch.testing.assert_close(real_loss(logits), -torch.log(d).mean())
    torch.testing.assert_close(fake_loss(logits), -torch.log(1 - d).mean())
    torch.testing.assert_close(generator_loss(logits), -torch.log(d).mean())
    assert real_loss(torch.zeros(3)).item() == pytest.approx(math.log(2))


def test_they_stay_finite_where_a_sigmoid_would_saturate() -> None:
    for loss in (real_loss, fake_loss, generator_loss):
        assert torch.isfinite(loss(LOGITS * 100))


def test_the_generators_gradient_does_not_vanish_where_d_is_sure_of_the_fake() -> None:
    logits = torch.tensor([-20.0], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(generator_loss(logits), logits)
    assert gradient.item() == pytest.approx(-1, abs=1e-6)
    (gradient,) = torch.autograd.grad(fake_loss(logits), logits)
    assert gradient.item() == pytest.approx(0, abs=1e-6)
