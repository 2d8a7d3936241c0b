"""A DCGAN that shows, measures and cures checkerboard artifacts."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Result", "Run", "cure", "diagnose", "evaluate", "sample", "train"]

if TYPE_CHECKING:
    from dcgan.commands.api import Result, Run, cure, diagnose, evaluate, sample, train
else:

    def __getattr__(name: str) -> object:
        """Import the commands when one is used: Hydra and torch take seconds."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from dcgan.commands import api

        return getattr(api, name)

    def __dir__() -> list[str]:
        """For completion."""
        return [*globals(), *__all__]
