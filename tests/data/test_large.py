"""A large data set is prepared and trained on in bounded memory."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import command_environment

NUM_IMAGES = 60_000
BYTES = NUM_IMAGES * 3 * 64 * 64  # when prepared: 737 MB

# Run in its own process, to measure this work alone: first with few images, to know what else it
# needs, then with many. Only anonymous memory counts, since the system can drop the pages of a
# mapped file at any time.
SCRIPT = """
    import sys
    import threading
    import time
    from pathlib import Path
    import torch
    from dcgan.commands.composing import compose, to_dataclass
    from dcgan.config import TrainConfig
    from dcgan.data.batches import Batches
    from dcgan.data.preparation import prepare
    from dcgan.training.loop import train

    def owned():
        text = Path("/proc/self/status").read_text()
        return int(text.split("RssAnon:")[1].split()[0]) * 1024

    def watch():
        while True:
            peaks.append(max(peaks[-1], owned()))
            time.sleep(0.2)

    def work(root, num_images):
        overrides = ["data=folder", f"data.root={root}", f"data.cache_dir={sys.argv[1]}",
                     "data.image_size=64", "data.flip=true", "generator=tiny",
                     "discriminator=tiny", "trainer=smoke", "trainer.batch_size=256"]
        config = to_dataclass(compose("train", overrides), TrainConfig)
        images = prepare(config.data).open()
        assert images.shape == (num_images, 3, 64, 64)
        batches = Batches(images, 256, seed=0, flip=True, device=torch.device("cpu"))
        for _ in range(len(images) // 256):  # a whole epoch
            batches.draw()
        assert train(config, Path(root + "-run"), "")["step"] == config.trainer.steps

    few, many = sys.argv[2:4]
    peaks = [owned()]
    threading.Thread(target=watch, daemon=True).start()
    work(few, 600)
    without_data = peaks[-1]
    work(many, int(sys.argv[4]))
    print(peaks[-1] - without_data)
"""


@pytest.mark.slow
def test_60_000_color_images_need_little_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    originals = []
    for number in range(20):
        pixels = np.kron(random.integers(0, 256, (8, 8, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
        originals.append(tmp_path / f"{number}.jpg")
        Image.fromarray(pixels).save(originals[-1])
    folders = {tmp_path / "few": 600, tmp_path / "many": NUM_IMAGES}
    for folder, num_images in folders.items():
        folder.mkdir()
        for number in range(num_images):
            original = originals[number % len(originals)]
            (folder / f"{number:06d}.jpg").hardlink_to(original)
    arguments = [str(tmp_path), *map(str, folders), str(NUM_IMAGES)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), *arguments],
        env=command_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(tmp_path)  # 1 GB
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < BYTES / 2
