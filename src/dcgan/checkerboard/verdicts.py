"""What a diagnosis says: a row for each layer, advice, what to fix first, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dcgan.checkerboard.effects import Effect
from dcgan.checkerboard.scores import PEAK

CLEAN = 1e-3  # ρ below this: a period-2 pattern too faint for the image scores
ROUNDING = 1e-12  # printed as 0
STRONG = 0.1  # ρ above this: a grid, below: a faint one
UNEVEN = 1.5  # κ above this: uneven energy
UNSEEN = (
    "Without an example input, functional calls such as F.interpolate are not seen, nor what"
    " follows a layer outside its nn.Sequential."
)


@dataclass
class LayerDiagnosis:
    """One row: an upsampling layer and what it does to an image."""

    name: str
    kind: str  # such as ConvTranspose2d, or Conv2d + PixelShuffle
    kernel_size: tuple[int, ...] = ()
    stride: tuple[float, ...] = ()  # output size ÷ input size
    dilation: tuple[int, ...] = ()
    coverage: float | None = None  # most ÷ fewest taps that reach an output pixel; 1 is even
    shift: tuple[float, ...] = ()  # output pixels by which the image moves, per axis
    rho: float | None = None  # non-constant share of the response to a constant; None: not judged
    kappa: float | None = None  # tap energy, strongest ÷ weakest phase; None: not measured
    on_real_inputs: bool = False  # ρ is weighted by the layer's inputs, not by the identity
    problem: str | None = None  # why the layer could not be judged
    cure: str = ""  # what to do about a checkerboard
    needs_shift: bool = False  # the path fits together only because of the shift
    effects: list[Effect] = field(default_factory=list)  # on the output, if it is an image

    @property
    def verdict(self) -> str:
        """One of: not judged, clean, uneven energy, faint grid, grid."""
        if self.rho is None:
            return "not judged"
        if self.rho < CLEAN:
            return "uneven energy" if self.kappa is not None and self.kappa > UNEVEN else "clean"
        return "grid" if self.rho > STRONG else "faint grid"

    @property
    def gain(self) -> float:
        """Gray levels by which balancing this layer alone weakens the output's pattern."""
        return max((e.amplitude[0] - e.amplitude[1] for e in self.effects), default=0.0)

    @property
    def advice(self) -> str:
        """The cure if one is needed, and anything else worth knowing."""
        words = [self.problem] if self.problem else []
        if self.verdict.endswith("grid"):
            words.append(self.cure)
        if self.verdict == "uneven energy":
            words.append(
                f"equal gains, but κ {self.kappa:.2g}: flat areas stay clean, noise and fine detail"
                " come out stronger in some pixel phases"
            )
        if any(self.shift):
            moved = f"as it is, the layer shifts the image by {signed(self.shift)} px"
            words.append(moved + ", as the rest of the path needs" * self.needs_shift)
        return "; ".join(words)


@dataclass(frozen=True)
class Diagnosis:
    """All upsampling layers of a network, in the order they run (or are defined)."""

    layers: Sequence[LayerDiagnosis]
    watched: bool = True  # the network was run on an example, so all operations were seen
    alignment: Sequence[str] = ()  # where images do not lie on each other
    remarks: Sequence[str] = ()  # what could not be measured

    @property
    def verdict(self) -> str:
        """A few sentences."""
        if not self.layers:
            nothing = "No upsampling layer found: "
            if self.watched:
                return f"{nothing}nothing enlarges an image."
            seen = "no ConvTranspose, Upsample or PixelShuffle among the modules."
            hint = "Functional calls such as F.interpolate are found only with an example input."
            return f"{nothing}{seen} {hint}"
        grids = [f"{x.name} (ρ {x.rho:.2g})" for x in self.layers if x.verdict.endswith("grid")]
        energy = [f"{x.name} (κ {x.kappa:.2g})" for x in self.layers if "energy" in x.verdict]
        unjudged = [x.name for x in self.layers if x.rho is None]
        judged = len(self.layers) - len(unjudged)
        sentences = []
        if grids:
            sentences.append(f"Grid: {', '.join(grids)}.")
        elif judged:
            sentences.append(
                f"No checkerboard from {judged} of {len(self.layers)} upsampling layers."
            )
        if energy:
            sentences.append(f"Uneven energy: {', '.join(energy)}.")
        if unjudged:
            sentences.append(f"Not judged: {', '.join(unjudged)}.")
        return " ".join(sentences)

    def ranking(self) -> list[str]:
        """The layers whose balancing changes the output, the one to fix first at the top."""
        ranked = sorted((x for x in self.layers if x.effects), key=lambda x: -x.gain)
        lines = []
        for i, layer in enumerate(ranked, 1):
            changes = ", ".join(
                f"{PEAK[e.period].name} {e.ratio[0]:.3g} → {e.ratio[1]:.3g}"
                f" ({e.amplitude[0]:.2g} → {e.amplitude[1]:.2g} gray levels)"
                for e in layer.effects
            )
            lines.append(f"{i}. layer {layer.name}: {changes}")
        return lines

    def __str__(self) -> str:
        """A table, advice on layers that need it, what to fix first, and the verdict."""
        header = ("layer", "kind", "kernel", "stride", "coverage", "shift px", "ρ", "κ", "verdict")
        rows: list[tuple[str, ...]] = [header]
        for x in self.layers:
            numbers = (x.kernel_size, x.stride, x.coverage, x.shift, x.rho, x.kappa)
            rows.append((x.name, x.kind, *map(cell, numbers), x.verdict))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        advised: dict[str, list[str]] = {}
        for layer in self.layers:
            advised.setdefault(layer.advice, []).append(layer.name)
        notes = [f"{', '.join(names)}: {advice}." for advice, names in advised.items() if advice]
        notes += [f"{line}." for line in (*self.alignment, *self.remarks)]
        ranking = self.ranking()
        if ranking:
            ranking.insert(0, "The output's pattern, before → after balancing one layer alone:")
        table = table if self.layers else ""
        unseen = UNSEEN if self.layers and not self.watched else ""
        parts = table, "\n".join(notes), "\n".join(ranking), unseen, self.verdict
        return "\n\n".join(filter(None, parts))


def signed(values: Sequence[float]) -> str:
    """Each with its sign."""
    return ", ".join(f"{value:+g}" for value in values)


def cell(value: Sequence[float] | float | None) -> str:
    """– for an unknown value, 3 for (3, 3), 3x5 for (3, 5)."""
    if value is None or value == ():
        return "–"
    if isinstance(value, Sequence):
        sizes = [f"{size:g}" for size in value]
        return sizes[0] if len(set(sizes)) == 1 else "x".join(sizes)
    return f"{value:.3g}" if value > ROUNDING else "0"
