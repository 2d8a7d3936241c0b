"""Real images to compare with: a run's training images, and held-out ones."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from dcgan.config import DataConfig, build
from dcgan.data.preparation import prepare
from dcgan.data.splits import has_test_split, read_test_images
from dcgan.errors import UserError
from dcgan.files import expand
from dcgan.networks.checkpoint import find_checkpoint, read_checkpoint
from dcgan.pictures import evenly_spread

log = logging.getLogger(__name__)


def read_run(
    path: str | Path, root: str | None = None, advice: str = "restore them there"
) -> tuple[dict[str, Any], DataConfig, Tensor]:
    """Read a run's checkpoint, data settings, and training images, (N, C, H, W) uint8.

    Args:
        path: a run's folder, or a checkpoint.
        root: of the data, if it has moved.
        advice: for messages about the data's folder.

    Raises:
        UserError: the checkpoint or its data cannot be read, or the images have changed.
    """
    file = find_checkpoint(path)
    if file.suffix != ".pt":
        raise UserError(
            f"checkpoint={path}: must be a run or a .pt: an exported generator does not say which"
            " data it was trained on, and has no discriminator"
        )
    checkpoint = read_checkpoint(file)
    settings = checkpoint["config"]["data"] | ({} if root is None else {"root": root})
    has_cache = False  # it may be another machine's
    with suppress(UserError, OSError):
        has_cache = expand(settings["cache_dir"]).is_dir()
    if not has_cache and settings["cache_dir"] != DataConfig.cache_dir:
        missing, settings["cache_dir"] = settings["cache_dir"], DataConfig.cache_dir
        log.warning("data.cache_dir=%s: no such folder; using %s", missing, DataConfig.cache_dir)
    try:
        data = build(DataConfig, settings)
        prepared = prepare(data)
    except UserError as error:
        reason = str(error)
        if root is not None:
            raise UserError(reason.replace("data.root=", "root=")) from error
        help_ = f"; {advice}" if "data.root=" in reason else ""
        raise UserError(f"{file}: the run's data cannot be read ({reason}){help_}") from error
    if prepared.digest != checkpoint["data_digest"]:
        if data.root is None:
            where = f"{file}: this version draws other images of data={data.source}"
            raise UserError(f"{where} than the run was trained on")
        where = f"{file}: data.root={data.root}" if root is None else f"root={root}"
        raise UserError(f"{where}: not the images that the run was trained on; {advice}")
    return checkpoint, data, prepared.open()


def held_out(data: DataConfig, training_images: Tensor, at_most: int) -> Tensor:
    """At most `at_most` evenly spaced images of the test split, (N, C, H, W) in [−1, 1].

    For data without a test split, the training images are used instead.

    Args:
        training_images: (N, C, H, W) uint8.

    Raises:
        UserError: the files are missing or damaged.
    """
    images = read_test_images(data) if has_test_split(data) else training_images
    return evenly_spread(images, at_most)
