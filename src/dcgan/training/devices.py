"""The device, precision and processes of a run."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor
from torch.distributed import DistBackendError

from dcgan.config import TrainerConfig
from dcgan.errors import ExpectedError, RunFailed, UserError, expected, first_line
from dcgan.processor import cpu_has_bfloat16
from dcgan.training.interruption import handle_signals

TORCHRUN_SETS = ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
TIMEOUT = timedelta(minutes=10)  # for connecting, and for any later wait on another process

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # a run logs its precision itself
log = logging.getLogger(__name__)


@contextmanager
def naming_lost_processes(where_to_resume: str) -> Iterator[None]:
    """Raise `RunFailed` if another process of this run is lost: no further step is possible."""
    try:
        yield
    except RuntimeError as error:
        # NCCL has an exception type for a lost connection; gloo does not.
        lost = isinstance(error, DistBackendError) or "gloo" in str(error)
        if isinstance(error, ExpectedError) or not lost:  # ours may quote a path with "gloo"
            raise
        log.debug("torch's error", exc_info=error)
        raise RunFailed(
            "another process of this run was lost; the last good checkpoint, if there is one, is"
            f" {where_to_resume}"
        ) from error


@contextmanager
def connected(trainer: TrainerConfig) -> Iterator[Fabric]:
    """Set up device and precision, and with several processes, the connection between them.

    The connection is closed at the end: a process that exits with it open may abort.

    Raises:
        UserError: the accelerator or a device is missing, the number of processes is not the one
            asked for, or a batch cannot be divided among them.
    """
    if trainer.accelerator == "gpu" and not torch.accelerator.is_available():
        raise UserError("trainer.accelerator=gpu: no GPU is available; must be cpu or auto")
    num_processes = _check_processes(trainer)
    several = num_processes > 1
    fabric = _fabric(trainer, num_processes)
    if several:
        _connect(fabric, num_processes)
    if fabric.device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32 for matmuls; cuDNN uses it by default
        torch.backends.cudnn.benchmark = True  # every batch has the same shapes
    try:
        yield fabric
    finally:
        if several:
            torch.distributed.destroy_process_group()


def _fabric(trainer: TrainerConfig, num_processes: int) -> Fabric:
    """Fabric with the device and the precision; see `connected`."""
    several = num_processes > 1
    precision: Any = resolve_precision(trainer).precision  # checked by the config
    try:
        return Fabric(
            accelerator=trainer.accelerator,
            devices=trainer.devices,
            num_nodes=num_processes // trainer.devices,
            strategy=DDPStrategy(timeout=TIMEOUT) if several else "auto",
            precision=precision,
            # Lightning would refuse some variables of SLURM, which do not matter to one process.
            plugins=None if several else [LightningEnvironment()],
        )
    except (RuntimeError, ValueError, MisconfigurationException) as error:
        if expected(error):  # too little memory
            raise
        raise UserError(
            f"trainer.accelerator={trainer.accelerator}, trainer.devices={trainer.devices}: cannot"
            f" be used here ({' '.join(str(error).split())})"
        ) from error


def _check_processes(trainer: TrainerConfig) -> int:
    """The number of processes of this run, from torchrun's variables.

    Raises:
        UserError: it is not the number that was asked for, they cannot share a batch, or the
            variables do not fit together.
    """
    started = _count_processes("LOCAL_WORLD_SIZE")
    if trainer.devices != started:
        raise UserError(
            f"trainer.devices={trainer.devices}: does not match the number of processes on this"
            f" machine; set trainer.devices={started}, or start {trainer.devices}:"
            f" torchrun --nproc-per-node={trainer.devices} -m dcgan.commands.train …"
        )
    num_processes = _count_processes("WORLD_SIZE")
    if trainer.batch_size % num_processes:
        raise UserError(
            f"trainer.batch_size={trainer.batch_size}: must be a multiple of the"
            f" {num_processes} processes that share it"
        )
    rank = os.environ.get("RANK", "0")
    if not rank.isdecimal() or int(rank) >= num_processes:
        raise UserError(
            f"RANK={rank}: must be below WORLD_SIZE, which is {num_processes}; unset it, or use"
            " torchrun"
        )
    missing = [name for name in TORCHRUN_SETS if name not in os.environ]
    if num_processes > 1 and missing:
        raise UserError(
            f"WORLD_SIZE={num_processes}: {', '.join(missing)} not set; torchrun sets them all;"
            " unset WORLD_SIZE to train in one process"
        )
    return num_processes


def _count_processes(variable: str) -> int:
    """Read the number of processes from one of torchrun's variables."""
    text = os.environ.get(variable, "1")
    if not text.isdecimal() or not int(text):
        raise UserError(
            f"{variable}={text}: must be a number of processes; unset it, or use torchrun"
        )
    return int(text)


def _connect(fabric: Fabric, num_processes: int) -> None:
    """Connect the processes; only a signal or `TIMEOUT` ends the wait."""
    where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    log.info("connecting the %d processes of this run at %s", num_processes, where)
    # torch waits in C++, where Python's signal handlers do not run: let signals end the process.
    handlers = handle_signals(signal.SIG_DFL)
    try:
        fabric.launch()
    except (RuntimeError, OSError) as error:
        raise RunFailed(
            f"the {num_processes} processes of this run could not connect at {where}"
            f" ({first_line(error)})"
        ) from error
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def resolve_precision(trainer: TrainerConfig) -> TrainerConfig:
    """`trainer` with precision=auto resolved: bf16-mixed where the hardware supports it."""
    if trainer.precision != "auto":
        return trainer
    if trainer.accelerator == "cpu" or not torch.accelerator.is_available():
        has = cpu_has_bfloat16()
    else:  # GPUs before Ampere emulate it, which is slower; untested on Apple GPUs
        has = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return replace(trainer, precision="bf16-mixed" if has else "32-true")


def is_true_anywhere(here: bool, fabric: Fabric) -> bool:
    """Whether `here` is true in any process of the run."""
    if fabric.world_size == 1:
        return here
    return bool(mean_over_ranks(torch.tensor(float(here), device=fabric.device), fabric) > 0)


def mean_over_ranks(values: Tensor, fabric: Fabric) -> Tensor:
    """The mean of a tensor over the processes of the run."""
    return cast(Tensor, fabric.all_reduce(values, reduce_op="mean"))
