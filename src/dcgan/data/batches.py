"""Batches of real images, in a seeded order that a checkpoint can resume."""

import torch
from torch import Tensor

from dcgan.errors import UserError
from dcgan.pictures import normalize
from dcgan.seeding import stream


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Move `tensor` to the device; to a CUDA GPU from pinned memory, without waiting."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


class Batches:
    """An endless stream of batches. Each epoch has a new order and uses no image twice.

    The order is a function of (seed, epoch), and the position is a single integer, `num_drawn`, so
    a resumed run sees exactly the batches that an uninterrupted one would. Images that do not fill
    the last batch of an epoch are left out of it.

    Args:
        images: (N, C, H, W) uint8; may be memory-mapped, since only the batch's rows are read.
        batch_size: global, over all ranks.
        flip: mirror each image left-right with probability 1/2.
        rank, num_ranks: this process's index, and their number; each gets its share of every batch.

    Raises:
        UserError: there are fewer images than one batch needs.
    """

    def __init__(
        self,
        images: Tensor,
        batch_size: int,
        *,
        seed: int,
        flip: bool,
        device: torch.device,
        rank: int = 0,
        num_ranks: int = 1,
    ) -> None:
        if batch_size > len(images):
            most = f"must be at most {len(images)}, the number of images"
            raise UserError(f"trainer.batch_size={batch_size}: {most}")
        self.images, self.batch_size = images, batch_size
        self.num_drawn = 0  # batches so far: the data position
        self.share = slice(rank, None, num_ranks)  # this rank's rows of a batch
        self.device = device
        self._seed, self._flip = seed, flip
        self._resident = images
        if device.type == "cuda" and images.nbytes < torch.cuda.mem_get_info(device)[0] // 2:
            self._resident = images.to(device)  # uses at most half of the free memory
        self._per_epoch = len(images) // batch_size
        self._epoch = -1

    def draw(self) -> Tensor:
        """This rank's share of the next batch: (N, C, H, W) float32 in [−1, 1] on the device."""
        epoch, place = divmod(self.num_drawn, self._per_epoch)
        if epoch != self._epoch:
            random = stream(self._seed, "data order", epoch)
            order = torch.randperm(len(self.images), generator=random)
            self._order = to_device(order, self._resident.device)
            if self._flip:
                mirrored = torch.rand(len(self.images), generator=random) < 0.5
                self._mirrored = to_device(mirrored, self.device)
            self._epoch = epoch
        self.num_drawn += 1
        rows = slice(place * self.batch_size, (place + 1) * self.batch_size)
        chosen = self._order[rows][self.share]
        batch = normalize(to_device(self._resident.index_select(0, chosen), self.device))
        if self._flip:
            mirrored = self._mirrored[rows][self.share]
            batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
        return batch
