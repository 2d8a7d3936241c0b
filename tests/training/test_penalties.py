"""Penalties compared with closed forms, and their effect on a step."""

import copy

import pytest
import torch
from torch import Tensor, nn

from dcgan.config import RegularizerConfig
from dcgan.errors import UserError
from dcgan.training import step
from dcgan.training.checkpoint import checkpoint_of, load_state
from dcgan.training.losses import gradient_penalty, r1
from dcgan.training.step import penalize, train_step
from tests.conftest import Compose
from tests.training.conftest import Build


class Linear(nn.Module):
    """D(x) = ⟨w, x⟩: its gradient is w everywhere."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor) -> Tensor:
        """⟨w, x⟩ for each image."""
        return images.flatten(1) @ self.weight


class Square(nn.Module):
    """D(x) = ‖x‖²/2: its gradient is x."""

    def forward(self, images: Tensor) -> Tensor:
        """‖x‖²/2 for each image."""
        return images.flatten(1).square().sum(1) / 2


REAL = torch.randn(5, 1, 2, 2, generator=torch.Generator().manual_seed(0))


def test_r1_is_half_the_mean_squared_gradient_at_real_images() -> None:
    expected = REAL.flatten(1).square().sum(1).mean().item() / 2
    assert r1(Square(), REAL).item() == pytest.approx(expected)
    assert not REAL.requires_grad  # the caller's tensor is left alone
    network = Linear(torch.tensor([1.0, 2.0, 2.0, 4.0]))
    penalty = r1(network, REAL)
    assert penalty.item() == pytest.approx(25 / 2)
    (gradient,) = torch.autograd.grad(penalty, network.weight)
    torch.testing.assert_close(gradient, network.weight.detach())  # d(½‖w‖²)/dw = w


def test_the_gradient_penalty_pulls_the_gradient_norm_toward_one() -> None:
    for length, expected in ((1.0, 0.0), (5.0, 16.0)):
        network = Linear(torch.tensor([length, 0.0, 0.0, 0.0]))
        assert gradient_penalty(network, REAL).item() == pytest.approx(expected)
    network = Linear(torch.tensor([5.0, 0.0, 0.0, 0.0]))
    (gradient,) = torch.autograd.grad(gradient_penalty(network, REAL), network.weight)
    torch.testing.assert_close(gradient, torch.tensor([8.0, 0.0, 0.0, 0.0]))  # 2(‖w‖ − 1)w/‖w‖


def test_penalty_points_are_random_interpolations_of_real_and_fake(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = build("regularizer=gradient_penalty", "discriminator.norm=none")
    seen: list[Tensor] = []

    def watched(discriminator: nn.Module, between: Tensor) -> Tensor:
        seen.append(between)
        total: Tensor = discriminator(between).sum()
        return total

    monkeypatch.setattr(step, "gradient_penalty", watched)
    real, fake = torch.zeros(8, 3, 16, 16), torch.ones(8, 3, 16, 16)
    for _ in range(2):
        penalize(state, real, fake)
    assert 0 <= seen[0].min() < 0.3 < 0.7 < seen[0].max() <= 1
    assert seen[0].flatten(1).std(1).max() == 0  # one weight per image
    assert not torch.equal(*seen)


@pytest.mark.parametrize(("weight", "every"), [(0.3, 1), (2.0, 16)])
def test_the_penaltys_gradient_is_scaled_by_weight_and_interval(
    build: Build, weight: float, every: int
) -> None:
    factor = (f"regularizer.weight={weight}", f"regularizer.interval={every}")
    state = build("regularizer=r1", "discriminator.norm=none", *factor)
    real = state.batches.draw()
    penalize(state, real, real)
    weights = list(state.discriminator.parameters())
    expected = torch.autograd.grad(r1(state.discriminator, real), weights, allow_unused=True)
    for parameter, gradient in zip(weights, expected, strict=True):
        if gradient is not None:  # D's gradient does not depend on the last bias
            torch.testing.assert_close(parameter.grad, weight * every * gradient)


@pytest.mark.parametrize(
    "recipe",
    [
        ("regularizer=r1", "regularizer.interval=1"),
        ("regularizer=gradient_penalty", "discriminator.norm=spectral", "loss=wasserstein"),
    ],
    ids=["r1", "gradient_penalty"],
)
def test_penalties_work_in_bfloat16(build: Build, recipe: tuple[str, ...]) -> None:
    state = build("trainer.precision=bf16-mixed", *recipe)
    for _ in range(2):
        result = train_step(state)
    assert torch.isfinite(result.losses[0])


def test_a_lazy_penalty_is_applied_every_few_steps(build: Build) -> None:
    plain = build()
    lazy = build("regularizer=r1", "regularizer.interval=3", "regularizer.weight=5")
    differing = []
    for _ in range(6):
        load_state(lazy, copy.deepcopy(checkpoint_of(plain)))
        train_step(plain)
        train_step(lazy)
        pairs = zip(plain.discriminator.parameters(), lazy.discriminator.parameters(), strict=True)
        differing.append(not all(torch.equal(a, b) for a, b in pairs))
    assert differing == [True, False, False, True, False, False]


def test_regularizer_settings_that_cannot_work_are_refused(compose_train: Compose) -> None:
    assert compose_train("regularizer=r1").regularizer.interval == 16
    with pytest.raises(UserError, match=r"regularizer.weight=0.*: must be above 0"):
        compose_train("regularizer=r1", "regularizer.weight=0")
    with pytest.raises(ValueError, match=r"weight=1.0: has no effect on kind=none"):
        RegularizerConfig(kind="none", weight=1.0)
    with pytest.raises(UserError, match=r"discriminator.norm=batch: must be spectral or none"):
        compose_train("regularizer=gradient_penalty")
    with pytest.raises(UserError, match=r"loss.kind=wasserstein: needs a Lipschitz constraint"):
        compose_train("loss=wasserstein")
