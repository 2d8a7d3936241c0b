"""A multirun's jobs that run side by side, in processes of joblib's: stopped together, told apart.

joblib by itself kills all jobs as soon as one of them, or of its processes, is interrupted.
"""

import logging
import multiprocessing
import multiprocessing.resource_tracker
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from dcgan.training.interruption import SIGNALS, Interruption

JOBS = "DCGAN_JOBS"  # in the environment of jobs stopped together: "begin", later "stop"
STOPPING = "stopping: every job saves itself first; Ctrl-C again ends them at once\n"


class _PassedOn(Interruption):
    """One that tells other processes: a terminal sends Ctrl-C to all, but `kill` only to one."""

    def __init__(self, others: Callable[[], list[int]]) -> None:
        super().__init__()
        self._others = others

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_first = self.received is None
        super()._handle(number, frame)
        if is_first:
            os.environ[JOBS] = "stop"  # for processes that are still to start
            for process in self._others():
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(process, number)


class StopTogether(Callback):
    """A Hydra callback: Ctrl-C or SIGTERM lets every running job save itself; no other begins."""

    _interruption: ClassVar[_PassedOn | None] = None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Called before the first job, in the process that the user has started."""
        if "joblib" not in config.hydra.launcher._target_:
            return
        os.environ[JOBS] = "begin"
        type(self)._interruption = interruption = _PassedOn(_say_and_list_jobs)
        interruption.__enter__()
        _block_signals_in_new_processes()

    @classmethod
    def received(cls) -> int | None:
        """The signal that came while jobs ran side by side, if one did."""
        return None if cls._interruption is None else cls._interruption.received

    @classmethod
    def leave(cls) -> None:
        """All jobs have ended: signals go their usual way again."""
        if cls._interruption is not None:
            cls._interruption.__exit__(None, None, None)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def runs_beside_others() -> bool:
    """Whether this process is one of joblib's, and its jobs are stopped together."""
    return JOBS in os.environ and multiprocessing.current_process().name != "MainProcess"


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
    interruption = _PassedOn(_list_parent).__enter__()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # what came before is received now
    return interruption.received is None and os.environ[JOBS] == "begin"


def _say_and_list_jobs() -> list[int]:
    os.write(2, STOPPING.encode())  # print may be what the signal has interrupted
    return [job.pid for job in multiprocessing.active_children() if job.pid is not None]


def _list_parent() -> list[int]:
    parent = multiprocessing.parent_process()
    lives = parent is not None and parent.pid == os.getppid()
    return [os.getppid()] if lives else []


def _block_signals_in_new_processes() -> None:
    """Let joblib's processes keep signals that come before they have a job, or when they have none.

    One that ends of a signal breaks the pool. This process blocks them for its children to inherit;
    a thread receives its own.
    """
    from joblib.externals.loky.backend import resource_tracker as of_joblib

    for tracker in (multiprocessing.resource_tracker, of_joblib):
        tracker.ensure_running()  # which unblocks signals when it starts
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
