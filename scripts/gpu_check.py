"""Check a GPU in 8 minutes: its tests, FID in bfloat16 and float32, and images per second.

    python scripts/gpu_check.py                   FID of scikit-learn's digits
    python scripts/gpu_check.py data.root=PATH    FID of MNIST in PATH

Prints Markdown. Exits with 1 if a test or a run failed, with 2 if there is no GPU or a setting is
refused.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tqdm import tqdm

from dcgan.benchmarking.arms import baseline_command, our_command, run, size_settings
from dcgan.errors import ExpectedError, UserError
from dcgan.training.records import read_metrics

SECONDS = 480  # for everything
LONGEST = 60  # a cell may take this long, so none begins in the last minute
BATCH_SIZES = (128, 64, 256, 512, 1024)
PRECISIONS = {"float32": "32-true", "TF32": "32-true", "bfloat16": "bf16-mixed"}
COLUMNS = (*PRECISIONS, "baseline", *(f"{precision}, compiled" for precision in PRECISIONS))
NO_TF32 = {"NVIDIA_TF32_OVERRIDE": "0"}  # for cuBLAS and cuDNN: without it, 32-true is TF32
# dcgan-train with both networks compiled, for which it has no setting.
COMPILED = """
from dcgan.commands.train import main
from dcgan.training import loop

def build_compiled(*args, build=loop.build_state):
    state = build(*args)
    state.generator.compile(dynamic=False)
    state.discriminator.compile(dynamic=False)
    return state

loop.build_state = build_compiled
main()
"""


def fid_table(settings: Sequence[str], steps: int, folder: Path) -> str:
    """The table that dcgan-train writes: FID of three seeds in bfloat16 and in float32."""
    arms = "trainer.precision=bf16-mixed,32-true", "seed=0,1,2", f"hydra.sweep.dir={folder}"
    length = f"trainer.steps={steps}", f"trainer.fid_every={steps}"
    train = [sys.executable, "-m", "dcgan.commands.train", "-m", *settings, *length, *arms]
    run(train, os.environ | NO_TF32)
    lines = (folder / "report" / "fid.md").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("|"))


def speed(column: str, size: int, settings: Sequence[str], steps: int, folder: Path) -> float:
    """Images per second: of dcgan-train's last third, or of the baseline without its start."""
    if column == "baseline":
        config, long = folder / f"{size}, float32" / "config.yaml", 1 + steps * 128 // size
        commands = (baseline_command(config, n, folder / f"{size}, {n} steps") for n in (1, long))
        start, whole = (run(command, os.environ) for command in commands)
        return (long - 1) * size / (whole - start)
    precision, _, compiled = column.partition(", ")
    length = f"trainer.batch_size={size}", f"trainer.steps={steps}"
    recorded = f"trainer.log_every={steps // 3}", "trainer.checkerboard_images=0"
    how, run_dir = f"trainer.precision={PRECISIONS[precision]}", folder / f"{size}, {column}"
    command = our_command([*settings, *length, *recorded, how], run_dir)
    if compiled:
        command[1:3] = ["-c", COMPILED]
    run(command, os.environ | NO_TF32 if precision == "float32" else os.environ)
    return float(read_metrics(run_dir / "metrics.jsonl")[-1]["images_per_second"])


def speed_table(
    settings: Sequence[str], sizes: Sequence[int], steps: int, folder: Path, deadline: float
) -> str:
    """Images per second; – where time.monotonic() was past `deadline`."""
    cells = dict.fromkeys(product(COLUMNS, sizes), "–")
    for column, size in tqdm(cells, desc="speed", disable=None):
        if time.monotonic() < deadline:
            try:
                cells[column, size] = f"{speed(column, size, settings, steps, folder):,.0f}"
            except ExpectedError as error:
                print(error, file=sys.stderr)
                cells[column, size] = "failed"
    rows = [[str(size), *(cells[column, size] for column in COLUMNS)] for size in sorted(sizes)]
    head = ["batch size", *COLUMNS]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def check(accelerator: str, given: Sequence[str], folder: Path) -> int:
    """Do all of it and print the tables; 1 if a test or a run failed."""
    deadline = time.monotonic() + SECONDS - LONGEST
    mnist = any(word.startswith("data.root=") for word in given)
    on = "trainer=gpu", f"trainer.accelerator={accelerator}"
    trained = "experiment=mnist", *(() if mnist else ("data=digits",)), *on, *given
    run(our_command([*trained, "trainer.steps=1"], folder / "first"), os.environ)  # or refused
    pytest = [sys.executable, "-m", "pytest", "-m", "gpu"]
    tests = subprocess.run(pytest, cwd=Path(__file__).parents[1], check=False).returncode
    fids = fid_table([*trained, "trainer.fid_images=10000"], 1563, folder / "fid")
    speeds = speed_table([*on, *size_settings(64)], BATCH_SIZES, 150, folder, deadline)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else accelerator
    data = "MNIST" if mnist else "digits, as no data.root was given"
    print(f"\n{device}, torch {torch.__version__}; tests {'failed' if tests else 'passed'}")
    print(f"\nFID after 200,000 images of {data}\n\n{fids}")
    print(f"\nImages/s at 64x64 with 64 filters\n\n{speeds}")
    return int(tests != 0 or "failed" in speeds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accelerator", default="gpu", choices=("gpu", "cpu"))
    parser.add_argument("settings", nargs="*", help="of dcgan-train: data.root=PATH")
    asked = parser.parse_args()
    try:
        if asked.accelerator == "gpu" and not torch.accelerator.is_available():
            raise UserError("no GPU is available")
        with TemporaryDirectory() as name:
            sys.exit(check(asked.accelerator, asked.settings, Path(name)))
    except KeyboardInterrupt:
        sys.exit(130)
    except ExpectedError as error:
        print(f"gpu_check: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
