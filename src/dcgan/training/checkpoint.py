"""A run's state: built at step 0, saved atomically, resumed only with the same settings."""

import logging
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.optim import Adam
from torch.optim.swa_utils import AveragedModel, update_bn

from dcgan.checkerboard import bake
from dcgan.config import TrainConfig
from dcgan.config.identity import LAST, MAY_DIFFER, identity_settings, is_run
from dcgan.data.batches import Batches
from dcgan.data.preparation import Prepared
from dcgan.errors import UserError
from dcgan.networks import Discriminator, Generator
from dcgan.networks.building import build_discriminator
from dcgan.networks.checkpoint import FORMAT_VERSION, find_checkpoint, read_checkpoint
from dcgan.networks.saved import generator_of
from dcgan.networks.weights import save_tensors
from dcgan.seeding import derive_seed, stream
from dcgan.training.step import State

BEST = LAST.with_name("best.pt")  # lowest FID so far
BALANCED = "parametrizations.weight.original"  # torch's name for a balanced layer's weight
NUM_CALIBRATION = 256  # latents for batch norm's initial running statistics

log = logging.getLogger(__name__)


def build_state(config: TrainConfig, prepared: Prepared, fabric: Fabric) -> State:
    """Build a run at step 0, on prepared images.

    Raises:
        UserError: there are fewer images than one batch.
    """
    trainer, data, device = config.trainer, config.data, fabric.device
    shape = {"image_size": data.image_size, "channels": data.channels, "seed": config.seed}
    generator = Generator(config.generator, config.upsample, **shape)
    torch.manual_seed(derive_seed(config.seed, "torch"))  # spectral norm draws from it
    discriminator = Discriminator(config.discriminator, config.downsample, **shape)
    for network in (generator, discriminator):
        network.to(memory_format=torch.channels_last)  # 1.17x as fast on a CPU
        network.to(device)

    # With batch norm's default running statistics, samples at step 0 would be flat gray and hide
    # what the layers do. Training itself never reads them.
    set_running_statistics(generator, config.seed)
    ema = (
        AveragedModel(generator, use_buffers=True).eval() if trainer.ema_half_life_images else None
    )

    betas = (trainer.beta1, trainer.beta2)
    of_generator = Adam(generator.parameters(), trainer.generator_lr, betas, fused=True)
    of_discriminator = Adam(discriminator.parameters(), trainer.discriminator_lr, betas, fused=True)
    wrapped_generator, generator_optimizer = fabric.setup(generator, of_generator)
    wrapped_discriminator, discriminator_optimizer = fabric.setup(discriminator, of_discriminator)
    return State(
        config,
        fabric,
        generator,
        discriminator,
        wrapped_generator,
        wrapped_discriminator,
        ema=ema,
        generator_optimizer=generator_optimizer,
        discriminator_optimizer=discriminator_optimizer,
        batches=Batches(
            prepared.open(),
            trainer.batch_size,
            seed=config.seed,
            flip=data.flip,
            device=device,
            rank=fabric.global_rank,
            num_ranks=fabric.world_size,
        ),
        latents=stream(config.seed, "latents"),
        mixing=stream(config.seed, "mixing"),
        data_digest=prepared.digest,
    )


def set_running_statistics(generator: Generator, seed: int) -> None:
    """Set batch norm's running statistics from `NUM_CALIBRATION` latents."""
    shape = NUM_CALIBRATION, generator.latent_size
    latents = torch.randn(shape, generator=stream(seed, "calibration"))
    update_bn([latents.to(next(generator.parameters()).device)], generator)


def checkpoint_of(state: State) -> dict[str, Any]:
    """`state` and its settings as tensors and plain Python values."""
    return {
        "format_version": FORMAT_VERSION,
        "config": asdict(state.config),
        "step": state.step,
        "best_fid": state.best_fid,
        "generator": state.generator.state_dict(),
        "discriminator": state.discriminator.state_dict(),
        "ema": None if state.ema is None else state.ema.state_dict(),
        "generator_optimizer": state.generator_optimizer.state_dict(),
        "discriminator_optimizer": state.discriminator_optimizer.state_dict(),
        "num_batches_drawn": state.batches.num_drawn,
        "data_digest": state.data_digest,
        "random": {
            "torch": torch.get_rng_state(),
            "latents": state.latents.get_state(),
            "mixing": state.mixing.get_state(),
        },
    }


def save_checkpoint(path: Path, state: State) -> None:
    """Write a checkpoint atomically: to a temporary file, flushed, then renamed.

    Raises:
        OSError: the file cannot be written, as on a full disk; names the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(path, checkpoint_of(state))


def load_state(state: State, checkpoint: dict[str, Any]) -> None:
    """Load a checkpoint into `state`.

    Raises:
        UserError: the images are not the ones the run was started on.
    """
    if state.data_digest != checkpoint["data_digest"]:
        raise UserError(
            "data: these are not the images that the resumed run was started on; restore them, or"
            " start a new run"
        )
    state.step, state.best_fid = checkpoint["step"], checkpoint["best_fid"]
    for name in ("generator", "discriminator", *(["ema"] if state.ema is not None else [])):
        getattr(state, name).load_state_dict(checkpoint[name])
    for name in ("generator_optimizer", "discriminator_optimizer"):
        optimizer = getattr(state, name)  # keeps the learning rate and betas from the settings
        own = optimizer.state_dict()
        optimizer.load_state_dict({**own, "state": checkpoint[name]["state"]})
    state.batches.num_drawn = checkpoint["num_batches_drawn"]
    random = checkpoint["random"]
    torch.set_rng_state(random["torch"])
    state.latents.set_state(random["latents"])
    state.mixing.set_state(random["mixing"])
    log.info("resumed at step %d", state.step)


def take_weights(state: State, run: str) -> None:
    """Start from another run's weights (G, D and the EMA), with new optimizers.

    A balanced layer gets the nearest balanced kernel.

    Raises:
        UserError: the run cannot be read, or its layers or sizes differ.
    """
    path = find_checkpoint(run)
    checkpoint = read_checkpoint(path)
    discriminator = build_discriminator(checkpoint["config"])
    discriminator.load_state_dict(checkpoint["discriminator"])
    if discriminator.state_dict().keys() != state.discriminator.state_dict().keys():
        bake(discriminator)  # if only one is balanced, they fit then; a spectral norm leaves, too
    pairs = [
        (generator_of(checkpoint, "raw"), state.generator),
        (discriminator, state.discriminator),
    ]
    if state.ema is not None:
        pairs.append((generator_of(checkpoint, "ema"), state.ema.module))
    for source, target in pairs:
        weights = source.state_dict()
        free = {name: name.replace(BALANCED, "weight") for name in target.state_dict()}
        try:
            named = {k: weights[k] if k in weights else weights[v] for k, v in free.items()}
            target.load_state_dict(named)
        except (RuntimeError, KeyError) as error:  # of a size, or without such a layer
            raise UserError(
                f"start_from={run}: its {type(source).__name__.lower()} differs in layers, sizes or"
                f" normalization from this run's ({str(error).splitlines()[-1].strip()})"
            ) from error
        if isinstance(target, Generator):  # balancing may have changed the kernels
            set_running_statistics(target, state.config.seed)
    log.info("started from the weights of %s, step %d", path, checkpoint["step"])


def read_for_resume(config: TrainConfig, run_dir: Path) -> dict[str, Any] | None:
    """The checkpoint that `config.resume` names, or None for a new run.

    "auto" means this folder's own last checkpoint, if it has one.

    Raises:
        UserError: the file cannot be read; settings differ that must match; the run has no steps
            left (allowed in its own folder, where it counts as finished); or `run_dir` holds
            another run or unrelated files.
    """
    own = run_dir / LAST
    if config.resume == "auto":
        path = own if own.is_file() else None
    else:
        path = None if config.resume is None else find_checkpoint(config.resume)
    elsewhere = path is None or path.resolve().parent != own.resolve().parent
    if elsewhere:
        _check_folder(run_dir)
    if path is None:
        return None
    checkpoint = read_checkpoint(path)
    _check_settings(config, checkpoint["config"], path)
    step, steps = checkpoint["step"], config.trainer.steps
    if step > steps or (step == steps and path.resolve() != own.resolve()):
        raise UserError(f"trainer.steps={steps}: the run is already at step {step}")
    best = run_dir / BEST
    if elsewhere or not best.exists() or read_checkpoint(best)["step"] > step:
        checkpoint["best_fid"] = math.inf  # best.pt is in another folder, or of a later step
    return checkpoint


def _check_settings(config: TrainConfig, saved: dict[str, Any], path: Path) -> None:
    """Refuse to resume a run with settings that would make it a different run."""
    now, then = identity_settings(asdict(config)), identity_settings(saved)
    differing = [
        f"{key}={now.get(key)} (was {then.get(key)})"
        for key in sorted(now.keys() | then.keys())
        if now.get(key) != then.get(key)
    ]
    if differing:
        raise UserError(
            f"resume={path}: these settings differ from the run's: {'; '.join(differing)};"
            f" only these may: {', '.join(sorted(MAY_DIFFER - {'resume'}))}"
        )


def _check_folder(run_dir: Path) -> None:
    """Refuse to start a run in a folder with unrelated files or another run's checkpoint.

    Leftovers of a run that ended before its first checkpoint may be overwritten.
    """
    where = f"hydra.run.dir={run_dir}"
    if (run_dir / LAST).is_file():
        raise UserError(f"{where}: there is a run already; resume=auto resumes it")
    if is_run(run_dir) and (run_dir / "result.json").is_file():
        raise UserError(f"{where}: holds a finished run without its {LAST}; choose a new folder")
    if not run_dir.is_dir() or is_run(run_dir):
        return
    ours = "train.log", ".lock", "config.yaml.tmp"
    foreign = sorted(path.name for path in run_dir.iterdir() if path.name not in ours)
    if foreign:
        raise UserError(
            f"{where}: holds files that do not belong to a run ({', '.join(foreign[:3])}); must be"
            " a new or empty folder"
        )
