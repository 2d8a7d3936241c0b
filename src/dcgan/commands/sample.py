"""dcgan-sample: sample images from a trained generator."""

from pathlib import Path

from dcgan.commands.app import Command
from dcgan.config import SampleConfig


@Command("sample", uses="dcgan.sampling")
def main(config: SampleConfig, run_dir: Path) -> None:
    """Write the requested files into `run_dir` and print where they are."""
    from dcgan.sampling import write_samples

    result = write_samples(config, run_dir)
    for name, path in result["files"].items():
        print(f"{name:<14} {run_dir / path}")
