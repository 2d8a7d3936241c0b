"""The pure mathematics of strided and transposed convolution; knows nothing of the rest.

    from dcgan.convolution import convolution_matrix, coverage, polyphase_gains

Small functions on float64 tensors, each with its formula. `dcgan-explain` checks them all.
"""

from dcgan.convolution.alignment import image_shift, index_shift, stacked_shift
from dcgan.convolution.balance import balancing_projection, notch_taps
from dcgan.convolution.coverage import coverage, coverage_ratio, dead_share, stacked_coverage
from dcgan.convolution.equivalence import resize_as_transposed, subpixel_as_transposed
from dcgan.convolution.matrix import convolution_matrix
from dcgan.convolution.polyphase import interleave, largest_image, polyphase_gains
from dcgan.convolution.stretch import (
    frequency_response,
    ideal_low_pass,
    insert_zeros,
    interpolate_ideally,
    transposed_convolution,
    triangular_kernel,
)

__all__ = [
    "balancing_projection",
    "convolution_matrix",
    "coverage",
    "coverage_ratio",
    "dead_share",
    "frequency_response",
    "ideal_low_pass",
    "image_shift",
    "index_shift",
    "insert_zeros",
    "interleave",
    "interpolate_ideally",
    "largest_image",
    "notch_taps",
    "polyphase_gains",
    "resize_as_transposed",
    "stacked_coverage",
    "stacked_shift",
    "subpixel_as_transposed",
    "transposed_convolution",
    "triangular_kernel",
]
