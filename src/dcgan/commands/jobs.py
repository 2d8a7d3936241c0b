"""A multirun's jobs that run side by side, in processes of joblib's: stopped together, told apart.

joblib by itself kills all jobs as soon as one of them is interrupted.
"""

import logging
import multiprocessing
import os
from types import FrameType
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from dcgan.training.interruption import Interruption


class StopTogether(Callback):
    """A Hydra callback: Ctrl-C or SIGTERM lets every running job save itself; no other begins."""

    _interruption: ClassVar[Interruption | None] = None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Called before the first job, in the process that the user has started."""
        if "joblib" in config.hydra.launcher._target_:
            type(self)._interruption = _PassedOn().__enter__()

    @classmethod
    def received(cls) -> int | None:
        """The signal that came while jobs ran side by side, if one did."""
        return None if cls._interruption is None else cls._interruption.received


class _PassedOn(Interruption):
    """Tells the jobs too: a terminal sends Ctrl-C to all, but others may know this process only."""

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_first = self.received is None
        super()._handle(number, frame)
        if is_first:
            for job in multiprocessing.active_children():
                if job.pid is not None:
                    os.kill(job.pid, number)


def runs_beside_others() -> bool:
    """Whether this process is one of joblib's."""
    return multiprocessing.current_process().name != "MainProcess"


def begin_beside_others(job: int) -> bool:
    """Keep signals for the training loop, now and between jobs; put the job's number into its log.

    Returns:
        Whether the job may begin: not if a signal has come.
    """

    def numbered(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = logging.LogRecord(*args, **kwargs)
        record.msg = f"#{job} {record.msg}"
        return record

    logging.setLogRecordFactory(numbered)
    return Interruption().__enter__().received is None
