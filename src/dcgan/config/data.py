"""Which images, and how they are prepared."""

from dataclasses import dataclass

from dcgan.checks import doublings, require_at_least, require_one_of
from dcgan.errors import UserError

SOURCES = (
    "digits",
    "photos",
    "mnist",
    "fashion_mnist",
    "cifar10",
    "celeba",
    "folder",
    "synthetic",
)
DRAWN_SOURCES = ("digits", "photos", "synthetic")  # made here, in any number; they read no files
FILE_SOURCES = ("celeba", "folder")  # image files, cropped and resized


@dataclass(kw_only=True)
class DataConfig:
    """Which images, and how they are prepared."""

    source: str
    image_size: int  # height and width, pixels
    channels: int  # 1 grey, 3 colour
    flip: bool  # mirror left-right at random while training
    num_images: int | None = None  # how many to draw (drawn sources only)
    root: str | None = None  # the folder that holds the files (file sources only)
    crop: int | None = None  # centre square, pixels, cut before resizing; None: the largest one
    on_error: str = "fail"  # a broken image: fail, or skip (counted and left out)
    cache_dir: str = "~/.cache/dcgan"  # prepared images are kept here
    num_workers: int | None = None  # processes that decode; None: one per core

    def __post_init__(self) -> None:
        require_one_of("data.source", self.source, SOURCES)
        require_one_of("data.channels", self.channels, (1, 3))
        require_one_of("data.on_error", self.on_error, ("fail", "skip"))
        doublings(self.image_size)
        for name in ("num_images", "crop", "num_workers"):
            if (value := getattr(self, name)) is not None:
                require_at_least(f"data.{name}", value, 1)
        drawn = self.source in DRAWN_SOURCES
        needed, useless = ("num_images", "root") if drawn else ("root", "num_images")
        if getattr(self, needed) is None:
            raise UserError(f"data.{needed}=null: data={self.source} needs it: data.{needed}=VALUE")
        if (value := getattr(self, useless)) is not None:
            raise UserError(f"data.{useless}={value}: has no effect on data={self.source}")
        if self.crop is not None and self.source not in FILE_SOURCES:
            raise UserError(f"data.crop={self.crop}: only for {' and '.join(FILE_SOURCES)}")
