"""The training step that everybody copies, written from its description, to compare with.

Radford et al. (2016) as tutorials have it: networks and images in NCHW float32; a sigmoid, then
binary cross-entropy; D's parameters not frozen while G learns; losses read at every step; images
decoded, resized and normalised one by one by a DataLoader. It shares the architecture with the
project, and nothing of its training; every layer is computed as torch computes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MethodType
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from dcgan.data.sources import Images
from X


class PlainImages(Dataset[Tensor]):
    """Images as a data set of transformed PIL pictures.

    Args:
        images: (N, C, H, W) uint8.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        size, channels = images.shape[-1], images.shape[1]
        half = (0.5,) * channels
        self._transform = transforms.Compose(
            [transforms.Resize(size), transforms.ToTensor(), transforms.Normalize(half, half)]
        )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        pixels = np.asarray(self._images[index])
        picture = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
        transformed: Tensor = self._transform(picture)
        return transformed


def plain_batches(images: Images, batch_size: int, num_workers: int) -> Iterator[Tensor]:
    """Shuffled batches (batch_size, C, H, W) in [−1, 1], epoch after epoch."""
    loader = DataLoader(
        PlainImages(images),
        batch_size=batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
    )
    while True:
        yield from loader


@dataclass
class PlainTrainer:
    """Two networks and their optimisers."""

    generator: nn.Module
    discriminator: nn.Module
    latent_size: int
    learning_rate: float = 2e-4
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        for network in (self.generator, self.discriminator):
            _compute_as_torch_does(network)
        betas = (0.5, 0.999)
        self._of_generator = torch.optim.Adam(
            self.generator.parameters(), self.learning_rate, betas
        )
        self._of_discriminator = torch.optim.Adam(
            self.discriminator.parameters(), self.learning_rate, betas
        )
        self._criterion = nn.BCELoss()

    def step(self, real: Tensor, latents: Tensor | None = None) -> tuple[float, float]:
        """One update of D, one of G; D's and G's loss before them."""
        device = next(self.generator.parameters()).device
        real = real.to(device, self.dtype)
        if latents is None:
            latents = torch.randn(len(real), self.latent_size, device=device, dtype=self.dtype)
        ones, zeros = torch.ones_like(real[:, 0, 0, 0]), torch.zeros_like(real[:, 0, 0, 0])

        self.discriminator.zero_grad()
        on_real = self._criterion(torch.sigmoid(self.discriminator(real)), ones)
        on_real.backward()
        fake = self.generator(latents)
        on_fake = self._criterion(torch.sigmoid(self.discriminator(fake.detach())), zeros)
        on_fake.backward()
        self._of_discriminator.step()

        self.generator.zero_grad()
        of_generator = self._criterion(torch.sigmoid(self.discriminator(fake)), ones)
        of_generator.backward()
        self._of_generator.step()
        return on_real.item() + on_fake.item(), of_generator.item()


def _compute_as_torch_does(network: nn.Module) -> None:
    """Undo the project's own computation of the first and the last layer."""
    own: dict[type, type] = {Projection: nn.ConvTranspose2d, Readout: nn.Conv2d}
    for layer in network.modules():
        for ours, plain in own.items():
            if isinstance(layer, ours):
                cast(Any, layer).forward = MethodType(cast(Any, plain).forward, layer)
