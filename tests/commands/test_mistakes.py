"""A user's mistake gives one line that says what to change, and leaves nothing behind."""

import shlex
from pathlib import Path

import pytest

from tests.conftest import Run, choices

TINY = "experiment=smoke data.image_size=16 data.num_images=32"
QUOTES = "a value with =, spaces or brackets needs inner quotes"

MISTAKES = {
    # Settings that do not exist, and values that are not allowed.
    "train trainer.stepz=3": "trainer.stepz: no such setting; trainer has steps, batch_size",
    "train +trainer.extra=3": "trainer.extra: no such setting; trainer has steps",
    "train foo=1": "foo: no such setting; there are data, upsample",
    "train trainer.steps=abc": "trainer.steps=abc: must be a valid integer",
    "train data=nothing": "data=nothing: must be one of celeba, cifar10, digits",
    "train experiment=nothing": "experiment=nothing: must be one of baseline, celeba",
    "train 'trainer.steps=${nope}'": "trainer.steps: Interpolation key 'nope' not found",
    "train 'hydra.run.dir=${nope}'": "hydra.run.dir: Interpolation key 'nope' not found",
    "train hydra.run.dir=": "hydra.run.dir=: must be a folder",
    "train -m hydra.sweep.dir=": "hydra.sweep.dir=: must be a folder",
    "train data.flip=2": "data.flip=2: must be a valid boolean",
    "train trainer.lr_decay_start_images=inf": "start_images=inf: must be a finite number",
    "train generator.filters=1000000000000": "filters=1000000000000: must be below 2147483648",
    "train generator.filters=1000000000": "would take inf GiB of memory; this machine has",
    "train data.image_size=1835008": "would take",
    "train generator.notch=16 data.image_size=16": "notch=16: must be below data.image_size",
    "train data=celeba data.decoding_threads=20000": "threads=20000: must be at most 256",
    "train upsample=null": "a config group takes the name of an option, such as data=digits",
    "train 'data.root=/my photos/a=b'": f"data.root=/my photos/a=b: {QUOTES}",
    "train upsample.padding=2": "upsample.padding: no such setting; upsample has kind, kernel_size",
    "train data=digits data.root=x": "data.root=x: has no effect on data=digits",
    "sample checkpoint=x seeds=many": "seeds=many: must be a list, in brackets",
    "sample checkpoint=x interpolation_frames=3": "needs at least two seeds",
    "sample": "checkpoint is not set: give checkpoint=VALUE",
    "evaluate checkpoint=. seeds=[]": "seeds=[]: must be a list of 1 or more",
    "evaluate checkpoint=. num_images=1": "num_images=1: must be at least 2",
    "evaluate checkpoint=. weights=best": "weights=best: must be one of ema, raw",
    "train upsample.balanced=3": "upsample.balanced=3: must be one of 0, 1, 2",
    "train upsample=transposed_k2 upsample.balanced=2": "balanced=2: must be 0 or 1 for kind",
    "train upsample=resize_nearest upsample.balanced=1": "balanced=1: must be 0 for kind=resize",
    "train downsample=conv_pool downsample.balanced=true": "has no effect on kind=pooled",
    "report run=x": "run: no such setting",
    "benchmark rounds=0": "rounds=0: must be at least 1",
    "benchmark sizes=[32]": "sizes=32: must be a list, in brackets",
    "benchmark sizes=[[30,1,2]]": "sizes=[[30, 1, 2]]: image_size=30: must be",
    "benchmark sizes=[[32,5,5]]": "sizes=[[32, 5, 5]]: each must be [pixels, steps, more steps]",
    "benchmark sizes=[]": "sizes=[]: must not be empty without race=true",
    "benchmark beside=[a,a]": "beside=['a', 'a']: contains the same setting twice",
    "benchmark race_fid=20": "race_fid=20.0: has no effect without race=true",
    "benchmark race=true race_steps=[9]": "race_steps=[9]: must be a list of 2 or more",
    # Files that are missing or of the wrong kind, and folders that cannot be created.
    "train resume=missing": "missing: no such file",
    "train data=mnist data.root=missing": "train-images-idx3-ubyte",
    f"train {TINY} hydra.run.dir=/dev/null": "hydra.run.dir=/dev/null: File exists",
    "sample checkpoint=missing": "missing: no such file",
    """diagnose "target='~nosuchuser/run'" """: "target=~nosuchuser/run: no such file or folder",
    "diagnose target=nowhere": "target=nowhere: no such file or folder",
    "diagnose target=.": ".: no images in it",
    f"train {TINY} start_from=missing": "missing: no such file",
    "report runs=nowhere": "runs=nowhere: no such file or folder",
    "report runs=.": "runs=.: no finished run with scores in it",
    # All jobs of a multirun are checked before the first one starts.
    "train -m trainer.steps=2,0": "trainer.steps=0: must be at least 1",
    "train -m upsample=resize_nearest,nothing": (
        f"upsample=nothing: must be one of {choices('upsample')[0]}"
    ),
    "train -m seed=0,1 trainer.stepz=3": "trainer.stepz: no such setting; trainer has steps",
    "train -m experiment=flat generator.filters=3,0": "generator.filters=0: must be at least 1",
    "train -m seed=0,0": "-m: two jobs have the same settings",
    "train -m seed=0,1 resume=x": "resume: with -m must be auto",
    "train -m seed=0,1 hydra.run.dir=x": "hydra.run.dir: with -m, give hydra.sweep.dir",
    "diagnose -m target=.,..": "-m: dcgan-diagnose does not support multiruns",
    "train data=folder data.root=": "data.root=: must not be empty",
    "train -m seed=0,1 hydra.sweep.dir=/proc/x": "hydra.sweep.dir=/proc/x: No such file",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(
    run: Run, tmp_path: Path, line: str
) -> None:
    name, *words = shlex.split(line)
    done = run(name, *words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(f"dcgan-{name}: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert MISTAKES[line] in done.stderr
    assert "hydra.cc" not in done.stderr
    assert not list(tmp_path.iterdir())
