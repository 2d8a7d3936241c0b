"""Every claim about transposed convolution and its numerical check, in teaching order.

The texts are in templates/claims.yaml.
"""

from dcgan.reports.claims import cures, evenness, matrices, painting, shifts, stretching
from dcgan.reports.claims.claim import Finding, state

CHECKS = {
    "matrix": matrices.matrix,
    "transpose": matrices.transpose,
    "painting": painting.it_paints,
    "painting a letter": painting.it_paints_a_letter,
    "why the transpose": painting.why_the_transpose,
    "an ordinary convolution": stretching.an_ordinary_convolution,
    "no upscaling needed": stretching.no_upscaling_needed,
    "gradients": matrices.gradients,
    "stretch and smooth": stretching.stretch_and_smooth,
    "phases": stretching.phases,
    "coverage": evenness.coverages,
    "what coverage does not decide": evenness.what_coverage_does_not_decide,
    "dead zones": evenness.dead_zones,
    "resizing inside": evenness.resizing_inside,
    "balanced": cures.balanced,
    "notch": cures.notch,
    "alignment": shifts.alignment,
    "skips of a U-Net": shifts.skips_of_a_unet,
    "physics": matrices.physics,
    "gradient tiles": matrices.gradient_tiles,
}

__all__ = ["CHECKS", "Finding", "state"]
