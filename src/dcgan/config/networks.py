"""The two networks: kinds and sizes of their blocks."""

from dataclasses import dataclass
from typing import Any

from dcgan.checks import require_at_least, require_one_of
from dcgan.errors import UserError

DOUBLING_TRIPLES = ((1, 0, 1), (2, 0, 0), (3, 1, 1), (4, 1, 0), (5, 2, 1), (6, 2, 0))


@dataclass(kw_only=True)
class UpsampleConfig:
    """One way to double height and width; see `dcgan.networks.upsampling`."""

    kind: str  # transposed, resize (then convolve) or subpixel (convolve, then shuffle)
    kernel_size: int
    padding: int | None = None  # transposed only
    output_padding: int | None = None  # transposed only
    mode: str | None = None  # resize only: nearest or bilinear
    padding_mode: str = "zeros"  # of the convolution in resize and subpixel: zeros or reflect
    init: str = "normal"  # normal; bilinear (transposed, kernel 3 or 4); icnr (subpixel)
    smooth: bool = False  # a fixed [1 2 1]/4 filter after the block
    layers: Any = "all"  # all, first, last, up1 … upL, or a list of these; the others resize

    def __post_init__(self) -> None:
        require_one_of("upsample.kind", self.kind, ("transposed", "resize", "subpixel"))
        require_one_of("upsample.padding_mode", self.padding_mode, ("zeros", "reflect"))
        require_at_least("upsample.kernel_size", self.kernel_size, 1)
        if self.kind == "transposed":
            self._check_transposed()
        else:
            self._check_convolution()
        inits = {
            "transposed": ("normal", "bilinear") if self.kernel_size in (3, 4) else ("normal",),
            "resize": ("normal",),
            "subpixel": ("normal", "icnr"),
        }
        require_one_of(
            f"upsample.init (kind={self.kind}, kernel_size={self.kernel_size})",
            self.init,
            inits[self.kind],
        )

    def _check_transposed(self) -> None:
        k, p, op = self.kernel_size, self.padding, self.output_padding
        if p is None or op is None or k - 2 * p + op != 2 or not 0 <= op < 2 or p < 0:
            triples = ", ".join(map(str, DOUBLING_TRIPLES))
            raise UserError(
                f"upsample (kernel_size, padding, output_padding)=({k}, {p}, {op}) does not double"
                f" a size at stride 2; these do: {triples}"
            )
        if self.mode is not None:
            raise UserError(f"upsample.mode={self.mode}: only for kind=resize; must be null")
        if self.padding_mode != "zeros":
            raise UserError(
                f"upsample.padding_mode={self.padding_mode}: must be zeros for kind=transposed"
            )

    def _check_convolution(self) -> None:
        if self.kernel_size % 2 == 0:
            raise UserError(
                f"upsample.kernel_size={self.kernel_size}: must be odd for kind={self.kind},"
                " so that the convolution keeps the size"
            )
        for name in ("padding", "output_padding"):
            if (value := getattr(self, name)) is not None:
                raise UserError(f"upsample.{name}={value}: only for kind=transposed; must be null")
        if self.kind == "resize":
            require_one_of("upsample.mode (kind=resize)", self.mode, ("nearest", "bilinear"))
        elif self.mode is not None:
            raise UserError(f"upsample.mode={self.mode}: only for kind=resize; must be null")

    @property
    def label(self) -> str:
        """What a figure's legend calls it: transposed k3, nearest + conv k3, sub-pixel k3 ICNR."""
        kinds = {
            "transposed": "transposed",
            "resize": f"{self.mode} + conv",
            "subpixel": "sub-pixel",
        }
        words = [kinds[self.kind], f"k{self.kernel_size}"]
        if self.init != "normal":
            words.append("ICNR" if self.init == "icnr" else f"{self.init} init")
        if self.padding_mode != "zeros":
            words.append(self.padding_mode)
        if self.smooth:
            words.append("smoothed")
        if self.layers != "all":
            words.append("in the last block" if self.layers == "last" else f"in {self.layers}")
        return " ".join(words)

    def selected_layers(self, num_blocks: int) -> frozenset[int]:
        """Indices (0 … num_blocks − 1) of the blocks that use this choice.

        Raises:
            UserError: `layers` names a block that the generator does not have.
        """
        names = [self.layers] if isinstance(self.layers, str) else self.layers
        known = {f"up{i + 1}": {i} for i in range(num_blocks)}
        known |= {"all": set(range(num_blocks)), "first": {0}, "last": {num_blocks - 1}}
        if not isinstance(names, list) or not names:
            raise UserError(f"upsample.layers={names}: must be a name or a list of {list(known)}")
        for name in names:
            require_one_of("upsample.layers", name, known)
        return frozenset().union(*(known[name] for name in names))


@dataclass(kw_only=True)
class DownsampleConfig:
    """How the discriminator halves height and width."""

    kind: str  # strided: convolution at stride 2; pooled: at stride 1, then 2x2 average pooling
    kernel_size: int

    def __post_init__(self) -> None:
        require_one_of("downsample.kind", self.kind, ("strided", "pooled"))
        allowed = (2, 3, 4, 5, 6) if self.kind == "strided" else (3, 5)
        require_one_of("downsample.kernel_size", self.kernel_size, allowed)

    @property
    def label(self) -> str:
        """What a figure's legend calls it: D strided k4, D conv k3 + pool."""
        if self.kind == "strided":
            return f"D strided k{self.kernel_size}"
        return f"D conv k{self.kernel_size} + pool"


@dataclass(kw_only=True)
class GeneratorConfig:
    """Kind and size of the generator."""

    kind: str = "doubling"  # doubling: from base x base up; flat: stride 1 at full resolution
    filters: int  # channels before the last block, doubled towards the latent; flat: of every layer
    latent_size: int | None = None  # length of z (doubling only; flat: one number a pixel)
    kernel_size: int | None = None  # flat only
    num_layers: int | None = None  # flat only

    def __post_init__(self) -> None:
        require_one_of("generator.kind", self.kind, ("doubling", "flat"))
        require_at_least("generator.filters", self.filters, 1)
        flat_only = {"kernel_size": 1, "num_layers": 2}
        needed, useless = {"latent_size": 1}, flat_only
        if self.kind == "flat":
            needed, useless = useless, needed
        for name, least in needed.items():
            value = getattr(self, name)
            if value is None:
                raise UserError(f"generator.{name}=null: kind={self.kind} needs it")
            require_at_least(f"generator.{name}", value, least)
        for name in useless:
            if (value := getattr(self, name)) is not None:
                raise UserError(f"generator.{name}={value}: has no effect on kind={self.kind}")
        if self.kernel_size is not None and self.kernel_size % 2 == 0:
            raise UserError(
                f"generator.kernel_size={self.kernel_size}: must be odd, to keep the size"
            )

    @property
    def label(self) -> str:
        """What a figure's legend calls it: 32 filters, z of 100; flat k9, 4 layers of 5 filters."""
        if self.kind == "flat":
            return f"flat k{self.kernel_size}, {self.num_layers} layers of {self.filters} filters"
        return f"{self.filters} filters, z of {self.latent_size}"


@dataclass(kw_only=True)
class DiscriminatorConfig:
    """Size and normalisation of the discriminator."""

    filters: int  # channels after the first block; they double towards the logit
    norm: str = "batch"  # batch (not in the first block), spectral (of every weight) or none

    def __post_init__(self) -> None:
        require_at_least("discriminator.filters", self.filters, 1)
        require_one_of("discriminator.norm", self.norm, ("batch", "spectral", "none"))
