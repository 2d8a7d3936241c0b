"""Where a transposed convolution puts the picture (half-pixel centres, as align_corners=False)."""


def image_shift(kernel_size: int, stride: int, padding: int, dilation: int = 1) -> float:
    """Output pixels by which the picture is moved down and right: (d(k − 1) + 1 − s − 2p)/2.

    Input pixel i belongs over the outputs s·i … s·i + s − 1, whose centre is s·i + (s − 1)/2; its
    stamp is centred on s·i − p + d(k − 1)/2. 0 for k2 p0, k4 p1 and k6 p2 at stride 2; −0.5 for
    k3 p1 and k5 p2.
    """
    return (dilation * (kernel_size - 1) + 1 - stride - 2 * padding) / 2
