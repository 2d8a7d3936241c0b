"""A DCGAN that shows, and measures, what generative upsampling does."""

__version__ = "0.1.0"
