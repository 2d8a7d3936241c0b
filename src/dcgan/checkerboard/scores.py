"""The names of a run's checkerboard scores and how they are compared, all in this one place.

Keys are used in metrics.jsonl, names on pages and in tables, array names in checkerboard/STEP.npz.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

PRESENT = 3.0  # the maximum over 99 snapshots of resize-convolution, which is clean, was 2.43


@dataclass(frozen=True)
class Score:
    """One number of a run, and how it is averaged, plotted and tested."""

    key: str  # for a block's score, the prefix of the block's name
    name: str
    meaning: str = ""
    logarithmic: bool = False  # a ratio: averaged geometrically, plotted on a logarithmic axis
    tested: bool = False  # between the arms of an ablation

    def of(self, block: str) -> "Score":
        """This score of one upsampling block."""
        return replace(self, key=f"{self.key}{block}", name=f"{self.name} {block}")


STD = Score("std", "std", "standard deviation of the images: how far training has come")
# By period: the peak ratio R, the amplitude A, and the phase-energy contrast PEC.
PEAK = {2: Score("r2", "R₂"), 4: Score("r4", "R₄")}
PEAK_OVER_REAL = {
    2: Score(
        "r2_over_real", "R₂ ÷ real", "pattern of period 2; 1: as clean as the data", True, True
    ),
    4: Score("r4_over_real", "R₄ ÷ real", "period 4, from the block before", True, True),
}
AMPLITUDE = {2: Score("a2", "A₂"), 4: Score("a4", "A₄")}
AMPLITUDE_OVER_STD = {
    2: Score("a2_over_std", "A₂ ÷ std", "RMS of the pattern, as a share of the images' std"),
    4: Score("a4_over_std", "A₄ ÷ std", "the same for period 4"),
}
CONTRAST = {
    2: Score("pec2", "PEC₂", "fine detail, strongest ÷ weakest pixel phase", True, True),
    4: Score("pec4", "PEC₄", "the same for period 4", True),
}
# For every upsampling block; a page shows the last block's.
IMBALANCE = Score("rho_", "ρ(M)", "uneven share of the last block's response to a constant")
TAP_CONTRAST = Score("kappa_", "κ", "last block's taps, strongest ÷ weakest phase", True)
# Of ∂D/∂x; tested where discriminators differ.
GRADIENT_CONTRAST = Score(
    "discriminator_pec2", "PEC₂ of ∂D/∂x", "the 2x2 pattern in D's gradient", True
)

SPECTRUM = "spectrum"  # (H, W)
PHASE_ENERGY = {2: "phase_energy2", 4: "phase_energy4"}  # (period, period)
GRADIENT_PHASE_ENERGY = "discriminator_phase_energy2"  # (2, 2)


def is_grid(ratio: float, raw: float) -> bool:
    """The rule: whether R ÷ real and raw R mean a checkerboard."""
    return ratio > PRESENT and raw > 1


def apply_rule(low: float, high: float, raw: float) -> str:
    """The verdict for an interval of R ÷ real and for raw R: grid, clean or undecided."""
    if is_grid(low, raw):
        return "grid"
    return "undecided" if is_grid(high, raw) else "clean"


def shown_scores(keys: Iterable[str]) -> list[Score]:
    """The scores that a page shows, of those with these keys, most important first."""
    known = set(keys)
    blocks = [k.removeprefix(IMBALANCE.key) for k in known if k.startswith(IMBALANCE.key)]
    of_last = [score.of(max(blocks)) for score in (IMBALANCE, TAP_CONTRAST) if blocks]
    shown = [
        *PEAK_OVER_REAL.values(),
        AMPLITUDE_OVER_STD[2],
        *CONTRAST.values(),
        *of_last,  # empty for a flat generator, which has no upsampling block
        GRADIENT_CONTRAST,
        STD,
    ]
    return [score for score in shown if score.key in known]
