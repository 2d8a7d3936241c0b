"""Tensors in files: written whole; read only if they are whole and finite."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, InstanceOf
from torch import Tensor

from dcgan.errors import UserError
from dcgan.files import replacing
from dcgan.reading import check_archive, naming


def save_tensors(path: Path, content: Any) -> None:
    """Write what `load_tensors` reads, whole or not at all.

    Raises:
        OSError: it cannot be written, as on a full disk; names the path.
    """
    with replacing(path) as temporary:
        try:
            # torch is given an open file: one that it opens itself does not say why it fails.
            with temporary.open("wb") as file:
                torch.save(content, file)
        except (OSError, RuntimeError) as error:
            cause = error if isinstance(error, OSError) else error.__context__
            if not isinstance(cause, OSError):
                raise
            raise OSError(cause.errno, cause.strerror, str(path)) from error


def load_tensors(path: Path) -> Any:
    """What torch.save wrote: tensors on the CPU and plain values, nothing that runs code.

    Raises:
        UserError: the file is missing, damaged (one bit is enough), or holds something else.
    """
    check_archive(path)  # torch.load ignores the checksums
    with naming(path, "a file of tensors and plain values alone"):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except UnpicklingError as error:  # torch says at length how to load it nevertheless
            raise UserError("holds objects that could run code") from error


def _finite(tensor: Tensor) -> Tensor:
    if not tensor.isfinite().all():
        raise ValueError("has values that are not finite")
    return tensor


Finite = Annotated[InstanceOf[Tensor], AfterValidator(_finite)]  # a tensor, for pydantic
