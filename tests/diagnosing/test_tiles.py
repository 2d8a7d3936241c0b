"""Cutting images into tiles."""

import pytest
import torch

from dcgan.diagnosing.tiles import cut_into_tiles, tile_side
from dcgan.errors import UserError


def test_tiles_keep_the_phases_of_their_images() -> None:
    image = torch.arange(70 * 133).reshape(1, 1, 70, 133)
    tiles = cut_into_tiles(image, 64)
    assert tiles.shape == (2, 1, 64, 64)
    assert torch.equal(tiles[1, 0], image[0, 0, :64, 64:128])
    pair = torch.cat([image, image + 1])
    assert torch.equal(cut_into_tiles(pair, 64)[3], tiles[1] + 1)


def test_the_tile_size_fits_most_images() -> None:
    assert tile_side([200, 512]) == 64
    assert tile_side([39]) == 36
    assert tile_side([12, 48, 48]) == 48  # one thumbnail does not decide
    with pytest.raises(UserError, match="15 pixels or fewer"):
        tile_side([15, 15, 300])
