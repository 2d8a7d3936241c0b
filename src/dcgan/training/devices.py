"""Where a run computes, in which precision, and in how many processes."""

import logging
import os
from dataclasses import replace
from typing import Any, cast

import torch
from lightning_fabric import Fabric

from dcgan.config import TrainerConfig
from dcgan.errors import UserError
from dcgan.processor import cpu_has_bfloat16

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # a run says its precision itself


def make_fabric(trainer: TrainerConfig) -> Fabric:
    """Device, precision and processes; with several processes, the connection between them.

    Raises:
        UserError: the accelerator is not there, or other processes run than were asked for.
    """
    if trainer.accelerator == "gpu" and not torch.cuda.is_available():
        raise UserError("trainer.accelerator=gpu: no CUDA GPU is available; must be cpu or auto")
    _check_processes(trainer)
    precision = cast(Any, resolve_precision(trainer).precision)  # checked by the config
    num_processes = _number("WORLD_SIZE")
    several = num_processes > 1
    fabric = Fabric(
        accelerator=trainer.accelerator,
        devices=trainer.devices,
        num_nodes=num_processes // trainer.devices,
        strategy="ddp" if several else "auto",
        precision=precision,
    )
    if several:
        fabric.launch()
    if fabric.device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32 in matrix products; cuDNN has it anyway
        torch.backends.cudnn.benchmark = True  # every batch has the same shapes
    if trainer.batch_size % fabric.world_size:
        raise UserError(
            f"trainer.batch_size={trainer.batch_size}: must be a multiple of the"
            f" {fabric.world_size} processes that share it"
        )
    return fabric


def disconnect() -> None:
    """End the connection between processes: one that exits with it open may abort."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def resolve_precision(trainer: TrainerConfig) -> TrainerConfig:
    """`trainer` with precision=auto replaced: bf16-mixed where the hardware has it."""
    if trainer.precision != "auto":
        return trainer
    on_gpu = trainer.accelerator != "cpu" and torch.cuda.is_available()
    # Emulated bfloat16, on GPUs before Ampere, would be slower than float32.
    has = torch.cuda.is_bf16_supported(including_emulation=False) if on_gpu else cpu_has_bfloat16()
    return replace(trainer, precision="bf16-mixed" if has else "32-true")


def _check_processes(trainer: TrainerConfig) -> None:
    """Each process of one machine must be one of `trainer.devices` that torchrun started."""
    started = _number("LOCAL_WORLD_SIZE")
    if trainer.devices != started:
        how = (
            f"torchrun --nproc-per-node={trainer.devices} -m dcgan.commands.train … starts them"
            if started == 1
            else f"say trainer.devices={started}"
        )
        raise UserError(
            f"trainer.devices={trainer.devices}: {started} process{'es' if started > 1 else ''}"
            f" started on this machine; {how}"
        )


def _number(variable: str) -> int:
    value = os.environ.get(variable, "")
    return int(value) if value.isdigit() else 1
