"""Elements that operations move, followed by their numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.checkerboard import diagnose
from tests.checkerboard.networks import Block, X, only


def test_integer_images_move_as_others_do() -> None:
    def way(x: Tensor) -> Tensor:
        y = x.mul(100).byte().repeat_interleave(2, 2).repeat_interleave(2, 3)
        return F.pad(torch.cat([y, y], 1)[:, :8], (1, 1, 1, 1)).float()

    row = only(Block(way, last=True), X)
    assert (row.kind, row.verdict) == ("repeated pixels", "clean")


def test_what_is_added_at_an_index_is_not_moved() -> None:
    def way(x: Tensor) -> Tensor:
        y = F.interpolate(x, scale_factor=2)
        i = torch.arange(0, 24, 2)
        y.index_put_((torch.tensor([0]), torch.tensor([0]), i, i), x[0, 0, 0], accumulate=True)
        return y

    rows = diagnose(Block(way, last=True), X).layers
    assert [row.kind for row in rows] == ["Upsample(nearest)"]


@dataclass
class Output:
    """Of a network."""

    images: list[Tensor]


@pytest.mark.parametrize(
    "returned",
    [
        lambda y: Output([y]),
        lambda y: y.numpy(),
        lambda y: y.flatten(1),
        lambda y: y[0, 0],
        lambda y: y[0].permute(1, 2, 0),
    ],
)
def test_pixels_moved_last_are_seen_whatever_is_returned(returned: Callable[[Tensor], Any]) -> None:
    row = only(Block(lambda y: returned(F.pixel_shuffle(y, 2))), X)
    assert (row.name, row.verdict) == ("conv", "grid")


def test_an_image_without_a_batch_axis() -> None:
    row = only(Block(lambda y: F.pixel_shuffle(y, 2)), X[0])
    assert (row.name, row.verdict) == ("conv", "grid")


def test_real_and_imaginary_parts_are_elements_of_their_own() -> None:
    def way(y: Tensor) -> Tensor:
        parts = torch.view_as_real(torch.fft.ifft2(torch.fft.fft2(y)))
        return F.pixel_shuffle(parts.movedim(-1, 1).flatten(1, 2), 2)

    row = only(Block(way), X)
    assert row.verdict == "not judged"
