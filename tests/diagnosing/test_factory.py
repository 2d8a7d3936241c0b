"""Networks from code: what is run, and one line for everything that can be wrong with it."""

import sys
from pathlib import Path

import pytest
from torch import nn

from dcgan.diagnosing.factory import load_factory
from dcgan.errors import UserError

CODE = """
from torch import nn

def alone():
    return nn.Identity()

def with_example():
    return nn.Identity(), 3

def fails():
    raise RuntimeError("no weights")

def ends():
    raise SystemExit(1)

def number():
    return 3

value = 7

def imports():
    from other_of_test import Net
    return Net()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_of_test.py").write_text(CODE)
    (tmp_path / "other_of_test.py").write_text("from torch.nn import Identity as Net")
    (tmp_path / "broken_of_test.py").write_text("import nothing_here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "nets_of_test", raising=False)


def test_a_factory_returns_a_network_and_perhaps_an_example() -> None:
    network, example = load_factory("nets_of_test:alone")
    assert isinstance(network, nn.Identity)
    assert example is None
    assert load_factory("nets_of_test:with_example")[1] == 3
    assert isinstance(load_factory("nets_of_test:imports")[0], nn.Identity)  # from a neighbor


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("not_there:alone", "no module named not_there$"),
        ("broken_of_test:alone", "importing broken_of_test failed .*nothing_here.*py:1"),
        ("nets_of_test:nope", "nets_of_test has no nope$"),
        ("nets_of_test:value", "value is a int, not a function$"),
        ("nets_of_test:number", r"number\(\) returned a int; must return an nn.Module"),
        ("nets_of_test:fails", r"fails\(\) failed \(RuntimeError: no weights; .*py:11\)"),
        ("nets_of_test:ends", r"ends\(\) failed \(SystemExit: 1"),
    ],
)
def test_everything_else_is_one_line(target: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_factory(target)
    assert "\n" not in str(caught.value)
