"""Scores of a checkerboard: in one layer (`layers`), in a set of images (`images`).

`diagnose` says of any network which layers leave one; `balance` cures them, `bake` makes that last.
"""

from dcgan.checkerboard.cure import BalancedLayer, bake, balance
from dcgan.checkerboard.diagnosis import Diagnosis, LayerDiagnosis, diagnose

__all__ = ["BalancedLayer", "Diagnosis", "LayerDiagnosis", "bake", "balance", "diagnose"]
