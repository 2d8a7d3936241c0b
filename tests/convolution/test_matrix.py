"""A worked example of the matrix, which dcgan.reports.claims checks."""

import pytest
import torch

from dcgan.convolution.matrix import convolution_matrix

KERNEL = torch.arange(1.0, 10, dtype=torch.float64).reshape(1, 1, 3, 3)


def test_the_example_of_the_claim() -> None:
    matrix = convolution_matrix(KERNEL, 4)
    assert matrix.shape == (4, 16)
    assert matrix[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    for row, start in enumerate((0, 1, 4, 5)):  # each row is shifted to its window's start
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


def test_a_kernel_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="kernel 3, dilation 1: larger"):
        convolution_matrix(KERNEL, 2)
