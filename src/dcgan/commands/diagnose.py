"""dcgan-diagnose: does a network leave a checkerboard, or does a folder of images have one?"""

from pathlib import Path

from dcgan.commands.app import Command
from dcgan.commands.prompt import command_line
from dcgan.config import DiagnoseConfig
from dcgan.config.words import setting


@Command("diagnose", uses="dcgan.diagnosing", may_sweep=False)
def main(config: DiagnoseConfig, run_dir: Path) -> int:
    """Print layers, periods and the verdict, which is also the exit status."""
    from dcgan.diagnosing import STATUS, diagnose_target
    from dcgan.reports.page import render

    result = diagnose_target(config, run_dir)
    cure = command_line("dcgan-cure", setting("checkpoint", config.target))
    print(render("diagnosis.txt", cure=cure, **result))
    return STATUS[result["verdict"]]
