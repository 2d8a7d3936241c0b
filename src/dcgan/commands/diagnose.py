"""dcgan-diagnose: does a network, or a folder of images, leave a grid?"""

from pathlib import Path

from dcgan.commands.app import Command
from dcgan.config import DiagnoseConfig


@Command("diagnose", uses="dcgan.diagnosing")
def main(config: DiagnoseConfig, run_dir: Path) -> int:
    """Print layers, periods and the verdict; the exit status says the verdict too."""
    from dcgan.diagnosing import STATUS, diagnose_target

    result = diagnose_target(config, run_dir)
    if "layer_table" in result:
        print(result["layer_table"], end="\n\n")
    print(result["table"], end="\n\n")
    if config.reference is None:
        print("No reference: compared with 1, the most that clean images have.")
        if result["jpeg"]:
            print("JPEG files have a grid of their own: a reference in the same format is fairer.")
    print(f"{result['verdict'].capitalize()}: {result['reason']}.")
    return STATUS[result["verdict"]]
