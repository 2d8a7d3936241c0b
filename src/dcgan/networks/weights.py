"""Files of tensors: written atomically; refused on reading if damaged or not finite."""

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
    """Write tensors and plain values atomically, for `load_tensors`.

    Raises:
        OSError: the file cannot be written, as on a full disk; names the path.
    """
    with replacing(path) as temporary:
        try:
            # Pass an open file: if torch opens the file itself, its error does not say why.
            with temporary.open("wb") as file:
                torch.save(content, file)
        except (OSError, RuntimeError) as error:
            cause = error if isinstance(error, OSError) else error.__context__
            if not isinstance(cause, OSError):
                raise
            raise OSError(cause.errno, cause.strerror, str(path)) from error


def load_tensors(path: Path) -> Any:
    """Read tensors (to the CPU) and plain values written by torch.save, without running code.

    Raises:
        UserError: the file is missing, damaged (even by one bit), or has other content.
    """
    check_archive(path)  # torch.load ignores the checksums
    with naming(path, "a file of tensors and plain values only"):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except UnpicklingError as error:  # torch's message explains how to load it anyway
            raise UserError("holds objects that could run code") from error


def _finite(tensor: Tensor) -> Tensor:
    if not tensor.isfinite().all():
        raise ValueError("has values that are not finite")
    return tensor


Finite = Annotated[InstanceOf[Tensor], AfterValidator(_finite)]  # a tensor, for pydantic
