"""dcgan-cure: remove the checkerboard from a trained generator."""

import json
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from dcgan.commands.app import Command
from dcgan.commands.composing import compose
from dcgan.commands.prompt import command_line
from dcgan.config import CureConfig, UpsampleConfig
from dcgan.config.identity import flatten
from dcgan.config.words import quoted, setting

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
    training = command_line("dcgan-train", *words) if words else None
    print(render("cure.txt", run_dir=run_dir, training=training, **result))
    return int(result["recommended"] is None)


def settings_of_training(checkpoint: str, settings: dict[str, Any]) -> list[str]:
    """What fine-tunes a run with balanced kernels on its data, networks and losses, as words.

    The list is empty if there is nothing to balance: a flat generator, kernel 1, or layers that
    resize.
    """
    if settings["generator"]["kind"] == "flat":
        return []
    balanced = max(1, settings["upsample"]["balanced"])
    try:
        UpsampleConfig(**settings["upsample"] | {"balanced": balanced})
    except ValueError:
        return []
    default: Any = OmegaConf.to_container(compose("train", []), resolve=False)
    usual = dict(flatten(default))
    own = {k: v for k, v in flatten(settings) if k.partition(".")[0] in KEPT}
    own["upsample.balanced"] = balanced
    words = (f"{k}={_typed(v)}" for k, v in own.items() if v != usual.get(k))
    return [setting("start_from", checkpoint), *words]


def _typed(value: object) -> str:
    """A value as Hydra reads it."""
    if isinstance(value, list):
        return f"[{','.join(map(_typed, value))}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)
