"""Diagnose checkerboard artifacts: in a trained generator, any network, or a folder of images."""

from dcgan.diagnosing.target import diagnose_target
from dcgan.diagnosing.verdicts import STATUS

__all__ = ["STATUS", "diagnose_target"]
