"""The notch keeps a constant and removes a checkerboard."""

import pytest
import torch

from dcgan.config import GeneratorConfig, UpsampleConfig
from dcgan.networks import Generator
from dcgan.networks.notch import Notch


@pytest.mark.parametrize("order", [1, 2, 7])
def test_a_notch_keeps_a_constant_and_removes_a_checkerboard(order: int) -> None:
    notch = Notch(2, order)
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    checkerboard = ((-1.0) ** (rows + columns)).expand(1, 2, 8, 8)
    torch.testing.assert_close(notch(torch.ones(1, 2, 8, 8)), torch.ones(1, 2, 8, 8))
    assert notch(checkerboard).abs().max() < 1e-6
    assert not list(notch.parameters())
    assert not notch.state_dict()


def test_a_generator_may_end_in_a_notch() -> None:
    upsample = UpsampleConfig(kind="transposed", kernel_size=4)
    plain, notched = (
        Generator(
            GeneratorConfig(latent_size=6, filters=4, notch=order),
            upsample,
            image_size=16,
            channels=3,
        ).eval()
        for order in (0, 8)
    )
    latents = torch.randn(2, 6)
    assert plain.state_dict().keys() == notched.state_dict().keys()
    torch.testing.assert_close(notched(latents), Notch(3, 8)(plain(latents)))
