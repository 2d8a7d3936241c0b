"""Every claim about transposed convolution, checked by number, in an order that teaches."""

from dcgan.reports.claims.claim import Check, Claim
from dcgan.reports.claims.evenness import (
    coverages,
    dead_zones,
    resizing_inside,
    what_coverage_does_not_decide,
)
from dcgan.reports.claims.matrices import (
    a_convolution_is_a_matrix,
    gradient_tiles,
    gradients,
    its_transpose_is_the_transposed_convolution,
    physics,
)
from dcgan.reports.claims.painting import it_paints, it_paints_a_letter, why_the_transpose
from dcgan.reports.claims.shifts import alignment, skips_of_a_unet
from dcgan.reports.claims.stretching import (
    an_ordinary_convolution,
    no_upscaling_needed,
    phases,
    stretch_and_smooth,
)

CHECKS: tuple[Check, ...] = (
    a_convolution_is_a_matrix,
    its_transpose_is_the_transposed_convolution,
    it_paints,
    it_paints_a_letter,
    why_the_transpose,
    an_ordinary_convolution,
    no_upscaling_needed,
    gradients,
    stretch_and_smooth,
    phases,
    coverages,
    what_coverage_does_not_decide,
    dead_zones,
    resizing_inside,
    alignment,
    skips_of_a_unet,
    physics,
    gradient_tiles,
)

__all__ = ["CHECKS", "Check", "Claim"]
