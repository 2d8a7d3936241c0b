"""A DCGAN that shows, measures and cures checkerboard artifacts."""

__version__ = "0.1.0"
