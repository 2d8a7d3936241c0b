"""Independent random streams from one run seed.

Each purpose (data order, latents, one layer's weights) has a stream of its own, so changing one
thing, an upsampling block say, leaves every other number of the run as it was.
"""

import hashlib

import torch


def derive_seed(seed: int, *purpose: object) -> int:
    """A 63-bit seed that depends on the run's seed and on every part of `purpose`."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def stream(seed: int, *purpose: object) -> torch.Generator:
    """A CPU generator for one purpose; the CPU's numbers are the same on every device."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))
