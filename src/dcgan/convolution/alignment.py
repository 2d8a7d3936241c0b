"""Where a transposed convolution places the image (claim "alignment").

Do not mix these two conventions. By index, pixel i belongs at s·i. In image geometry (half-pixel
centers, as with align_corners=False), it covers the outputs s·i … s·i + s − 1.
"""


def index_shift(kernel_size: int, padding: int, dilation: int = 1) -> float:
    """Output pixels from s·i to the center of input pixel i's kernel footprint: (d(k − 1) − 2p)/2.

    In input pixels, for s = 2 and d = 1, this is the textbook (k − 1 − 2p)/4.
    """
    return dilation * (kernel_size - 1) / 2 - padding


def image_shift(kernel_size: int, stride: int, padding: int, dilation: int = 1) -> float:
    """Output pixels by which the image moves down and right: (d(k − 1) + 1 − s − 2p)/2.

    At stride 2: 0 for k2 p0, k4 p1 and k6 p2; −0.5 for k3 p1 and k5 p2. If the layer upsamples by
    exactly s, this is −op/2.
    """
    return index_shift(kernel_size, padding, dilation) - (stride - 1) / 2


def stacked_shift(shift: float, stride: int, num_layers: int) -> float:
    """Output pixels by which a stack of equal layers moves the image: shift·(1 + s + s² + …)."""
    factors: list[int] = [stride**layer for layer in range(num_layers)]
    return shift * sum(factors)


def doubling_padding(kernel_size: int) -> tuple[int, int]:
    """The only padding and output_padding with which stride 2 doubles every size.

    The output size 2(n − 1) + k − 2p + op is 2n if op = 2 + 2p − k, and op must be 0 or 1.
    """
    return (kernel_size - 1) // 2, kernel_size % 2
