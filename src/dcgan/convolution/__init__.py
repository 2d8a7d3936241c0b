"""The mathematics of strided and transposed convolution, independent of the rest of the package.

    from dcgan.convolution import convolution_matrix, coverage, polyphase_gains

Small functions on float64 tensors, each with its formula; `dcgan-explain` checks them all.
"""

from dcgan.convolution.alignment import doubling_padding as doubling_padding
from dcgan.convolution.alignment import image_shift as image_shift
from dcgan.convolution.alignment import index_shift as index_shift
from dcgan.convolution.alignment import stacked_shift as stacked_shift
from dcgan.convolution.balance import balancing_projection as balancing_projection
from dcgan.convolution.balance import notch_taps as notch_taps
from dcgan.convolution.coverage import coverage as coverage
from dcgan.convolution.coverage import coverage_ratio as coverage_ratio
from dcgan.convolution.coverage import dead_share as dead_share
from dcgan.convolution.coverage import stacked_coverage as stacked_coverage
from dcgan.convolution.equivalence import resize_as_transposed as resize_as_transposed
from dcgan.convolution.equivalence import subpixel_as_transposed as subpixel_as_transposed
from dcgan.convolution.matrix import convolution_matrix as convolution_matrix
from dcgan.convolution.polyphase import interleave as interleave
from dcgan.convolution.polyphase import largest_image as largest_image
from dcgan.convolution.polyphase import polyphase_gains as polyphase_gains
from dcgan.convolution.stretch import frequency_response as frequency_response
from dcgan.convolution.stretch import ideal_low_pass as ideal_low_pass
from dcgan.convolution.stretch import insert_zeros as insert_zeros
from dcgan.convolution.stretch import interpolate_ideally as interpolate_ideally
from dcgan.convolution.stretch import transposed_convolution as transposed_convolution
from dcgan.convolution.stretch import triangular_kernel as triangular_kernel
