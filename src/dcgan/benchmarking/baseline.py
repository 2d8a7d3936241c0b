"""The standard DCGAN training recipe as a program, for comparison.

    python -m dcgan.benchmarking.baseline RUN/config.yaml STEPS FOLDER SEED EVERY

Written from its description (Radford et al., 2016), the way tutorials write it: networks and images
in NCHW float32; a sigmoid, then binary cross-entropy; D's parameters not frozen while G learns;
losses read at every step; PIL images transformed one by one in a DataLoader without workers. It
logs the losses every 50 steps, and saves a sample grid every 500 and both networks every EVERY.
It shares RUN's networks (with every layer computed as in torch) and its prepared images (decoding
files would cost more), but none of the training code.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import MethodType
from typing import Any, cast

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.utils import save_image

from dcgan.config import DataConfig
from dcgan.config.identity import LAST
from dcgan.data.decoding import Images
from dcgan.data.preparation import prepare
from dcgan.networks.building import build_discriminator, build_generator
from dcgan.networks.discriminator import Readout
from dcgan.networks.generator import Projection
from dcgan.networks.weights import save_tensors


class Baseline:
    """Both networks and their optimizers, from a run's config.yaml."""

    def __init__(self, settings: dict[str, Any]) -> None:
        on_cpu = settings["trainer"]["accelerator"] == "cpu"
        gpu = None if on_cpu else torch.accelerator.current_accelerator(check_available=True)
        self.device = gpu or torch.device("cpu")
        self.generator = build_generator(settings).to(self.device)
        self.discriminator = build_discriminator(settings).to(self.device)
        for network in (self.generator, self.discriminator):
            _compute_as_torch_does(network)
        adam: dict[str, Any] = {"lr": 2e-4, "betas": (0.5, 0.999)}
        self._generator_optimizer = torch.optim.Adam(self.generator.parameters(), **adam)
        self._discriminator_optimizer = torch.optim.Adam(self.discriminator.parameters(), **adam)
        self._criterion = nn.BCELoss()

    def draw_latents(self, number: int) -> Tensor:
        """(number, latent_size), standard normal."""
        return torch.randn(number, self.generator.latent_size, device=self.device)

    def step(self, real: Tensor, latents: Tensor) -> tuple[float, float]:
        """Update D, then G, by (N, C, H, W) images and (N, latent_size); return both losses."""
        ones = torch.ones(len(real), device=self.device)
        zeros = torch.zeros(len(real), device=self.device)

        self.discriminator.zero_grad()
        real_loss = self._criterion(torch.sigmoid(self.discriminator(real)), ones)
        real_loss.backward()
        fake = self.generator(latents)
        fake_loss = self._criterion(torch.sigmoid(self.discriminator(fake.detach())), zeros)
        fake_loss.backward()
        self._discriminator_optimizer.step()

        self.generator.zero_grad()
        generator_loss = self._criterion(torch.sigmoid(self.discriminator(fake)), ones)
        generator_loss.backward()
        self._generator_optimizer.step()
        return real_loss.item() + fake_loss.item(), generator_loss.item()


def _compute_as_torch_does(network: nn.Module) -> None:
    """Undo this project's own way to compute the first and last layers."""
    for layer in network.modules():
        for own, base in ((Projection, nn.ConvTranspose2d), (Readout, nn.Conv2d)):
            if isinstance(layer, own):
                cast(Any, layer).forward = MethodType(cast(Any, base).forward, layer)


def endless_batches(images: Images, batch_size: int) -> Iterator[Tensor]:
    """Yield shuffled (batch_size, C, H, W) in [−1, 1] from (N, C, H, W) uint8, forever."""
    half = (0.5,) * images.shape[1]
    resize, normalize = transforms.Resize(images.shape[-1]), transforms.Normalize(half, half)
    transform = transforms.Compose(
        [transforms.ToPILImage(), resize, transforms.ToTensor(), normalize]
    )

    def collate(batch: list[NDArray[np.uint8]]) -> Tensor:
        return torch.stack([transform(image.transpose(1, 2, 0)) for image in batch])

    data = cast(Any, images)
    loader = DataLoader(data, batch_size, shuffle=True, drop_last=True, collate_fn=collate)
    while True:
        yield from loader


def train(settings: dict[str, Any], steps: int, folder: Path, seed: int, every: int) -> None:
    """Train; write samples and, every `every` steps and at the end, both networks into `folder`."""
    (folder / LAST).parent.mkdir(parents=True)
    torch.manual_seed(seed)
    settings = settings | {"seed": seed}
    baseline, batch_size = Baseline(settings), settings["trainer"]["batch_size"]
    batches = endless_batches(prepare(DataConfig(**settings["data"])).open().numpy(), batch_size)
    fixed_latents = baseline.draw_latents(64)
    for step in range(1, steps + 1):
        real = next(batches).to(baseline.device)
        losses = baseline.step(real, baseline.draw_latents(batch_size))
        if step % 50 == 0:
            logging.info("[%d/%d] Loss_D: %.4f Loss_G: %.4f", step, steps, *losses)
        if step % 500 == 0 or step == steps:
            with torch.no_grad():
                samples = baseline.generator(fixed_latents)
            save_image(samples, folder / f"{step:06d}.png", normalize=True)
        if step % every == 0 or step == steps:
            content = {"config": settings, "step": step, "ema": None}
            for name in ("generator", "discriminator"):
                content[name] = getattr(baseline, name).state_dict()
            save_tensors(folder / LAST, content)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config, steps, folder, seed, every = sys.argv[1:]
    settings = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    train(settings, int(steps), Path(folder), int(seed), int(every))
