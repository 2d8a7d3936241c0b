"""How a transposed convolution adds a feature, and why the transpose rather than another matrix."""

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.convolution import convolution_matrix
from dcgan.reports.claims.claim import Finding, difference, ones, random

DIAGONAL = 2 * torch.eye(3, dtype=torch.float64) - 1
LETTER_L = torch.tensor([[1.0, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=torch.float64)


def respond(image: Tensor, kernel: Tensor) -> Tensor:
    """The ordinary layer, s = 1, p = 1."""
    return F.conv2d(image[None, None], kernel[None, None], padding=1)[0, 0]


def paint(feature_map: Tensor, kernel: Tensor) -> Tensor:
    """The transposed layer, s = 1, p = 1."""
    return F.conv_transpose2d(feature_map[None, None], kernel[None, None], padding=1)[0, 0]


def it_paints() -> Finding:
    """Claim "painting"."""
    impulse = torch.zeros(7, 7, dtype=torch.float64)
    impulse[2, 3] = 2.0
    expected_copy = torch.zeros_like(impulse)
    expected_copy[1:4, 2:5] = 2 * LETTER_L
    stroke = 2 * torch.eye(9, dtype=torch.float64) - 1  # of ones, as the next one
    dash = -ones(9, 9)
    dash[4] = 1
    found = respond(stroke, DIAGONAL)
    expected = torch.tensor([4.0, *[9.0] * 7, 4.0], dtype=torch.float64)
    kept = F.relu(found - 4)
    painted = paint(kept, DIAGONAL)
    errors = [
        difference(paint(impulse, LETTER_L), expected_copy),
        difference(paint(impulse, LETTER_L).flip(0, 1), respond(impulse.flip(0, 1), LETTER_L)),
        difference(found.diagonal(), expected),
        F.relu(found[stroke < 0].max() - 3).item(),
        F.relu(respond(stroke.flip(0), DIAGONAL).max() - 5).item(),
        F.relu(respond(dash, DIAGONAL).max() - 3).item(),
        difference(painted, respond(kept, DIAGONAL)),
        difference(painted[4, 4:7], 5 * torch.tensor([3.0, -2, -1], dtype=torch.float64)),
    ]
    views = {
        "a stroke": stroke,
        "F: its response": found,
        "only values above 4": kept,
        "painted back": painted,
    }
    return Finding(errors, views)


def it_paints_a_letter() -> Finding:
    """Claim "painting a letter"."""
    impulse = torch.zeros(7, 7, dtype=torch.float64)
    impulse[1, 1] = impulse[5, 5] = 1
    transposed, ordinary = paint(impulse, LETTER_L), respond(impulse, LETTER_L)
    views = {
        "kernel": LETTER_L,
        "feature map": impulse,
        "transposed layer": transposed,
        "ordinary layer": ordinary,
    }
    error = difference(ordinary, paint(impulse, LETTER_L.flip(0, 1)))
    return Finding([error], views)


def why_the_transpose() -> Finding:
    """Claim "why the transpose"."""
    matrix = convolution_matrix(LETTER_L[None, None], 9, padding=1)
    x, maps = random(200, 81), random(200, 81, seed=1)
    painted = maps @ matrix  # each row is Aᵀ F
    agreement = (x @ matrix.T * maps).sum(1)  # ⟨A x, F⟩
    most = painted.norm(dim=1)
    best = painted / most[:, None]
    taps = matrix[40]  # of one output: the best x under ‖x‖∞ ≤ 1 is their sign
    errors = [
        difference(painted[0].reshape(9, 9), paint(maps[0].reshape(9, 9), LETTER_L)),
        difference(agreement, (x * painted).sum(1)),
        difference((best @ matrix.T * maps).sum(1), most),
        F.relu(agreement / x.norm(dim=1) - most).max().item(),
        difference(taps @ taps.sign(), taps.abs().sum()),
        F.relu(x.clamp(-1, 1) @ taps - taps.abs().sum()).max().item(),
    ]
    unit = torch.zeros(81, dtype=torch.float64)
    unit[3 * 9 + 4] = 1
    views = {
        "Aᵀ F: one active unit": (unit @ matrix).reshape(9, 9),
        "a random matrix": (unit @ random(81, 81)).reshape(9, 9),
    }
    return Finding(errors, views)
