"""Random streams of one seed are independent and reproducible."""

import torch

from dcgan.seeding import derive_seed, stream


def test_streams_are_reproducible_and_differ_by_purpose() -> None:
    first = torch.randn(8, generator=stream(0, "latents"))
    assert torch.equal(first, torch.randn(8, generator=stream(0, "latents")))
    for other in (stream(1, "latents"), stream(0, "data order"), stream(0, "latents", 1)):
        assert not torch.equal(first, torch.randn(8, generator=other))


def test_derived_seeds_never_change() -> None:
    assert derive_seed(0, "generator", "layers.up1.0") == 2152665992610558981
    assert all(0 <= derive_seed(seed, "x") < 2**63 for seed in range(100))
