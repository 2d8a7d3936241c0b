"""dcgan-explain: an article about transposed convolution, with every claim checked numerically."""

from pathlib import Path

from dcgan.commands.app import Command
from dcgan.config import ExplainConfig


@Command("explain", uses="dcgan.reports.explanation", may_sweep=False)
def main(config: ExplainConfig, run_dir: Path) -> int:
    """Check all claims, write the page, print a line for each; 1 if a claim does not hold."""
    from dcgan.reports.explanation import write_explanation

    claims = write_explanation(run_dir, config.checkpoint)
    for claim in claims:
        verdict = "holds " if claim["holds"] else "FAILED"
        print(f"{verdict}  {claim['number']:8.1e}  {claim['title']}")
    print(f"Page         {run_dir / 'index.html'}")
    print(f"Numbers      {run_dir / 'result.json'}")
    return int(not all(claim["holds"] for claim in claims))
