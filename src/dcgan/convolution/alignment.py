"""Where a transposed convolution puts the picture (claim 13).

Two conventions, never to be mixed: on the index grid pixel i belongs at s·i; in image geometry
(half-pixel centers, as align_corners=False) it belongs over the outputs s·i … s·i + s − 1.
"""


def index_shift(kernel_size: int, padding: int, dilation: int = 1) -> float:
    """Output pixels from s·i to the center of what input pixel i paints: (d(k − 1) − 2p)/2.

    In input pixels, at s = 2 and d = 1, that is the textbook (k − 1 − 2p)/4.
    """
    return dilation * (kernel_size - 1) / 2 - padding


def image_shift(kernel_size: int, stride: int, padding: int, dilation: int = 1) -> float:
    """Output pixels by which the picture is moved down and right: (d(k − 1) + 1 − s − 2p)/2.

    0 for k2 p0, k4 p1 and k6 p2 at stride 2; −0.5 for k3 p1 and k5 p2. Where the layer scales
    exactly by s it is −op/2.
    """
    return index_shift(kernel_size, padding, dilation) - (stride - 1) / 2


def stacked_shift(shift: float, stride: int, num_layers: int) -> float:
    """Output pixels by which equal layers in a row move the picture: shift·(1 + s + s² + …)."""
    factors: list[int] = [stride**layer for layer in range(num_layers)]
    return shift * sum(factors)
