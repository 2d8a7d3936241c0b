"""Batches have every image once per epoch, in a seeded and resumable order."""

import pytest
import torch

from dcgan.data.batches import Batches
from dcgan.errors import UserError
from dcgan.pictures import normalize

CPU = torch.device("cpu")


def numbered(count: int) -> torch.Tensor:
    """Distinguishable images: image i has value i, and i + 100 in its left half."""
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None].repeat(1, 1, 4, 4)
    images[..., :2] += 100
    return images


def numbers(batch: torch.Tensor) -> list[int]:
    return [round(v) for v in ((batch[:, 0, 0, -1] + 1) * 127.5).tolist()]


def test_normalization_is_fixed_and_channels_last() -> None:
    images = torch.tensor([0, 127, 128, 255], dtype=torch.uint8)[None, :, None, None]
    batch = normalize(images.expand(2, 4, 3, 3))
    assert batch[0, :, 0, 0].tolist() == pytest.approx([-1, -1 / 255, 1 / 255, 1], abs=1e-6)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_every_epoch_has_every_image_once_in_a_new_order() -> None:
    batches = Batches(numbered(12), 4, seed=0, flip=False, device=CPU)
    epochs = [[n for _ in range(3) for n in numbers(batches.draw())] for _ in range(3)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_order_depends_only_on_the_seed() -> None:
    def order(seed: int, flip: bool) -> list[int]:
        batches = Batches(numbered(12), 4, seed=seed, flip=flip, device=CPU)
        return [min(n, n % 100) for _ in range(6) for n in numbers(batches.draw())]

    assert order(0, flip=False) == order(0, flip=True)
    assert order(0, flip=False) != order(1, flip=False)


def test_the_data_position_is_a_single_integer() -> None:
    batches = Batches(numbered(13), 4, seed=3, flip=True, device=CPU)
    expected = [batches.draw() for _ in range(10)]
    for start in range(10):
        resumed = Batches(numbered(13), 4, seed=3, flip=True, device=CPU)
        resumed.num_drawn = start
        assert torch.equal(resumed.draw(), expected[start])


def test_flip_mirrors_about_half_of_the_images() -> None:
    batches = Batches(numbered(100), 50, seed=0, flip=True, device=CPU)
    drawn = torch.cat([batches.draw() for _ in range(40)])
    mirrored = (drawn[:, 0, 0, 0] < drawn[:, 0, 0, -1]).float().mean().item()
    assert mirrored == pytest.approx(0.5, abs=0.05)
    plain = Batches(numbered(100), 50, seed=0, flip=False, device=CPU).draw()
    assert (plain[:, 0, 0, 0] > plain[:, 0, 0, -1]).all()


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"trainer.batch_size=13: must be at most 12, the number of images"
    ):
        Batches(numbered(12), 13, seed=0, flip=False, device=CPU)


@pytest.mark.parametrize("flip", [False, True])
def test_ranks_share_the_batches_of_one_process(flip: bool) -> None:
    images = numbered(24)
    settings = {"seed": 3, "flip": flip, "device": torch.device("cpu")}
    alone = Batches(images, 8, **settings)  # type: ignore[arg-type]
    ranks = [Batches(images, 8, **settings, rank=r, num_ranks=2) for r in (0, 1)]  # type: ignore[arg-type]
    for _ in range(7):  # into the third epoch
        whole = alone.draw()
        shares = [rank.draw() for rank in ranks]
        assert [len(share) for share in shares] == [4, 4]
        assert torch.equal(torch.stack(shares, dim=1).flatten(0, 1), whole)
