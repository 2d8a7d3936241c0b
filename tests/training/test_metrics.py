"""Compare the metrics of a log line with their definitions."""

import pytest
import torch

from dcgan.training.metrics import step_metrics
from dcgan.training.step import StepResult
from tests.training.conftest import Build


def test_step_metrics_match_their_definitions(build: Build) -> None:
    fabric = build().fabric
    result = StepResult(
        losses=torch.tensor([1.5, 2.5]),
        real_outputs=torch.tensor([0.25, 1.0, 9.0]),
        fake_outputs=torch.tensor([0.6, 0.7, 1.5]),
        real=torch.tensor([0.0, 3.0, 6.0]).reshape(3, 1, 1, 1),
        fake=torch.tensor([1.0, 1.0, 4.0]).reshape(3, 1, 1, 1),
    )
    metrics = step_metrics(result, "nonsaturating", fabric)
    assert metrics["discriminator_loss"] == 1.5
    assert metrics["generator_loss"] == 2.5
    assert metrics["d_real"] == pytest.approx(10.25 / 3)
    assert metrics["d_fake"] == pytest.approx(2.8 / 3)
    assert metrics["d_accuracy"] == pytest.approx(3 / 6)
    # Least squares has target 1 for real and 0 for fake, so its threshold is 0.5.
    assert step_metrics(result, "least_squares", fabric)["d_accuracy"] == pytest.approx(2 / 6)
    # A critic's outputs have no fixed threshold: their mean, 2.175, is used.
    assert step_metrics(result, "wasserstein", fabric)["d_accuracy"] == pytest.approx(4 / 6)
    assert metrics["diversity"] == pytest.approx((0 + 3 + 3) / (3 + 3 + 6))
