"""dcgan-train: train a DCGAN, watch it, resume it."""

import shlex
from pathlib import Path

from dcgan.commands.app import command, is_first_process
from dcgan.commands.prompt import command_again, program
from dcgan.commands.report import after_multirun
from dcgan.config import TrainConfig
from dcgan.config.identity import folder_of_run


def run(config: TrainConfig, run_dir: Path) -> None:
    """Train, then say where everything lies."""
    from dcgan.training.loop import train

    result = train(config, run_dir, command_again("train", "resume", run_dir))
    if not is_first_process():
        return
    board = program("tensorboard")
    quoted = shlex.quote(str(run_dir))
    since = f"since step {first}" if (first := result["resumed_from_step"]) else "of training"
    print(f"Trained      {result['images_seen']:,} images; {result['seconds']:.0f} s {since}")
    print(f"Samples      {run_dir / result['samples']}")
    print(f"Checkpoint   {run_dir / result['checkpoint']}")
    if "best_fid" in result:
        print(f"Best         {run_dir / result['best_checkpoint']} (FID {result['best_fid']:.2f})")
    print(f"TensorBoard  {board} --samples_per_plugin images=200 --logdir {quoted}")
    print(f"More images  {program('dcgan-sample')} checkpoint={run_dir}")
    print(run_dir)


main = command(
    "train",
    run,
    uses="dcgan.training.loop",
    folder=folder_of_run,
    after_multirun=after_multirun,
)

if __name__ == "__main__":
    main()
