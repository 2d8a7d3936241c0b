"""Convolution as a matrix, its transpose, gradients, physics."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.convolution import convolution_matrix, coverage
from dcgan.reports.claims.claim import Finding, difference, geometries, ones, random

SIZE = 6  # pixels along each axis of the test images
CONVOLVE = {3: F.conv1d, 4: F.conv2d}  # by the number of dimensions of their input
TRANSPOSE = {3: F.conv_transpose1d, 4: F.conv_transpose2d}


def cases() -> Iterator[tuple[Tensor, Tensor, int, int, int]]:
    """Every geometry in one and two dimensions: an image, a weight, and s, p, d."""
    for axes in (1, 2):
        for k, s, p, d in geometries(SIZE):
            yield random(1, 2, *[SIZE] * axes), random(3, 2, *[k] * axes), s, p, d


def convolve(x: Tensor, weight: Tensor, s: int, p: int, d: int) -> Tensor:
    """Torch's convolution, in one or two dimensions."""
    return CONVOLVE[x.ndim](x, weight, stride=s, padding=p, dilation=d)


def convolve_transposed(y: Tensor, weight: Tensor, s: int, p: int, d: int) -> Tensor:
    """Torch's transposed convolution, back to an image of size SIZE."""
    rest = (SIZE + 2 * p - d * (weight.shape[-1] - 1) - 1) % s
    return TRANSPOSE[y.ndim](y, weight, stride=s, padding=p, output_padding=rest, dilation=d)


def matrix() -> Finding:
    """Claim "matrix"."""
    errors = []
    for x, weight, *geometry in cases():
        output = convolution_matrix(weight, SIZE, *geometry) @ x.flatten()
        errors.append(difference(output, convolve(x, weight, *geometry).flatten()))
    a = convolution_matrix(torch.arange(1.0, 10).double().reshape(1, 1, 3, 3), 4)
    views = {"A: 3x3 kernel on 4x4": a, "A Aᵀ": a @ a.T, "Aᵀ A": a.T @ a}
    return Finding(errors, views, {"rank": int(torch.linalg.matrix_rank(a.T @ a))})


def transpose() -> Finding:
    """Claim "transpose"."""
    errors = []
    for x, weight, *geometry in cases():
        y = random(*convolve(x, weight, *geometry).shape)
        output = convolution_matrix(weight, SIZE, *geometry).T @ y.flatten()
        errors.append(difference(output, convolve_transposed(y, weight, *geometry).flatten()))
    count = len(errors)
    signs = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    haar = convolution_matrix(signs.double().reshape(4, 1, 2, 2) / 2, 4, stride=2)
    drawn = convolution_matrix(random(4, 1, 2, 2), 4, stride=2)
    errors.append(difference(haar.T @ haar, torch.eye(16, dtype=torch.float64)))
    views = {"AᵀA, Haar filters": haar.T @ haar, "AᵀA, random filters": drawn.T @ drawn}
    return Finding(errors, views, {"count": count})


def gradients() -> Finding:
    """Claim "gradients"."""
    errors: list[float] = []
    for x, weight, *geometry in cases():
        y = convolve(x.requires_grad_(), weight, *geometry)
        above = random(*y.shape, seed=1).requires_grad_()
        back = convolve_transposed(above, weight, *geometry)
        (of_convolution,) = torch.autograd.grad(y, x, above.detach())
        (of_transposed,) = torch.autograd.grad(back, above, x.detach())
        errors += [difference(of_convolution, back), difference(of_transposed, y)]
    return Finding(errors, fields={"count": len(errors) // 2})


def physics() -> Finding:
    """Claim "physics"."""
    gradient = convolution_matrix(torch.tensor([[[-1.0, 1.0]]], dtype=torch.float64), 8)
    laplacian = gradient.T @ gradient
    stencil = torch.tensor([-1.0, 2.0, -1.0], dtype=torch.float64)
    errors = [difference(laplacian[i, i - 1 : i + 2], stencil) for i in range(1, 7)]
    field = random(7)
    errors.append(difference((gradient.T @ field)[1:7], -field.diff()))
    views = {
        "gradient": gradient,
        "its transpose: −divergence": gradient.T,
        "−Laplacian": laplacian,
    }
    return Finding(errors, views)


def gradient_tiles() -> Finding:
    """Claim "gradient tiles"."""
    tiles, errors = {}, []
    for k, p in ((3, 1), (4, 1), (5, 2)):
        x = torch.zeros(1, 1, 16, 16, dtype=torch.float64, requires_grad=True)
        y = F.conv2d(x, ones(1, 1, k, k), stride=2, padding=p)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        tiles[f"k{k} s2"] = gradient[0, 0, 6:10, 6:10]
        shifted = coverage((k, k), (2, 2)).double().roll((-p, -p), (0, 1))
        errors.append(difference(gradient[0, 0, 6:8, 6:8], shifted))
    return Finding(errors, tiles)
