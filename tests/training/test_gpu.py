"""Training on a GPU (pytest -m gpu). The same tests run on the CPU, so that they work by then."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from dcgan.benchmarking.baseline import Baseline
from dcgan.sampling import load_generator, sample
from dcgan.training.loop import train
from dcgan.training.records import read_metrics
from dcgan.training.step import train_step
from tests.conftest import Compose
from tests.training.conftest import Build

no_gpu = pytest.mark.skipif(not torch.accelerator.is_available(), reason="no GPU")
on_each = pytest.mark.parametrize(
    "accelerator", ["cpu", pytest.param("gpu", marks=[pytest.mark.gpu, no_gpu])]
)


@on_each
@pytest.mark.parametrize(("precision", "tolerance"), [("32-true", 0.01), ("bf16-mixed", 0.1)])
def test_losses_are_the_cpus(
    build: Build, accelerator: str, precision: str, tolerance: float
) -> None:
    if (accelerator, precision) == ("cpu", "32-true"):
        pytest.skip("the same run")
    expected = build("regularizer=r1")
    state = build(
        "regularizer=r1", f"trainer.accelerator={accelerator}", f"trainer.precision={precision}"
    )
    for _ in range(3):
        losses = train_step(state).losses
        assert losses.device.type == state.fabric.device.type
        assert (state.fabric.device.type == "cpu") is (accelerator == "cpu")
        torch.testing.assert_close(
            losses.cpu(), train_step(expected).losses, rtol=tolerance, atol=tolerance
        )


@on_each
def test_a_run_is_resumed_on_it_and_sampled_without_it(
    tiny: Compose, tmp_path: Path, accelerator: str
) -> None:
    words = f"trainer.accelerator={accelerator}", "trainer.precision=auto"
    train(tiny(*words), tmp_path / "whole", "")
    train(tiny(*words, "trainer.steps=5"), tmp_path / "parts", "")
    train(tiny(*words, "trainer.steps=8", "resume=auto"), tmp_path / "parts", "")
    whole, parts = (
        sample(load_generator(tmp_path / name), range(4)) for name in ("whole", "parts")
    )
    torch.testing.assert_close(whole, parts, rtol=0.02, atol=0.02)
    assert read_metrics(tmp_path / "parts" / "metrics.jsonl")[-1]["images_per_second"] > 0


@on_each
def test_the_baseline_trains_on_it(tiny: Compose, accelerator: str) -> None:
    baseline = Baseline(asdict(tiny("data.channels=1", f"trainer.accelerator={accelerator}")))
    real = torch.zeros(4, 1, 16, 16, device=baseline.device)
    assert (baseline.device.type == "cpu") is (accelerator == "cpu")
    losses = torch.tensor([baseline.step(real, baseline.draw_latents(4)) for _ in range(3)])
    assert losses.isfinite().all()
