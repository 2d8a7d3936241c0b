"""Checkerboard scores of images and layers, the diagnosis of any network, and the cure.

Scores of images: `images`; `lines`, `origins` and `judgement` add all periods and a verdict.
Scores of a layer: `layers`. The names of scores: `scores`.
Diagnosis: `recording` runs a network (`memory`, `rearrangement`: where its pixels went);
`definition` and `stored` do without a run; `traversal` finds what enlarges (`growth`, `following`);
`replay` and `torus` compute a block's response; `frames`: alignment; `rerunning`, `effects`: what
balancing changes; `advice`, `verdicts`: the words. `diagnosis` puts it together.
Cure: `cure`, `parametrization`.
"""

from dcgan.checkerboard.cure import BalancedLayer, bake, balance
from dcgan.checkerboard.diagnosis import diagnose
from dcgan.checkerboard.verdicts import Diagnosis, LayerDiagnosis

__all__ = ["BalancedLayer", "Diagnosis", "LayerDiagnosis", "bake", "balance", "diagnose"]
