"""Every claim about transposed convolution, checked by number, in an order that teaches.

Their texts are in templates/claims.yaml.
"""

from dcgan.reports.claims.claim import Check, Claim, Finding, state
from dcgan.reports.claims.evenness import (
    coverages,
    dead_zones,
    resizing_inside,
    what_coverage_does_not_decide,
)
from dcgan.reports.claims.matrices import gradient_tiles, gradients, matrix, physics, transpose
from dcgan.reports.claims.painting import it_paints, it_paints_a_letter, why_the_transpose
from dcgan.reports.claims.shifts import alignment, skips_of_a_unet
from dcgan.reports.claims.stretching import (
    an_ordinary_convolution,
    no_upscaling_needed,
    phases,
    stretch_and_smooth,
)

CHECKS: dict[str, Check] = {
    "matrix": matrix,
    "transpose": transpose,
    "painting": it_paints,
    "painting a letter": it_paints_a_letter,
    "why the transpose": why_the_transpose,
    "an ordinary convolution": an_ordinary_convolution,
    "no upscaling needed": no_upscaling_needed,
    "gradients": gradients,
    "stretch and smooth": stretch_and_smooth,
    "phases": phases,
    "coverage": coverages,
    "what coverage does not decide": what_coverage_does_not_decide,
    "dead zones": dead_zones,
    "resizing inside": resizing_inside,
    "alignment": alignment,
    "skips of a U-Net": skips_of_a_unet,
    "physics": physics,
    "gradient tiles": gradient_tiles,
}

__all__ = ["CHECKS", "Check", "Claim", "Finding", "state"]
