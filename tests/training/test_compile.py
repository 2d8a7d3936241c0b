"""Compiled networks compute what they would compute otherwise."""

import pytest
import torch
from torch._inductor.exc import InvalidCxxCompiler

from dcgan.errors import UserError
from dcgan.training.devices import check_compiler
from dcgan.training.scores import Scorer
from dcgan.training.step import train_step
from tests.training.conftest import Build


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", ["none", "r1"])
def test_a_compiled_run_is_the_same_run(build: Build, regularizer: str) -> None:
    check_compiler(torch.device("cpu"))
    runs = [build(f"regularizer={regularizer}", f"trainer.compile={on}") for on in (True, False)]
    for _ in range(3):
        compiled, plain = (train_step(state, fabric) for _, state, fabric in runs)
        for name in ("discriminator_loss", "generator_loss", "fake"):
            expected = getattr(plain, name)
            torch.testing.assert_close(getattr(compiled, name), expected, rtol=1e-3, atol=1e-4)
    states = [state.state_dict() for _, state, _ in runs]
    for network in ("generator", "discriminator", "ema"):
        assert states[0][network].keys() == states[1][network].keys()


@pytest.mark.slow
def test_a_compiled_generator_is_scored(build: Build) -> None:
    config, state, fabric = build("trainer.compile=true", "trainer.score_weights=raw")
    train_step(state, fabric)
    assert "rho_up1" in Scorer(config, state).measure().numbers


def test_without_a_compiler_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise InvalidCxxCompiler

    monkeypatch.setattr(torch, "compile", refuse)
    with pytest.raises(UserError, match=r"trainer.compile=true: torch.compile does not work here"):
        check_compiler(torch.device("cpu"))
