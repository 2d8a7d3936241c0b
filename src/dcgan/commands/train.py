"""dcgan-train: train a DCGAN, watch it, resume it."""

from pathlib import Path

from dcgan.commands.app import command, command_again, program
from dcgan.config import TrainConfig


def run(config: TrainConfig, run_dir: Path) -> None:
    """Train, then say where everything lies."""
    from dcgan.training.loop import train

    result = train(config, run_dir, command_again("train", f"resume={run_dir}"))
    board = program("tensorboard")
    print(f"Trained      {result['images_seen']:,} images in {result['seconds']:.0f} s")
    print(f"Samples      {run_dir / result['samples']}")
    print(f"Checkpoint   {run_dir / result['checkpoint']}")
    print(f"TensorBoard  {board} --samples_per_plugin images=200 --logdir {run_dir}")
    print(f"More images  {program('dcgan-sample')} checkpoint={run_dir}")
    print(run_dir)


main = command("train", run)

if __name__ == "__main__":
    main()
