"""A convolution is a matrix; its transpose; gradients; physics."""

from itertools import product

import torch
from torch.nn import functional as F

from dcgan.convolution.coverage import coverage
from dcgan.convolution.matrix import convolution_matrix
from dcgan.reports.claims.claim import Claim, claim, difference, geometries, random
from dcgan.reports.claims.drawing import gallery

SIZE = 6  # pixels along each axis of what the geometries are tried on
CONVOLVE = {1: F.conv1d, 2: F.conv2d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d}


def a_convolution_is_a_matrix() -> Claim:
    """Claim 1."""
    errors = []
    for axes, (k, s, p, d) in product((1, 2), geometries(SIZE)):
        x, weight = random(1, 2, *[SIZE] * axes), random(2, 2, *[k] * axes)
        matrix = convolution_matrix(weight, SIZE, s, p, d)
        expected = CONVOLVE[axes](x, weight, stride=s, padding=p, dilation=d)
        errors.append(difference(matrix @ x.flatten(), expected.flatten()))
    kernel = torch.arange(1.0, 10, dtype=torch.float64).reshape(1, 1, 3, 3)
    matrix = convolution_matrix(kernel, 4)
    rank = int(torch.linalg.matrix_rank(matrix.T @ matrix))
    return claim(
        "matrix",
        errors,
        figure=gallery(
            [matrix, matrix @ matrix.T, matrix.T @ matrix],
            ["A: 3x3 kernel on 4x4", "A Aᵀ", "Aᵀ A"],
        ),
        rank=rank,
    )


def its_transpose_is_the_transposed_convolution() -> Claim:
    """Claim 2."""
    errors = []
    for axes, (k, s, p, d) in product((1, 2), geometries(SIZE)):
        weight = random(2, 3, *[k] * axes)
        outputs, rest = divmod(SIZE + 2 * p - d * (k - 1) - 1, s)
        if rest >= max(s, d):
            continue
        y = random(1, 2, *[outputs + 1] * axes)
        back = TRANSPOSE[axes](y, weight, stride=s, padding=p, output_padding=rest, dilation=d)
        matrix = convolution_matrix(weight, SIZE, s, p, d)
        errors.append(difference(matrix.T @ y.flatten(), back.flatten()))
    signs = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    haar = convolution_matrix(signs.double().reshape(4, 1, 2, 2) / 2, 4, stride=2)
    drawn = convolution_matrix(random(4, 1, 2, 2), 4, stride=2)
    errors.append(difference(haar.T @ haar, torch.eye(16, dtype=torch.float64)))
    return claim(
        "transpose",
        errors,
        figure=gallery(
            [haar.T @ haar, drawn.T @ drawn], ["AᵀA, Haar filters", "AᵀA, any four filters"]
        ),
        number=len(errors) - 1,
    )


def gradients() -> Claim:
    """Claim 6."""
    errors = []
    for axes, (k, s, p, d) in product((1, 2), geometries(SIZE)):
        rest = (SIZE + 2 * p - d * (k - 1) - 1) % s
        if rest >= max(s, d):
            continue
        weight, x = random(2, 2, *[k] * axes), random(1, 2, *[SIZE] * axes).requires_grad_()
        y = CONVOLVE[axes](x, weight, stride=s, padding=p, dilation=d)
        above = random(*y.shape, seed=1)
        (gradient,) = torch.autograd.grad(y, x, above)
        back = TRANSPOSE[axes](above, weight, stride=s, padding=p, output_padding=rest, dilation=d)
        errors.append(difference(back, gradient))
    return claim("gradients", errors)


def physics() -> Claim:
    """Claim 14."""
    gradient = convolution_matrix(torch.tensor([[[-1.0, 1.0]]], dtype=torch.float64), 8)
    laplacian = gradient.T @ gradient
    stencil = torch.tensor([-1.0, 2.0, -1.0], dtype=torch.float64)
    error = max(difference(laplacian[i, i - 1 : i + 2], stencil) for i in range(1, 7))
    return claim(
        "physics",
        [error],
        figure=gallery(
            [gradient, gradient.T, laplacian],
            ["gradient", "its transpose: −divergence", "−Laplacian"],
        ),
    )


def gradient_tiles() -> Claim:
    """Claim 15."""
    tiles, errors = [], []
    for k, p in ((3, 1), (4, 1), (5, 2)):
        x = torch.zeros(1, 1, 16, 16, dtype=torch.float64, requires_grad=True)
        y = F.conv2d(x, torch.ones(1, 1, k, k, dtype=torch.float64), stride=2, padding=p)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        tiles.append(gradient[0, 0, 6:10, 6:10])
        shifted = coverage((k, k), (2, 2)).double().roll((-p, -p), (0, 1))
        errors.append(difference(gradient[0, 0, 6:8, 6:8], shifted))
    return claim(
        "gradient tiles", errors, figure=gallery(tiles, ["k3 s2", "k4 s2", "k5 s2"], numbers=True)
    )
