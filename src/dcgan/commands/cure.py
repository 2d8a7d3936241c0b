"""dcgan-cure: remove the checkerboard from a trained generator."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from dcgan.commands.app import Command
from dcgan.commands.composing import compose
from dcgan.commands.prompt import command_line, setting
from dcgan.config import CureConfig
from dcgan.config.identity import flatten

# Groups of settings that belong to a run's weights; how long and how fast to train is up to the
# user.
KEPT = ("data", "upsample", "downsample", "generator", "discriminator", "loss", "regularizer")


@Command("cure", uses="dcgan.reports.cure")
def main(config: CureConfig, run_dir: Path) -> int:
    """Try every cure and print a table and a recommendation; 1 if none makes the images clean."""
    from dcgan.reports.cure import write_cure
    from dcgan.reports.page import render

    result = write_cure(config, run_dir)
    words = settings_of_training(config.checkpoint, result["config"])
    training = command_line("dcgan-train", *words)
    print(render("cure.txt", run_dir=run_dir, training=training, **result))
    return int(result["recommended"] is None)


def settings_of_training(checkpoint: str, settings: dict[str, Any]) -> list[str]:
    """What fine-tunes a run with balanced kernels on its data, networks and losses, as words."""
    default: Any = OmegaConf.to_container(compose("train", []), resolve=False)
    usual = dict(flatten(default))
    own = {k: v for k, v in flatten(settings) if k.partition(".")[0] in KEPT}
    words = {k: v for k, v in own.items() if v != usual.get(k)} | {"upsample.balanced": 1}
    typed = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in words.items()}
    texts = [f"{k}=null" if v == "None" else setting(k, v) for k, v in typed.items()]
    return [setting("start_from", checkpoint), *texts]
