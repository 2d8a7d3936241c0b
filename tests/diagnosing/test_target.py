"""Diagnosing folders of images."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.config import DiagnoseConfig
from dcgan.data.drawn import draw_photos
from dcgan.diagnosing import diagnose_target
from dcgan.diagnosing.target import diagnose_images
from dcgan.diagnosing.tiles import Pictures, luminance, read_folder
from dcgan.errors import UserError
from dcgan.training.loop import train
from tests.conftest import Compose


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clean/ and gridded/ with 100 photographs each, large/ with ten gridded ones of 128x160."""
    root = tmp_path_factory.mktemp("images")
    photos = draw_photos(200, 32).transpose(0, 2, 3, 1).astype(float)
    grid = 8 * (-1.0) ** (np.arange(160)[:, None] + np.arange(160))[..., None]
    large = np.tile(photos[0], (4, 5, 1)) + grid[:128]
    kinds = {"clean": photos[:100], "gridded": photos[100:] + grid[:32, :32], "large": [large] * 10}
    for name, images in kinds.items():
        (root / name / "deeper").mkdir(parents=True)
        for i, image in enumerate(images):
            pixels = image.round().clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / "deeper" / f"{i}.png")
    return root


def diagnosed(tmp_path: Path, target: Path, reference: Path | None = None) -> dict[str, object]:
    other = None if reference is None else str(reference)
    config = DiagnoseConfig(target=str(target), reference=other, num_images=100)
    result = diagnose_target(config, tmp_path / "run")
    assert (tmp_path / "run" / "result.json").is_file()
    return result


def test_a_checkerboard_is_found_and_clean_images_are_clean(tmp_path: Path, folders: Path) -> None:
    assert diagnosed(tmp_path, folders / "clean")["verdict"] == "clean"
    assert diagnosed(tmp_path, folders / "clean", folders / "clean")["verdict"] == "clean"
    gridded = diagnosed(tmp_path, folders / "gridded", folders / "clean")
    assert gridded["verdict"] == "grid"
    assert "period 2" in str(gridded["reason"])
    large = diagnosed(tmp_path, folders / "large")
    assert (large["verdict"], large["num_tiles"], large["tile_side"]) == ("grid", 40, 64)


def test_a_run_is_compared_with_its_training_images_if_they_can_be_read(
    tiny: Compose, tmp_path: Path, folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images, trained = tmp_path / "images", tmp_path / "trained"
    shutil.copytree(folders / "clean", images)
    train(tiny("data=folder", f"data.root={images}", "data.num_images=null"), trained, "")
    result = diagnosed(tmp_path, trained)
    assert result["reference"] == "the training images"
    given = diagnosed(tmp_path, trained, folders / "clean")
    assert given["reference"] == str(folders / "clean")
    shutil.rmtree(images)
    caplog.clear()
    alone = diagnosed(tmp_path, trained)
    assert alone["reference"] is None
    assert alone["periods"] != result["periods"]
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning == f"data.root={images}: no such folder; comparing with noise instead"


def test_images_of_one_color_cannot_be_judged(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    for i in range(40):
        Image.new("RGB", (64, 64), (i, 10, 10)).save(tmp_path / "flat" / f"{i}.png")
    flat = diagnosed(tmp_path, tmp_path / "flat")
    assert flat["verdict"] == "could not judge"
    assert flat["reason"] == "every image of the target is a single color"


def test_the_verdict_is_the_same_for_16_bit_transparent_and_palette_images(
    tmp_path: Path, folders: Path
) -> None:
    for kind in ("I;16", "RGBA", "P"):
        folder = tmp_path / kind.replace(";", "")
        folder.mkdir()
        for path in (folders / "gridded" / "deeper").iterdir():
            with Image.open(path) as image:
                if kind == "I;16":
                    wide = np.asarray(image.convert("L")).astype(np.uint16) * 257
                    Image.fromarray(wide).save(folder / path.name)
                else:
                    image.convert(kind).save(folder / path.name)
        assert diagnosed(tmp_path, folder)["verdict"] == "grid", kind


def test_too_small_images_are_left_out_and_counted(tmp_path: Path, folders: Path) -> None:
    mixed = Path(shutil.copytree(folders / "gridded", tmp_path / "mixed"))
    Image.new("RGB", (12, 12)).save(mixed / "thumbnail.png")
    result = diagnosed(tmp_path, mixed)
    assert (result["left_out_as_too_small"], result["tile_side"]) == (1, 32)
    assert len(result["periods"]) == 7  # type: ignore[arg-type]  # 2 to 8


def test_a_folder_of_runs_is_refused(tmp_path: Path, folders: Path) -> None:
    runs = Path(shutil.copytree(folders / "clean", tmp_path / "runs" / "0" / "samples"))
    (runs.parent / "metrics.jsonl").write_text("")
    with pytest.raises(
        UserError, match=r"runs: contains runs; pass the folder of one that has saved"
    ):
        diagnosed(tmp_path, tmp_path / "runs")


def test_too_few_images_are_not_judged(tmp_path: Path, folders: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for i in range(3):
        (few / f"{i}.png").write_bytes((folders / "gridded" / "deeper" / f"{i}.png").read_bytes())
    result = diagnosed(tmp_path, few)
    assert (result["verdict"], result["reason"]) == (
        "could not judge",
        "the target gives 3 tiles; at least 32 are needed: use more or larger images",
    )


def test_broken_images_are_named_and_the_others_are_judged(
    tmp_path: Path, folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mixed = Path(shutil.copytree(folders / "gridded" / "deeper", tmp_path / "mixed"))
    (mixed / "7.png").write_bytes((mixed / "7.png").read_bytes()[:100])  # with an intact header
    (mixed / "8.png").write_bytes(b"no picture")
    Image.new("1", (14000, 13000)).save(mixed / "9.png")
    result = diagnosed(tmp_path, mixed, mixed)
    assert result["num_tiles"] == 97
    unreadable = result["unreadable"]
    assert isinstance(unreadable, dict)
    assert {Path(path).name for path in unreadable} == {"7.png", "8.png", "9.png"}
    assert unreadable[str(mixed / "9.png")] == "too large: 14000x13000 is 182000000 pixels"
    (warning,) = {record.getMessage() for record in caplog.records}
    assert warning.startswith("3 of 100 images left out: ")
    assert diagnosed(tmp_path, mixed)["verdict"] == "grid"


def test_hidden_files_and_links_are_handled_as_in_training(tmp_path: Path, folders: Path) -> None:
    linked = tmp_path / "linked"
    (linked / ".ipynb_checkpoints").mkdir(parents=True)
    (linked / ".ipynb_checkpoints" / "0.png").write_bytes(b"no picture")
    (linked / "._0.png").write_bytes(b"no picture")
    (linked / "images").symlink_to(folders / "clean")
    (linked / "loop").symlink_to(linked)
    (linked / "gone.png").symlink_to(tmp_path / "nowhere.png")
    result = diagnosed(tmp_path, linked)
    assert (result["num_tiles"], result["unreadable"], result["verdict"]) == (100, {}, "clean")


def test_gray_images_are_compared_with_the_brightness_of_jpegs(
    tmp_path: Path, folders: Path
) -> None:
    folder = tmp_path / "jpeg"
    folder.mkdir()
    for path in (folders / "clean" / "deeper").iterdir():
        with Image.open(path) as image:
            image.save(folder / f"{path.stem}.jpg", quality=95)
    jpegs = read_folder(folder, 100, "reference")
    gray = Pictures(luminance(jpegs.tiles))
    config = DiagnoseConfig(target=str(folder), reference=str(folder), num_images=100)
    ratios = [period["ratio"] for period in diagnose_images(config, gray)["periods"]]
    assert ratios == pytest.approx([1] * len(ratios))


@pytest.mark.parametrize("size", [28, 64])
def test_blocks_of_smooth_jpegs_are_no_grid(tmp_path: Path, size: int) -> None:
    folder, random = tmp_path / "smooth", np.random.default_rng(0)
    folder.mkdir()
    y, x = np.mgrid[:size, :size] / size
    for i in range(64):
        down, across, bent = random.uniform(-120, 120, 3)
        ramp = 128 + down * (y - 0.5) + across * (x - 0.5) + 0.3 * bent * np.sin(3 * x + 2 * y)
        Image.fromarray(ramp.astype(np.uint8)).save(folder / f"{i}.jpg", quality=50)
    found = diagnosed(tmp_path, folder)
    assert found["verdict"] == "clean"
    assert "'JPEG'" in str(found["periods"])


@pytest.mark.parametrize("suffix", ["jpg", "JPEG", "jfif"])
def test_jpegs_are_reported(tmp_path: Path, folders: Path, suffix: str) -> None:
    folder = tmp_path / "jpeg"
    folder.mkdir()
    for path in (folders / "clean" / "deeper").iterdir():
        with Image.open(path) as image:
            image.save(folder / f"{path.stem}.{suffix}", "JPEG", quality=95)
    assert diagnosed(tmp_path, folder)["only_brightness"]
    assert not diagnosed(tmp_path, folders / "clean")["only_brightness"]


def test_jpegs_elsewhere_do_not_excuse_a_pattern(tmp_path: Path) -> None:
    """Neither a reference of JPEGs nor a single one among other files."""
    target, jpegs = tmp_path / "target", tmp_path / "jpegs"
    target.mkdir()
    jpegs.mkdir()
    random, stripes = np.random.default_rng(0), 40 * (np.arange(64) % 8 == 0)
    for i in range(64):
        noise = random.normal(128, 20, (64, 64)).clip(0, 255)
        Image.fromarray(noise.astype(np.uint8)).save(jpegs / f"{i}.jpg")
        Image.fromarray((noise + stripes).clip(0, 255).astype(np.uint8)).save(target / f"{i}.png")
    assert diagnosed(tmp_path, target, jpegs)["verdict"] == "grid"
    shutil.copy(jpegs / "0.jpg", target)
    found = diagnosed(tmp_path, target)
    assert (found["verdict"], found["only_brightness"]) == ("grid", True)


def test_a_target_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"target=.*: no images in it"):
        diagnosed(tmp_path, tmp_path)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(
        UserError, match=r"target=.*: none of 1 images can be read \(.*broken\.png: corrupt image"
    ):
        diagnosed(tmp_path, tmp_path)
    with pytest.raises(ValueError, match="no such file or folder"):
        diagnosed(tmp_path, tmp_path / "nowhere")
    with pytest.raises(UserError, match="must be a folder of images"):
        diagnosed(tmp_path, tmp_path / "broken.png")
