"""dcgan-train: train a DCGAN, watch it, resume it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from dcgan.commands.app import Command, is_first_process
from dcgan.commands.prompt import command_again, command_line
from dcgan.commands.report import after_multirun
from dcgan.config import TrainConfig
from dcgan.config.identity import folder_of_run
from dcgan.config.words import setting


def folder_of(config: TrainConfig, new: Path) -> Path:
    """`folder_of_run`; resume=auto looks for a run with the precision that auto now means."""
    if config.resume == "auto":
        from dcgan.training.devices import resolve_precision

        config = replace(config, trainer=resolve_precision(config.trainer))
    return folder_of_run(config, new)


@Command("train", uses="dcgan.training.loop", folder=folder_of, after_multirun=after_multirun)
def main(config: TrainConfig, run_dir: Path) -> None:
    """Train, then print where everything is."""
    from dcgan.training.loop import train

    hydra = HydraConfig.get()
    words = None
    if hydra.mode == RunMode.MULTIRUN:  # this job's alone; --config-dir has become a search path
        places = [word for word in hydra.overrides.hydra if word.startswith("hydra.searchpath=")]
        words = [*hydra.overrides.task, *places]
    again = command_again("train", {"hydra.run.dir": None, "resume": run_dir}, words)
    result = train(config, run_dir, again)
    if not is_first_process():
        return
    logs = ("--samples_per_plugin", "images=200", "--logdir", str(run_dir))
    print(summary(result))
    print(f"Samples      {run_dir / result['samples']}")
    print(f"Checkpoint   {run_dir / result['checkpoint']}")
    if "best_fid" in result:
        print(f"Best         {run_dir / result['best_checkpoint']} (FID {result['best_fid']:.2f})")
    print(f"TensorBoard  {command_line('tensorboard', *logs)}")
    print(f"More images  {command_line('dcgan-sample', setting('checkpoint', run_dir))}")


def summary(result: dict[str, Any]) -> str:
    """What a run's result says of its length and its checkerboard."""
    from dcgan.checkerboard.scores import PRESENT

    since = f"since step {first}" if (first := result["resumed_from_step"]) else "of training"
    text = f"Trained      {result['images_seen']:,} images; {result['seconds']:.0f} s {since}"
    if scores := result.get("checkerboard"):
        text += (
            f"\nCheckerboard R₂ ÷ real {scores['first']:.3g} at the start, {scores['last']:.3g} now"
            f" (1: as clean as the data; above {PRESENT:g} suggests a checkerboard)"
        )
    return text


if __name__ == "__main__":
    main()
