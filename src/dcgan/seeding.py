"""Independent random streams from one run seed.

Each purpose (data order, latents, one layer's weights) has its own stream, so changing one thing,
such as an upsampling block, leaves all other random numbers of the run unchanged.
"""

import hashlib

import torch


def derive_seed(seed: int, *purpose: object) -> int:
    """Derive a 63-bit seed from the run's seed and all parts of `purpose`."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def stream(seed: int, *purpose: object) -> torch.Generator:
    """A random generator for one purpose, on the CPU so that numbers are equal on all devices."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))
