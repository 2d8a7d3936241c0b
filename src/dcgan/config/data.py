"""Which images, and how they are prepared."""

from typing import Literal

from pydantic.dataclasses import dataclass

from dcgan.checks import doublings
from dcgan.config.settings import RULES, Count, Flag

Source = Literal[
    "digits", "photos", "mnist", "fashion_mnist", "cifar10", "celeba", "folder", "synthetic"
]
DRAWN_SOURCES = ("digits", "photos", "synthetic")  # made here, in any number; they read no files
FILE_SOURCES = ("celeba", "folder")  # image files, cropped and resized


@dataclass(kw_only=True, config=RULES)
class DataConfig:
    """Which images, and how they are prepared."""

    source: Source
    image_size: Count  # height and width, pixels
    channels: Literal[1, 3]  # 1 gray, 3 color
    flip: Flag  # mirror left-right at random while training
    num_images: Count | None = None  # how many to draw (drawn sources only)
    root: str | None = None  # the folder that holds the files (file sources only)
    crop: Count | None = None  # center square, pixels, cut before resizing; None: the largest one
    on_error: Literal["fail", "skip"] = "fail"  # a broken image: fail, or skip (and count it)
    cache_dir: str = "~/.cache/dcgan"  # prepared images are kept here
    num_workers: Count | None = None  # processes that decode; None: one per core

    def __post_init__(self) -> None:
        doublings(self.image_size)
        drawn = self.source in DRAWN_SOURCES
        needed, useless = ("num_images", "root") if drawn else ("root", "num_images")
        if getattr(self, needed) is None:
            raise ValueError(f"{needed}=null: data={self.source} needs it: data.{needed}=VALUE")
        if (value := getattr(self, useless)) is not None:
            raise ValueError(f"{useless}={value}: has no effect on data={self.source}")
        if self.crop is not None and self.source not in FILE_SOURCES:
            raise ValueError(f"crop={self.crop}: only for {' and '.join(FILE_SOURCES)}")
