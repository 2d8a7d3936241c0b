"""Compare the losses with the papers' formulas; check what every loss must do."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dcgan.training.losses import LOSSES
from tests.conftest import choices

REAL = torch.tensor([-1.3, -0.4, 0.0, 0.7, 2.0], dtype=torch.float64)
FAKE = torch.tensor([0.9, -2.1, 1.0, -0.2, 0.3], dtype=torch.float64)
FAR = 4000 * torch.tensor([-1.0, 1.0], dtype=torch.float64)


def d(logits: Tensor) -> Tensor:
    return torch.sigmoid(logits)


# D's and G's loss as the papers write them, for logits where no sigmoid saturates.
FORMULAS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], ...]] = {
    "nonsaturating": (
        lambda x, g: -torch.log(d(x)).mean() - torch.log(1 - d(g)).mean(),
        lambda _, g: -torch.log(d(g)).mean(),
    ),
    "hinge": (
        lambda x, g: -(x - 1).clamp_max(0).mean() - (-g - 1).clamp_max(0).mean(),
        lambda _, g: -g.mean(),
    ),
    "wasserstein": (lambda x, g: g.mean() - x.mean(), lambda _, g: -g.mean()),
    "least_squares": (
        lambda x, g: 0.5 * ((x - 1) ** 2).mean() + 0.5 * (g**2).mean(),
        lambda _, g: 0.5 * ((g - 1) ** 2).mean(),
    ),
    "relativistic": (
        lambda x, g: -torch.log(d(x - g)).mean(),
        lambda x, g: -torch.log(d(g - x)).mean(),
    ),
}


def value_and_gradients(
    function: Callable[[Tensor, Tensor], Tensor], real: Tensor, fake: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
    value = function(real, fake)
    gradients = torch.autograd.grad(value, (real, fake), allow_unused=True, materialize_grads=True)
    return value.detach(), gradients[0], gradients[1]


@pytest.mark.parametrize("kind", FORMULAS)
def test_values_and_gradients_match_the_formulas(kind: str) -> None:
    for ours, formula in zip(
        (LOSSES[kind].discriminator, LOSSES[kind].generator), FORMULAS[kind], strict=True
    ):
        expected = value_and_gradients(formula, REAL, FAKE)
        torch.testing.assert_close(value_and_gradients(ours, REAL, FAKE), expected)


def test_every_config_has_a_loss_and_every_loss_a_config() -> None:
    assert set(choices("loss")) == set(LOSSES)


@pytest.mark.parametrize("kind", LOSSES)
def test_d_learns_to_tell_real_from_fake_and_g_to_fool_it(kind: str) -> None:
    loss, near = LOSSES[kind], torch.full((4,), 0.4, dtype=torch.float64)
    _, on_real, on_fake = value_and_gradients(loss.discriminator, near, near)
    assert (on_real < 0).all()
    assert (on_fake > 0).all()
    _, _, on_fake = value_and_gradients(loss.generator, near, near - 20)
    assert on_fake.sum() < -0.9  # G's gradient does not vanish where D is confident


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_stay_finite_where_a_sigmoid_would_saturate(kind: str) -> None:
    for function in (LOSSES[kind].discriminator, LOSSES[kind].generator):
        for tensor in value_and_gradients(function, FAR, -FAR):
            assert torch.isfinite(tensor).all()


@pytest.mark.parametrize("kind", LOSSES)
def test_gs_loss_uses_outputs_on_real_images_only_if_pairs_is_true(kind: str) -> None:
    """If `pairs` is false, the step passes it outputs from before D's update."""
    _, on_real, _ = value_and_gradients(LOSSES[kind].generator, REAL, FAKE)
    assert bool(on_real.any()) == LOSSES[kind].pairs


def test_the_threshold_is_halfway_between_the_targets_for_real_and_fake() -> None:
    for kind, real, fake in (("nonsaturating", 5, -5), ("hinge", 1, -1), ("least_squares", 1, 0)):
        assert LOSSES[kind].threshold == (real + fake) / 2
    assert LOSSES["wasserstein"].threshold is LOSSES["relativistic"].threshold is None
