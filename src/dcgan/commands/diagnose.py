"""dcgan-diagnose: does a network, or a folder of images, leave a grid?"""

from pathlib import Path

from dcgan.commands.app import Command
from dcgan.config import DiagnoseConfig


@Command("diagnose", uses="dcgan.diagnosing")
def main(config: DiagnoseConfig, run_dir: Path) -> int:
    """Print layers, periods and the verdict; the exit status says the verdict too."""
    from dcgan.diagnosing import STATUS, diagnose_target
    from dcgan.reports.page import render

    result = diagnose_target(config, run_dir)
    print(render("diagnosis.txt", **result))
    return STATUS[result["verdict"]]
