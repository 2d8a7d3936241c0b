"""dcgan-evaluate: how good a generator is."""

from pathlib import Path

from dcgan.commands.app import Command
from dcgan.config import EvaluateConfig


@Command("evaluate", uses="dcgan.reports.quality")
def main(config: EvaluateConfig, run_dir: Path) -> None:
    """Evaluate, print the table and where the files are."""
    from dcgan.reports.quality import write_evaluation

    result = write_evaluation(config, run_dir)
    print(result["table"])
    print(f"Picture      {run_dir / result['picture']}")
    print(f"Numbers      {run_dir / 'result.json'}")
