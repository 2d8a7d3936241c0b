"""Image sizes are base·2^L, or refused."""

import pytest

from dcgan.config.settings import doublings
from dcgan.errors import UserError


@pytest.mark.parametrize(
    ("image_size", "expected"),
    [(8, (4, 1)), (28, (7, 2)), (32, (4, 3)), (56, (7, 3)), (64, (4, 4)), (96, (6, 4))],
)
def test_an_image_size_is_split_into_base_and_number_of_doublings(
    image_size: int, expected: tuple[int, int]
) -> None:
    assert doublings(image_size) == expected


@pytest.mark.parametrize("image_size", [0, 4, 7, 9, 30, 36, 65])
def test_other_image_sizes_are_refused_with_the_nearest_valid_ones(image_size: int) -> None:
    with pytest.raises(UserError, match=rf"^image_size={image_size}: .*the nearest are \d+"):
        doublings(image_size)
