"""Scores of a checkerboard: in one layer (`layers`), in a set of images (`images`).

`diagnose` says of any network which layers leave one.
"""

from dcgan.checkerboard.diagnosis import Diagnosis, LayerDiagnosis, diagnose

__all__ = ["Diagnosis", "LayerDiagnosis", "diagnose"]
