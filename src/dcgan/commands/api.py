"""The commands as functions, for scripts and notebooks: dcgan.train("data=digits", "seed=1").

They take the settings of the command line. A mistake raises `dcgan.errors.UserError`, whose message
is the line that the command would print.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Self, overload

from PIL import Image
from pydantic_core import from_json
from torch import nn

from dcgan import checkerboard
from dcgan.commands.composing import compose_run
from dcgan.commands.cure import settings_of_training
from dcgan.commands.prompt import shortest
from dcgan.commands.train import folder_of, summary
from dcgan.config.words import setting
from dcgan.files import expand
from dcgan.training.records import read_metrics, read_picture, read_result

warnings.filterwarnings("ignore", "IProgress not found")  # torchmetrics' tqdm asks for widgets


class Table(list[dict[str, Any]]):
    """Rows as dicts by column; a notebook shows a table, and pandas.DataFrame takes it."""

    def columns(self, *names: str) -> Self:
        """These columns of the rows that have all of them."""
        return type(self)({n: row[n] for n in names} for row in self if {*names} <= {*row})

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys(name for row in self for name in row))
        rows = [[_shown(row.get(name)) for name in names] for row in self]
        lines = ["".join(f"<td>{escape(text)}</td>" for text in row) for row in rows]
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, repr=False)
class Result:
    """What a command found; a notebook shows the text and the picture."""

    folder: Path  # everything that the command wrote
    numbers: dict[str, Any]  # the content of result.json
    text: str  # what the command prints
    picture: Image.Image | None = None  # RGB

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {shortest(self.folder)}>"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        print(self.text)
        if self.picture is not None:
            display(self.picture)


class Run(Result):
    """A finished training run; its picture is the last grid of samples."""

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """The run in a folder.

        Raises:
            UserError: there is no finished run, or it cannot be read.
        """
        folder = expand(folder).absolute()
        numbers = read_result(folder / "result.json")
        return cls(folder, numbers, summary(numbers), read_picture(folder / numbers["samples"]))

    @property
    def metrics(self) -> Table:
        """A row for each step that was logged or scored; the columns are in docs/metrics.md.

        Raises:
            UserError: the run's metrics.jsonl is damaged.
        """
        steps: dict[int, dict[str, Any]] = {}
        for line in read_metrics(self.folder / "metrics.jsonl"):
            steps.setdefault(line["step"], {}).update(line)
        return Table(steps.values())


def train(*settings: str) -> Run:
    """Train, as dcgan-train does: dcgan.train("data=digits", "trainer.steps=500").

    Raises:
        UserError: the settings or the data cannot be used.
        RunFailed: a loss, a weight or a moment is not finite.
        Interrupted: stopped, as by a notebook's stop button; the run is saved.
    """
    _, config, folder = compose_run("train", settings, folder_of)
    from dcgan.training.loop import train as train_run

    again = [s for s in settings if s.partition("=")[0] not in ("resume", "hydra.run.dir")]
    train_run(config, folder, _call("train", *again, setting("resume", folder)))
    return Run.read(folder)


def sample(generator: Result | str | Path, *settings: str) -> Result:
    """Generate images, as dcgan-sample does: dcgan.sample(run, "seeds=[3,14,15]").

    Args:
        generator: a run, its folder, a checkpoint, or an exported .safetensors.

    Raises:
        UserError: the settings or the generator cannot be used.
    """
    from dcgan.sampling import write_samples

    return _result("sample", "checkpoint", generator, settings, write_samples, _files, "grid.png")


def evaluate(run: Result | str | Path, *settings: str) -> Result:
    """Compare a generator with real images, as dcgan-evaluate does; its table is the text.

    Args:
        run: a run, its folder, or a checkpoint.

    Raises:
        UserError: the settings, the checkpoint or its data cannot be used.
    """
    from dcgan.reports.quality import write_evaluation

    def text(result: dict[str, Any], _: Path) -> str:
        return str(result["table"])

    return _result("evaluate", "checkpoint", run, settings, write_evaluation, text, "quality.png")


def cure(run: Result | str | Path, *settings: str) -> Result:
    """Take the checkerboard out of a trained generator, as dcgan-cure does, without training.

    The result's folder has cured.safetensors, unless the images are clean or no cure helps.

    Args:
        run: a run, its folder, or a checkpoint.

    Raises:
        UserError: the settings, the checkpoint or its data cannot be used.
    """
    from dcgan.reports.cure import write_cure
    from dcgan.reports.page import render

    def text(result: dict[str, Any], folder: Path) -> str:
        words = settings_of_training(result["checkpoint"], result["config"])
        training = _call("train", *words) if words else None
        return render("cure.txt", run_dir=shortest(folder), training=training, **result)

    return _result("cure", "checkpoint", run, settings, write_cure, text, "cured.png")


@overload
def diagnose(target: Result | str | Path, *settings: str) -> Result: ...
@overload
def diagnose(target: nn.Module, example: Any = None) -> checkerboard.Diagnosis: ...
def diagnose(target: Any, *settings: Any, **example: Any) -> Result | checkerboard.Diagnosis:
    """Look for a checkerboard, as dcgan-diagnose does; the verdict is numbers["verdict"].

    Args:
        target: a run, its folder, a checkpoint, an exported .safetensors, or a folder of images;
            or a network, which goes to `dcgan.checkerboard.diagnose` with an example input.

    Raises:
        UserError: the settings or the target cannot be used.
    """
    if isinstance(target, nn.Module):
        return checkerboard.diagnose(target, *settings, **example)
    from dcgan.diagnosing import diagnose_target
    from dcgan.reports.page import render

    def text(result: dict[str, Any], _: Path) -> str:
        return render("diagnosis.txt", cure=_call("cure", result["target"]), **result)

    # A keyword, which only a network has, is a TypeError here.
    return _result("diagnose", "target", target, settings, diagnose_target, text, **example)


def _result(
    name: str,
    key: str,
    what: Result | str | Path,
    settings: tuple[str, ...],
    write: Callable[[Any, Path], dict[str, Any]],
    text: Callable[[dict[str, Any], Path], str],
    picture: str = "",
) -> Result:
    """Compose, do the work, read back what it wrote.

    Args:
        key: the setting that says what the command works on.
        text: makes the text from what `write` returns, and the folder.
        picture: the picture's name within the folder.
    """
    where = what.folder if isinstance(what, Result) else what
    words = [setting(key, shortest(Path(where))), *settings]
    _, config, folder = compose_run(name, words, lambda _, new: new)
    folder = folder.absolute()
    returned = write(config, folder)
    numbers = from_json((folder / "result.json").read_bytes())
    path = folder / picture
    shown = read_picture(path) if path.is_file() else None
    return Result(folder, numbers, text(returned, folder).rstrip(), shown)


def _files(result: dict[str, Any], folder: Path) -> str:
    return "\n".join(f"{name:<14} {shortest(folder / p)}" for name, p in result["files"].items())


def _call(name: str, *words: str) -> str:
    return f"dcgan.{name}({', '.join(map(repr, words))})"
