"""The commands as functions, as in a script or a notebook."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from torch import nn

import dcgan
from dcgan.commands.api import Table
from dcgan.errors import Interrupted, UserError
from dcgan.sampling import load_generator, sample
from tests.conftest import NO_NETWORK, TINY
from tests.notebooks import TUTORIAL, execute, read

ODD = "an odd=name, 'quoted'"  # a folder's name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> dcgan.Run:
    """A run of eight steps, in a folder with an odd name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp(ODD))
        return dcgan.train(*TINY, "data.image_size=32", f"data.cache_dir={cache_dir}")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, proxy in NO_NETWORK.items():
        monkeypatch.setenv(name, proxy)


def test_importing_dcgan_is_fast_and_offers_the_commands() -> None:
    code = "import sys, dcgan; print('torch' in sys.modules, 'hydra' in sys.modules, dir(dcgan))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False False")
    assert all(repr(name) in done.stdout for name in dcgan.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trane'"):
        getattr(dcgan, "trane")  # noqa: B009 (mypy knows that there is none)


def test_train_returns_the_run_with_its_numbers_metrics_and_samples(run: dcgan.Run) -> None:
    assert run.folder.is_absolute()
    assert (run.folder / run.numbers["checkpoint"]).is_file()
    assert (run.numbers["step"], run.numbers["images_seen"]) == (8, 64)
    assert run.text.startswith("Trained      64 images")
    assert run.picture is not None
    assert run.picture.size == (4 * 34 + 2, 4 * 34 + 2)
    scored = run.metrics.columns("step", "r2_over_real")
    assert [row["step"] for row in scored] == [0, 2, 4, 8]
    assert scored[-1]["r2_over_real"] == run.numbers["checkerboard"]["last"]
    logged = run.metrics.columns("step", "generator_loss", "r2_over_real")
    assert [row["step"] for row in logged] == [2, 4, 8]  # one row per step
    assert dcgan.Run.read(run.folder) == run
    assert list(Path.cwd().iterdir()) == []


def test_a_run_can_be_sampled_diagnosed_and_cured(run: dcgan.Run, tmp_path: Path) -> None:
    sampled = dcgan.sample(run, "seeds=[3,14]", "export=true")
    assert sampled.folder.parent == tmp_path / "outputs" / "sample"
    assert sampled.numbers["seeds"] == [3, 14]
    assert sampled.picture is not None
    exported = sampled.folder / "generator.safetensors"
    images = [sample(load_generator(path), [3]) for path in (exported, run.folder)]
    assert torch.equal(*images)

    diagnosis = dcgan.diagnose(run.folder, "num_images=64")
    assert diagnosis.numbers["verdict"] == "grid"
    assert "up3" in diagnosis.text
    assert f"To reduce periods 2 and 4: dcgan.cure({str(run.folder)!r})" in diagnosis.text

    cured = dcgan.cure(run, "num_images=64", "hydra.run.dir=cured")
    assert cured.folder == tmp_path / "cured"
    assert f"Recommended: {cured.numbers['recommended']}," in cured.text
    after = dcgan.diagnose("cured/cured.safetensors", "num_images=64").numbers["periods"]
    verdicts = {period["period"]: period["verdict"] for period in after}
    assert "grid" not in (verdicts[2], verdicts[4])  # the periods that a cure is judged by
    (line,) = [line for line in cured.text.splitlines() if line.startswith("With training")]
    call = line.removeprefix("With training ")
    tuned = eval(call.replace("dcgan.train(", "dcgan.train('trainer=smoke', "))
    assert tuned.metrics.columns("rho_up1")[-1]["rho_up1"] < 1e-9


def test_a_run_is_compared_with_real_images(run: dcgan.Run) -> None:
    found = dcgan.evaluate(run, "num_images=16", "seeds=[0]")
    assert found.text.splitlines()[0].split() == ["generated", "real"]
    assert found.numbers["num_images"] == 16
    assert found.picture is not None


def test_a_network_is_diagnosed_with_an_example() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(2, 2, 3, stride=2))
    example = torch.randn(1, 2, 8, 8)
    for found in (dcgan.diagnose(network, example), dcgan.diagnose(network, example=example)):
        assert [layer.verdict for layer in found.layers] == ["grid"]


def test_an_example_is_for_networks_only() -> None:
    with pytest.raises(TypeError, match="num_images"):
        dcgan.diagnose("run", num_images=64)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("trainer.stepz=3",), "trainer.stepz: no such setting; trainer has steps"),
        (("steps",), "steps"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    settings: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=f"^{message}") as raised:
        dcgan.train(*settings)
    assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match="nowhere"):
        dcgan.sample("nowhere")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_is_saved_and_the_printed_call_resumes_it(
    tmp_path: Path, cache_dir: Path
) -> None:
    def interrupt() -> None:
        deadline = time.monotonic() + 600
        while not list(tmp_path.glob("here/samples/000004.png")) and time.monotonic() < deadline:
            time.sleep(0.02)
        signal.raise_signal(signal.SIGINT)

    words = (*TINY, f"data.cache_dir={cache_dir}", "hydra.run.dir=here")
    thread = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    thread.start()
    try:
        with pytest.raises(Interrupted) as raised:
            dcgan.train(*words, "trainer.steps=100000", "trainer.checkpoint_every=99999")
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    call = str(raised.value).partition("To resume: ")[2]
    step = torch.load("here/checkpoints/last.pt", weights_only=True)["step"]
    resumed = eval(call.replace("100000", str(step + 2)))
    assert (resumed.folder, resumed.numbers["resumed_from_step"]) == (tmp_path / "here", step)


def test_a_table_is_html_in_a_notebook() -> None:
    table = Table([{"step": 1, "loss<": 0.123456}, {"step": 2, "fid": None}])
    html = table._repr_html_()
    assert "<th>loss&lt;</th><th>fid</th>" in html
    assert "<tr><td>2</td><td></td><td></td></tr>" in html
    assert "<td>0.1235</td>" in html


@pytest.mark.slow
def test_a_notebook_shows_progress_samples_and_mistakes(tmp_path: Path, cache_dir: Path) -> None:
    settings = ", ".join(map(repr, (*TINY, f"data.cache_dir={cache_dir}")))
    train = f"import dcgan\nrun = dcgan.train({settings})\nrun"
    cells = [new_code_cell(code) for code in (train, "dcgan.train('trainer.stepz=3')")]
    notebook = new_notebook(cells=cells)
    with pytest.raises(CellExecutionError):
        execute(notebook, tmp_path)
    text, picture = notebook.cells[0].outputs
    assert "training: 100%" in text["text"]
    assert "Trained      64 images" in text["text"]
    assert "image/png" in picture["data"]
    (error,) = notebook.cells[1].outputs
    assert error["output_type"] == "error"
    (line,) = error["traceback"]
    assert line.startswith("UserError: trainer.stepz: no such setting")


@pytest.mark.slow
def test_the_tutorial_runs_and_its_text_is_true(tmp_path: Path) -> None:
    tutorial = read(TUTORIAL)
    claims = """
free, resized, balanced = (run.numbers["checkerboard"]["last"] for run in runs.values())
assert free > 3 > resized
assert balanced < free / 4
assert dcgan.diagnose(first).numbers["verdict"] == "grid"
(best,) = [c for c in cured.numbers["cures"] if c["name"] == cured.numbers["recommended"]]
assert best["is_clean"] and best["name"] != "nothing"
"""
    tutorial.cells.append(new_code_cell(claims))
    execute(tutorial, tmp_path)


def test_the_tutorial_has_its_outputs_stored() -> None:
    """So that it can be read on a page."""
    code = [cell for cell in read(TUTORIAL).cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    assert not any(output.output_type == "error" for output in outputs)
