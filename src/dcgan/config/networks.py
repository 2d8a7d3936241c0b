"""The two networks: kinds and sizes of their blocks."""

from typing import Any, Literal

from pydantic.dataclasses import dataclass

from dcgan.config.settings import RULES, Count, Flag, Natural, TwoOrMore, check_kind
from dcgan.errors import UserError

DOUBLING_TRIPLES = ((1, 0, 1), (2, 0, 0), (3, 1, 1), (4, 1, 0), (5, 2, 1), (6, 2, 0))


@dataclass(kw_only=True, config=RULES)
class UpsampleConfig:
    """One way to double height and width; see `dcgan.networks.upsampling`."""

    kind: Literal["transposed", "resize", "subpixel"]  # resize, then convolve; convolve, shuffle
    kernel_size: Count
    padding: Natural | None = None  # transposed only
    output_padding: Natural | None = None  # transposed only
    mode: Literal["nearest", "bilinear"] | None = None  # resize only
    padding_mode: Literal["zeros", "reflect"] = "zeros"  # of the convolution in resize, subpixel
    init: Literal["normal", "bilinear", "icnr"] = "normal"
    smooth: Flag = False  # a fixed [1 2 1]/4 filter after the block
    layers: Any = "all"  # all, first, last, up1 … upL, or several; the others resize

    def __post_init__(self) -> None:
        if self.kind == "transposed":
            check_kind(self, useless=["mode"])
            triple = (self.kernel_size, self.padding, self.output_padding)
            if triple not in DOUBLING_TRIPLES:
                raise ValueError(
                    "kernel_size={}, padding={}, output_padding={}: does not double a size at"
                    " stride 2; these do: {}".format(*triple, str(DOUBLING_TRIPLES)[1:-1])
                )
            if self.padding_mode != "zeros":
                raise ValueError(f"padding_mode={self.padding_mode}: has no effect on transposed")
        else:
            needed, useless = ["mode"], ["padding", "output_padding"]
            if self.kind == "subpixel":
                needed, useless = [], useless + needed
            check_kind(self, needed, useless)
            _check_odd(self)
        inits = {
            "normal": True,
            "bilinear": self.kind == "transposed" and self.kernel_size in (3, 4),
            "icnr": self.kind == "subpixel",
        }
        if not inits[self.init]:
            allowed = ", ".join(init for init, fits in inits.items() if fits)
            raise ValueError(f"init={self.init}: must be one of {allowed} for this kind and kernel")

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
        if not isinstance(names, list) or not names or any(name not in known for name in names):
            raise UserError(
                f"upsample.layers={self.layers}: must be one or several of {', '.join(known)}"
            )
        return frozenset().union(*(known[name] for name in names))


@dataclass(kw_only=True, config=RULES)
class DownsampleConfig:
    """How the discriminator halves height and width."""

    kind: Literal["strided", "pooled"]  # convolution at stride 2; at stride 1, then 2x2 averages
    kernel_size: Literal[2, 3, 4, 5, 6]  # pooled: 3 or 5

    def __post_init__(self) -> None:
        if self.kind == "pooled" and self.kernel_size not in (3, 5):
            raise ValueError(f"kernel_size={self.kernel_size}: must be one of 3, 5 for kind=pooled")

    @property
    def label(self) -> str:
        """What a figure's legend calls it: D strided k4, D conv k3 + pool."""
        if self.kind == "strided":
            return f"D strided k{self.kernel_size}"
        return f"D conv k{self.kernel_size} + pool"


@dataclass(kw_only=True, config=RULES)
class GeneratorConfig:
    """Kind and size of the generator."""

    kind: Literal["doubling", "flat"] = "doubling"  # from base x base up; stride 1 at full size
    filters: Count  # channels before the last block, doubled towards the latent; flat: every layer
    latent_size: Count | None = None  # length of z (doubling only; flat: one number a pixel)
    kernel_size: Count | None = None  # flat only
    num_layers: TwoOrMore | None = None  # flat only

    def __post_init__(self) -> None:
        needed, useless = ["latent_size"], ["kernel_size", "num_layers"]
        if self.kind == "flat":
            needed, useless = useless, needed
        check_kind(self, needed, useless)
        _check_odd(self)

    @property
    def label(self) -> str:
        """What a figure's legend calls it: 32 filters, z of 100; flat k9, 4 layers of 5 filters."""
        if self.kind == "flat":
            return f"flat k{self.kernel_size}, {self.num_layers} layers of {self.filters} filters"
        return f"{self.filters} filters, z of {self.latent_size}"


@dataclass(kw_only=True, config=RULES)
class DiscriminatorConfig:
    """Size and normalization of the discriminator."""

    filters: Count  # channels after the first block; they double towards the logit
    norm: Literal["batch", "spectral", "none"] = "batch"  # batch: not in the first block


def _check_odd(config: UpsampleConfig | GeneratorConfig) -> None:
    if config.kernel_size is not None and config.kernel_size % 2 == 0:
        raise ValueError(f"kernel_size={config.kernel_size}: must be odd, to keep the size")
