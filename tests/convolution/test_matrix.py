"""Claims 1, 2, 6 and 14: a convolution is a matrix, and what its transpose is."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from dcgan.convolution.matrix import convolution_matrix

KERNEL = torch.arange(1.0, 10, dtype=torch.float64).reshape(1, 1, 3, 3)


def random(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_the_example_of_the_theory() -> None:
    matrix = convolution_matrix(KERNEL, 4)
    assert matrix.shape == (4, 16)
    assert matrix[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    for row, start in enumerate((0, 1, 4, 5)):  # each row is shifted by where its window starts
        assert matrix[row].tolist() == ([0] * start + matrix[0].tolist())[:16]
    assert (matrix @ matrix.T).tolist() == [
        [285, 186, 154, 94],
        [186, 285, 106, 154],
        [154, 106, 285, 186],
        [94, 154, 186, 285],
    ]
    square = matrix.T @ matrix
    assert torch.linalg.matrix_rank(square) == 4  # so it cannot be the identity
    assert square[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    assert square[1].tolist() == [2, 5, 8, 3, 8, 14, 17, 6, 14, 23, 26, 9, 0, 0, 0, 0]
    assert square[-1].tolist() == [0, 0, 0, 0, 0, 9, 18, 27, 0, 36, 45, 54, 0, 63, 72, 81]


GEOMETRY = st.tuples(
    st.integers(1, 6), st.integers(1, 4), st.integers(0, 3), st.integers(1, 2), st.integers(1, 2)
).filter(lambda g: 7 + 2 * g[2] > g[3] * (g[0] - 1))


@settings(deadline=None, max_examples=60)
@given(GEOMETRY)
def test_the_matrix_is_the_convolution_and_its_transpose_the_transposed_one(
    geometry: tuple[int, int, int, int, int],
) -> None:
    k, s, p, d, axes = geometry
    weight = random(3, 2, *[k] * axes)
    convolve = F.conv1d if axes == 1 else F.conv2d
    x = random(1, 2, *[7] * axes).requires_grad_()
    y = convolve(x, weight, stride=s, padding=p, dilation=d)
    matrix = convolution_matrix(weight, 7, s, p, d)
    torch.testing.assert_close(matrix @ x.detach().flatten(), y.detach().flatten())

    # The gradient with respect to the input is the transposed convolution of what comes from above.
    above = random(*y.shape)
    (gradient,) = torch.autograd.grad(y, x, above)
    torch.testing.assert_close(matrix.T @ above.flatten(), gradient.flatten())
    transpose = F.conv_transpose1d if axes == 1 else F.conv_transpose2d
    rest = (7 + 2 * p - d * (k - 1) - 1) % s
    back = transpose(above, weight, stride=s, padding=p, output_padding=rest, dilation=d)
    torch.testing.assert_close(back, gradient)


def test_the_gradient_of_a_transposed_convolution_is_a_convolution() -> None:
    weight, x = random(2, 3, 4, 4), random(1, 2, 5, 5).requires_grad_()
    y = F.conv_transpose2d(x, weight, stride=2, padding=1)
    above = random(*y.shape)
    (gradient,) = torch.autograd.grad(y, x, above)
    torch.testing.assert_close(gradient, F.conv2d(above, weight, stride=2, padding=1))


def test_it_is_an_inverse_only_for_orthonormal_filters() -> None:
    signs = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    haar = signs.double().reshape(4, 1, 2, 2) / 2
    matrix = convolution_matrix(haar, 8, stride=2)
    torch.testing.assert_close(matrix.T @ matrix, torch.eye(64, dtype=torch.float64))
    matrix = convolution_matrix(random(4, 1, 2, 2), 8, stride=2)
    assert not torch.allclose(matrix.T @ matrix, torch.eye(64, dtype=torch.float64))


def test_a_difference_is_a_gradient_and_its_transpose_the_negative_divergence() -> None:
    difference = torch.tensor([[[-1.0, 1.0]]], dtype=torch.float64)
    gradient = convolution_matrix(difference, 6)
    laplacian = gradient.T @ gradient
    assert laplacian[2].tolist() == [0, -1, 2, -1, 0, 0]  # minus the second difference
    divergence = -gradient.T
    assert divergence[2].tolist() == [0, -1, 1, 0, 0]


def test_a_kernel_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="a kernel of 3"):
        convolution_matrix(KERNEL, 2)
