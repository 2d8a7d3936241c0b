"""The picture that dcgan-evaluate writes."""

import torch

from dcgan.evaluation.memorization import nearest
from dcgan.pictures import normalize
from dcgan.reports.quality import by_class


def test_each_class_is_a_column_and_copies_are_above_their_originals() -> None:
    training = torch.arange(0, 240, 12, dtype=torch.uint8).view(20, 1, 1, 1)
    images = normalize(training).add(torch.linspace(0, 0.01, 20).view(20, 1, 1, 1))
    classes = torch.tensor([3] * 12 + [5] * 8)
    near = nearest(images, training)
    rows = by_class(images, classes, 10, near, training).view(-1, 10)
    assert len(rows) == 10 + 1 + 2 * 3
    torch.testing.assert_close(rows[:10, 3], images.flatten()[:10])
    torch.testing.assert_close(rows[:10, 5], torch.cat([images.flatten()[12:], torch.ones(2)]))
    pairs = rows[11:].view(3, 2, 10)
    torch.testing.assert_close(pairs[:, 0, 5], images.flatten()[12:15])  # the closest copies
    torch.testing.assert_close(pairs[:, 1, 5], normalize(training).flatten()[12:15])
    empty = [column for column in range(10) if column not in (3, 5)]
    assert (rows[:, empty] == 1).all()
    assert by_class(images, classes, 4, None, training).shape == (40, 1, 1, 1)
