"""The nearest training image is found for any chunk size; copies have distance 0."""

import pytest
import torch

from dcgan.evaluation.memorization import nearest
from dcgan.pictures import normalize

TRAINING = torch.randint(
    0, 256, (50, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


@pytest.mark.parametrize("chunk", [7, 50, 1000])
def test_copies_are_found_at_any_position(chunk: int) -> None:
    chosen = torch.tensor([0, 6, 7, 31, 49])
    distances, indices = nearest(normalize(TRAINING[chosen]), TRAINING, chunk)
    assert indices.tolist() == chosen.tolist()
    assert distances.abs().max() < 1e-2  # cdist uses matrix products, which round


def test_distances_are_rms_differences_of_pixels() -> None:
    black = torch.zeros(3, 1, 8, 8, dtype=torch.uint8)
    distances, _ = nearest(torch.zeros(2, 1, 8, 8), black)
    assert distances.tolist() == pytest.approx([1, 1])  # 0 against −1 in every pixel
