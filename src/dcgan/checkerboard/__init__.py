"""Checkerboard scores: of one layer (`layers`) and of a set of images (`images`).

`diagnose` finds the layers of any network that leave a checkerboard; `balance` cures them, and
`bake` makes the cure permanent.
"""

from dcgan.checkerboard.cure import BalancedLayer, bake, balance
from dcgan.checkerboard.diagnosis import diagnose
from dcgan.checkerboard.verdicts import Diagnosis, LayerDiagnosis

__all__ = ["BalancedLayer", "Diagnosis", "LayerDiagnosis", "bake", "balance", "diagnose"]
