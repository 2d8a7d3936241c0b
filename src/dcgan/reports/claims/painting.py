"""How a transposed convolution adds a feature, and why the transpose and no other matrix does."""

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.convolution.matrix import convolution_matrix
from dcgan.reports.claims.claim import Claim, claim, difference, random
from dcgan.reports.claims.drawing import gallery

DIAGONAL = 2 * torch.eye(3, dtype=torch.float64) - 1
LETTER_L = torch.tensor([[1.0, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=torch.float64)


def stroke(kind: str) -> Tensor:
    """A 9x9 image in {−1, +1} with a stroke of nine pixels."""
    image = -torch.ones(9, 9, dtype=torch.float64)
    for i in range(9):
        image[i if kind != "-" else 4, 8 - i if kind == "/" else i] = 1
    return image


def answer(image: Tensor, kernel: Tensor) -> Tensor:
    """The ordinary layer, s = 1, p = 1."""
    return F.conv2d(image[None, None], kernel[None, None], padding=1)[0, 0]


def paint(feature_map: Tensor, kernel: Tensor) -> Tensor:
    """The transposed layer, s = 1, p = 1."""
    return F.conv_transpose2d(feature_map[None, None], kernel[None, None], padding=1)[0, 0]


def it_paints() -> Claim:
    """Claim 3."""
    impulse = torch.zeros(7, 7, dtype=torch.float64)
    impulse[2, 3] = 2.0
    stamped = torch.zeros_like(impulse)
    stamped[1:4, 2:5] = 2 * LETTER_L
    found = {kind: answer(stroke(kind), DIAGONAL) for kind in ("\\", "/", "-")}
    on_stroke = found["\\"].diagonal()
    off_stroke = found["\\"] - torch.diag(on_stroke) - 99 * torch.eye(9, dtype=torch.float64)
    expected = torch.tensor([4.0, *[9.0] * 7, 4.0], dtype=torch.float64)
    excess = [off_stroke.max() - 3, found["/"].max() - 5, found["-"].max() - 3]
    kept = F.relu(found["\\"] - 4)
    painted = paint(kept, DIAGONAL)
    errors = [
        difference(paint(impulse, LETTER_L), stamped),
        difference(on_stroke, expected),
        *(max(0.0, e.item()) for e in excess),
        difference(paint(impulse, LETTER_L).flip(0, 1), answer(impulse.flip(0, 1), LETTER_L)),
    ]
    symmetric = difference(paint(kept, DIAGONAL), answer(kept, DIAGONAL))
    return claim(
        "painting",
        errors,
        figure=gallery(
            [stroke("\\"), found["\\"], kept, painted],
            ["a stroke", "F: how it answers", "only what is above 4", "painted back"],
        ),
        symmetric=symmetric,
    )


def it_paints_a_letter() -> Claim:
    """Claim 3, the asymmetric row."""
    impulse = torch.zeros(7, 7, dtype=torch.float64)
    impulse[2, 2] = impulse[4, 5] = 1
    transposed, ordinary = paint(impulse, LETTER_L), answer(impulse, LETTER_L)
    turned = paint(impulse, LETTER_L.flip(0, 1))
    return claim(
        "painting a letter",
        [difference(ordinary, turned)],
        figure=gallery(
            [LETTER_L, impulse, transposed, ordinary],
            ["kernel", "map: where", "transposed layer", "ordinary layer"],
        ),
        difference=difference(transposed, ordinary),
    )


def why_the_transpose() -> Claim:
    """Claim 4."""
    matrix = convolution_matrix(LETTER_L[None, None], 9, padding=1)
    feature_map = torch.zeros(81, dtype=torch.float64)
    feature_map[3 * 9 + 4] = 1
    errors = []
    for seed in range(200):
        x, f = random(81, seed=seed), random(81, seed=1000 + seed)
        errors.append(abs(((matrix @ x) @ f - x @ (matrix.T @ f)).item()))
        best = matrix.T @ f / (matrix.T @ f).norm()
        other = x / x.norm()
        errors.append(max(0.0, ((matrix @ other) @ f - (matrix @ best) @ f).item()))
        w = matrix[40]
        sign = w.sign()
        errors.append(abs((w @ sign - w.abs().sum()).item()))
        errors.append(max(0.0, (w @ x.clamp(-1, 1) - w @ sign).item()))
    drawn = random(81, 81)
    return claim(
        "why the transpose",
        errors,
        figure=gallery(
            [(matrix.T @ feature_map).reshape(9, 9), (drawn.T @ feature_map).reshape(9, 9)],
            ["Aᵀ F: one active unit", "a random matrix's"],
        ),
    )
