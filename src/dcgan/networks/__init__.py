"""Upsampling blocks, the generator, the discriminator, and reading and writing them."""

from dcgan.networks.discriminator import Discriminator
from dcgan.networks.generator import Generator
from dcgan.networks.saved import load_generator

__all__ = ["Discriminator", "Generator", "load_generator"]
