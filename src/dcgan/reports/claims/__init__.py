"""Every claim about transposed convolution, checked by number, in an order that teaches."""

from dcgan.reports.claims import evenness, matrices, painting, shifts, stretching
from dcgan.reports.claims.claim import Check, Claim

CHECKS: tuple[Check, ...] = (
    matrices.a_convolution_is_a_matrix,
    matrices.its_transpose_is_the_transposed_convolution,
    painting.it_paints,
    painting.it_paints_a_letter,
    painting.why_the_transpose,
    stretching.an_ordinary_convolution,
    stretching.no_upscaling_needed,
    matrices.gradients,
    stretching.stretch_and_smooth,
    stretching.phases,
    evenness.coverages,
    evenness.what_coverage_does_not_decide,
    evenness.dead_zones,
    evenness.resizing_inside,
    shifts.alignment,
    shifts.skips_of_a_unet,
    matrices.physics,
    matrices.gradient_tiles,
)

__all__ = ["CHECKS", "Check", "Claim"]
