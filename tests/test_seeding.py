"""Streams of one seed do not touch each other."""

import torch

from dcgan.seeding import derive_seed, stream


def test_a_purpose_gives_the_same_numbers_again_and_others_give_others() -> None:
    first = torch.randn(8, generator=stream(0, "latents"))
    assert torch.equal(first, torch.randn(8, generator=stream(0, "latents")))
    for other in (stream(1, "latents"), stream(0, "data order"), stream(0, "latents", 1)):
        assert not torch.equal(first, torch.randn(8, generator=other))


def test_seeds_are_the_same_on_every_machine_and_version() -> None:
    assert derive_seed(0, "generator", "layers.up1.0") == 2152665992610558981
    assert all(0 <= derive_seed(seed, "x") < 2**63 for seed in range(100))
