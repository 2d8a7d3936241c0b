"""dcgan-cure: take the checkerboard out of a trained generator."""

from pathlib import Path

from dcgan.commands.app import Command
from dcgan.config import CureConfig


@Command("cure", uses="dcgan.reports.cure")
def main(config: CureConfig, run_dir: Path) -> int:
    """Try every cure, print a table and a recommendation; 1 if none makes the images clean."""
    from dcgan.reports.cure import write_cure
    from dcgan.reports.page import render

    result = write_cure(config, run_dir)
    print(render("cure.txt", run_dir=run_dir, **result))
    return int(result["recommended"] is None)
