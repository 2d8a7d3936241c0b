"""Sample images from a generator by seed, interpolate between seeds, and write them to files.

from dcgan.sampling import load_generator, sample, save_grid
generator = load_generator("generator.safetensors")
save_grid(sample(generator, seeds=range(64)), "grid.png")
"""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.config import SampleConfig
from dcgan.files import make_folder, write_json
from dcgan.memory import check_memory
from dcgan.networks.generator import Generator
from dcgan.networks.saved import export_generator, load_generator, load_with_origin
from dcgan.pictures import save_grid, save_picture
from dcgan.progress import progress

__all__ = ["generate", "interpolate", "latents_of_seeds", "load_generator", "sample", "save_grid"]


def latents_of_seeds(seeds: Iterable[int], latent_size: int) -> Tensor:
    """Standard normal latents, (len(seeds), latent_size); row i depends only on seed i."""
    random = torch.Generator()
    rows = [torch.randn(latent_size, generator=random.manual_seed(seed)) for seed in seeds]
    return torch.stack(rows)


def sample(generator: Generator, seeds: Iterable[int]) -> Tensor:
    """The images for `seeds`: (len(seeds), C, H, W) in [−1, 1]; see `generate`."""
    return generate(generator, latents_of_seeds(seeds, generator.latent_size))


@torch.no_grad()
def generate(generator: nn.Module, latents: Tensor, batch_size: int = 256) -> Tensor:
    """G(z) in eval mode, without side effects: (N, C, H, W) in [−1, 1], on the CPU.

    Args:
        latents: (N, latent_size).
        batch_size: images at a time.
    """
    network = copy.deepcopy(generator).eval()  # with its hooks
    parts = latents.to(next(network.parameters()).device).split(batch_size)
    return torch.cat([network(part).float().cpu() for part in parts])


def interpolate(latents: Tensor, num_frames: int) -> Tensor:
    """Spherical interpolation from each latent to the next (Shoemake, 1985; White, 2016).

    A straight line would pass through latents that are shorter than any the generator has seen.

    Args:
        latents: (N, latent_size), N at least 2, consecutive ones not opposite to each other.
        num_frames: frames from one latent up to, but excluding, the next.

    Returns:
        ((N − 1)·num_frames + 1, latent_size), which includes the given latents, up to rounding.
    """
    start, end = latents[:-1, None], latents[1:, None]
    fraction = torch.arange(num_frames)[None, :, None] / num_frames
    angle = torch.cosine_similarity(start, end, dim=-1).clamp(-1, 1).arccos()[..., None]
    # Avoid dividing by sin(0): for a tiny angle the arc is a straight line.
    angle = angle.clamp_min(1e-4)
    arc = torch.sin((1 - fraction) * angle) * start + torch.sin(fraction * angle) * end
    return torch.cat([(arc / torch.sin(angle)).flatten(0, 1), latents[-1:]])


def check_images(setting: str, count: int, generator: Generator) -> None:
    """Refuse more images than fit into memory (in float32, plus copies).

    Args:
        setting: NAME=VALUE, for the message.

    Raises:
        UserError: the images do not fit.
    """
    numbers = generator.channels * generator.image_size**2 + generator.latent_size
    check_memory(setting, 8.0 * count * numbers)


def write_samples(config: SampleConfig, run_dir: Path) -> dict[str, Any]:
    """Write the samples that `config` asks for into `run_dir`; return result.json's content.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    generator, weights = load_with_origin(config.checkpoint, config.weights)
    seeds = config.seeds or range(config.num_images)
    check_images(f"num_images={config.num_images}", len(seeds), generator)
    frames = config.interpolation_frames
    check_images(f"interpolation_frames={frames}", frames * len(seeds), generator)
    latents = latents_of_seeds(seeds, generator.latent_size)
    images = generate(generator, latents)
    make_folder(run_dir)
    files = {"grid": "grid.png"}
    save_grid(images, run_dir / "grid.png")
    if config.single_files:
        files["single files"] = "images"
        (run_dir / "images").mkdir(exist_ok=True)
        named = zip(seeds, images, strict=True)
        for seed, image in progress(named, total=len(images), unit="img"):
            save_picture(image, run_dir / "images" / f"seed{seed:06d}.png")
    if frames:
        files["interpolation"] = "interpolation.png"
        between = generate(generator, interpolate(latents, frames))
        # Each row goes from one seed to the next, inclusive.
        rows = [between[i : i + frames + 1] for i in range(0, len(between) - 1, frames)]
        save_grid(torch.cat(rows), run_dir / "interpolation.png", num_columns=frames + 1)
    if config.export:
        files["generator"] = "generator.safetensors"
        export_generator(run_dir / "generator.safetensors", generator)
    result = {
        "checkpoint": config.checkpoint,
        "weights": weights,
        "seeds": list(seeds),
        "files": files,
    }
    write_json(run_dir / "result.json", result)
    return result
