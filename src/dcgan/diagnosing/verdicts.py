"""The words of a diagnosis: the verdict on layers or on images, and what it rests on."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from dcgan.checkerboard import Diagnosis
from dcgan.checkerboard.judgement import PeriodJudgement
from dcgan.checkerboard.lines import PERIODS, SPACING
from dcgan.checkerboard.scores import PRESENT

STATUS = {"clean": 0, "grid": 1, "could not judge": 3}
MIN_TILES = 32  # with fewer, the interval says more about chance than about the images
OF_DOUBLINGS = {
    2: "the last upsampling layer",
    4: "the upsampling layer before the last",
    8: "the third upsampling layer from the end, or from JPEG compression at some point",
    16: "the fourth upsampling layer from the end",
}


def judge_layers(network: Diagnosis) -> tuple[str, str]:
    """The verdict, a key of `STATUS`, and its reason: clean only if no layer can leave a grid."""
    verdicts = {layer.verdict for layer in network.layers}
    if any(verdict.endswith("grid") for verdict in verdicts):
        return "grid", network.verdict
    # Without an example, functional calls are not seen.
    known = network.watched and verdicts <= {"clean", "uneven energy"}
    return "clean" if known else "could not judge", network.verdict


def judge_images(
    periods: Sequence[PeriodJudgement], tiles: Tensor, reference: Tensor | None
) -> tuple[str, str]:
    """The verdict, a key of `STATUS`, and its reason, which says which periods were tested."""
    for name, some in (("target", tiles), ("reference", reference)):
        if some is not None and len(some) < MIN_TILES:
            few = f"the {name} gives {len(some)} tiles; at least {MIN_TILES} are needed"
            return "could not judge", f"{few}: use more or larger images"
    for name, some in (("target", tiles), ("reference", reference)):
        if some is not None and some.flatten(2).std(-1).max() == 0:
            return "could not judge", f"every image of the {name} is a single color"
    beside = "noise" if reference is None else "the reference"
    grids = [period for period in periods if period.verdict == "grid"]
    if grids:
        found = ", ".join(
            f"period {p.period}: {p.ratio:.3g} times that of {beside} {_interval(p)}" for p in grids
        )
        reason = f"{found}; in a generator this comes from {layers_of([p.period for p in grids])}"
        if harmonics := [p.period for p in periods if p.verdict.startswith("harmonic")]:
            reason += f"; {_periods(harmonics)}: its harmonics, or patterns of later layers"
        return "grid", reason
    undecided = [f"{p.period} {_interval(p)}" for p in periods if p.verdict == "undecided"]
    if undecided:
        around = f"the interval contains {PRESENT:g} (period {', '.join(undecided)})"
        return "could not judge", f"{around}; more images may settle it"
    tested = [p.period for p in periods if p.verdict == "clean"]
    if not tested:
        return "could not judge", "JPEG's blocks hide every period that could be tested"
    reason = f"no period exceeds {PRESENT:g} times that of {beside} (tested: {spans(tested)})"
    return "clean", reason


def limits(periods: Sequence[PeriodJudgement], side: int) -> list[str]:
    """Sentences on what could not be tested, in tiles of this many pixels."""
    sentences = []
    blocks = [p.period for p in periods if p.verdict == "JPEG"]
    if blocks:
        sentences.append(
            f"Not judged: {_periods(blocks)}. JPEG's blocks have this pattern, and would hide"
            " another one."
        )
    untested = [period for period in PERIODS if period > periods[-1].period]
    if untested:
        needed = f"longer periods need images of {SPACING} times their length, at least"
        sentences.append(f"Not tested in tiles of {side} pixels: {_periods(untested)}; {needed}.")
    return sentences


def layers_of(periods: Sequence[int]) -> str:
    """What leaves patterns of these periods: the layers, counted from the end."""
    named = " and ".join(map(_layer_of, periods))
    longer = any(period in OF_DOUBLINGS and period > 2 for period in periods)
    return named + (" (if each layer doubles height and width)" if longer else "")


def both(network: Diagnosis, images_verdict: str) -> str | None:
    """How the layers' verdict and the images' can differ, if they do."""
    layers_verdict, _ = judge_layers(network)
    if (layers_verdict, images_verdict) == ("grid", "clean"):
        return (
            "Layers with a grid can still give clean images if the pattern is fainter than the"
            " images' own fine detail, or if a later layer smooths it: ρ is measured on one"
            " layer's response to constants, R on whole images."
        )
    if (layers_verdict, images_verdict) == ("clean", "grid"):
        return (
            "Clean layers can still give images with a grid if inputs vary from pixel to pixel (ρ"
            " is measured on constants only), or if real images have the pattern (without a"
            " reference)."
        )
    return None


def spans(periods: Sequence[int]) -> str:
    """Increasing numbers in short form: "2–8, 10"."""
    breaks = [i + 1 for i, (a, b) in enumerate(pairwise(periods)) if b != a + 1]
    starts, ends = [0, *breaks], [*breaks, len(periods)]
    runs = [(periods[start], periods[end - 1]) for start, end in zip(starts, ends, strict=True)]
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)


def _layer_of(period: int) -> str:
    if period in OF_DOUBLINGS:
        return OF_DOUBLINGS[period]
    strides = _primes(period)
    if len(strides) == 1:
        return f"a last upsampling layer of stride {period}"
    each = ", then ".join(map(str, strides))
    return f"upsampling layers at the end whose strides multiply to {period}, such as {each}"


def _primes(number: int) -> list[int]:
    """The prime factors, largest first."""
    smallest = next(p for p in range(2, number + 1) if number % p == 0)
    return [*(_primes(number // smallest) if number > smallest else []), smallest]


def _periods(periods: Sequence[int]) -> str:
    return f"period{'s' * (len(periods) > 1)} {spans(periods)}"


def _interval(period: PeriodJudgement) -> str:
    return f"[{period.low:.3g}, {period.high:.3g}]"
