"""Settings that cannot work are refused, with the name of the setting."""

import re
from dataclasses import replace

import pytest

from dcgan.config import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    RegularizerConfig,
    SampleConfig,
    UpsampleConfig,
    build,
)
from dcgan.errors import UserError
from tests.conftest import Compose


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "deconv", "kernel_size": 3}, "'transposed', 'resize' or 'subpixel'"),
        ({"kind": "resize", "kernel_size": 4, "mode": "nearest"}, "must be odd"),
        ({"kind": "resize", "kernel_size": 3}, "mode=null: must be set for kind=resize"),
        (
            {"kind": "subpixel", "kernel_size": 3, "mode": "nearest"},
            "mode=nearest: has no effect on kind=subpixel",
        ),
        ({"kind": "subpixel", "kernel_size": 3, "init": "bilinear"}, "one of normal, icnr"),
        ({"kind": "resize", "kernel_size": 3, "mode": "nearest", "init": "icnr"}, "of normal"),
    ],
)
def test_inconsistent_upsampling_settings_are_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        UpsampleConfig(**settings)  # type: ignore[arg-type]


def test_layers_are_selected_by_name() -> None:
    def selected(layers: object) -> set[int]:
        config = UpsampleConfig(kind="subpixel", kernel_size=3, layers=layers)
        return set(config.selected_layers(3))

    assert selected("all") == {0, 1, 2}
    assert selected("first") == {0}
    assert selected("last") == {2}
    assert selected(["up2", "last"]) == {1, 2}
    wrongs: tuple[object, ...] = ("up4", "middle", [], 2)
    for wrong in wrongs:
        with pytest.raises(UserError, match=r"upsample\.layers"):
            selected(wrong)


def test_reflected_padding_must_fit_the_first_block(compose_train: Compose) -> None:
    reflect = ("upsample=subpixel", "upsample.padding_mode=reflect")
    compose_train(*reflect, "upsample.kernel_size=7")
    with pytest.raises(UserError, match=r"upsample.kernel_size=9: with padding_mode=reflect"):
        compose_train(*reflect, "upsample.kernel_size=9")
    compose_train(*reflect, "upsample.kernel_size=9", "upsample.layers=last")  # larger inputs
    compose_train(*reflect, "upsample.kernel_size=9", "generator=flat")  # no blocks


def test_a_flat_generator_has_its_own_settings(compose_train: Compose) -> None:
    assert compose_train("generator=flat").generator.label == "flat k9, 4 layers of 5 filters"
    assert compose_train("generator=tiny").generator.label == "4 filters, z of 8"
    for override, refusal in {
        "generator.kernel_size=4": "generator.kernel_size=4: must be odd",
        "generator.num_layers=1": "generator.num_layers=1: must be at least 2",
        "generator.kernel_size=null": "generator.kernel_size=null: must be set for kind=flat",
        "generator.latent_size=9": "generator.latent_size=9: has no effect on kind=flat",
    }.items():
        with pytest.raises(UserError, match=refusal):
            compose_train("generator=flat", override)


def test_data_settings_without_an_effect_are_refused() -> None:
    drawn = {"source": "digits", "image_size": 32, "channels": 1, "flip": False}
    build(DataConfig, drawn | {"num_images": 10})
    for changes, refusal in (
        ({}, "num_images=null"),
        ({"num_images": 10, "root": "here"}, "root=here: has no effect on data=digits$"),
        ({"num_images": 10, "crop": 8}, "crop=8: only for celeba and folder"),
    ):
        with pytest.raises(UserError, match=rf"^{refusal}"):
            build(DataConfig, drawn | changes)


@pytest.mark.parametrize(
    "override",
    [
        "trainer.steps=0",
        "trainer.batch_size=-1",
        "trainer.generator_lr=0",
        "trainer.discriminator_lr=inf",
        "trainer.beta1=1",
        "trainer.ema_half_life_images=nan",
        "trainer.precision=half",
        "trainer.accelerator=tpu",
        "trainer.checkerboard_images=-1",
        "trainer.checkerboard_from_step=0",
        "trainer.steps=1.0",
        "trainer.generator_lr=fast",
        "data.flip=2",
        "data.image_size=30",
        "seed=-1",
        "generator.filters=0",
        "generator.latent_size=0",
        "generator.latent_size=null",
        "generator.kind=round",
        "generator.kernel_size=3",
        "generator.num_layers=3",
        "discriminator.filters=0",
        "downsample.kernel_size=1",
        "downsample.kind=max",
        "data.source=imagenet",
        "data.channels=2",
        "data.on_corrupt_image=ignore",
        "data.decoding_threads=0",
        "upsample.layers=up9",
    ],
)
def test_a_value_out_of_range_is_refused_by_name(compose_train: Compose, override: str) -> None:
    with pytest.raises(UserError, match=re.escape(override.replace("=nan", "="))) as refusal:
        compose_train(override)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"num_imags": 3}, "num_imags: no such setting; there are checkpoint, num_images, seeds"),
        ({"num_images": "many"}, "num_images=many: must be a valid integer"),
        ({"num_images": 0}, "num_images=0: must be at least 1"),
        ({"num_images": None}, "num_images=null: must be a valid integer"),
        ({"seeds": 3}, "seeds=3: must be a list, in brackets"),
        ({"seeds": [1, -1]}, "seeds=-1: must be at least 0"),
        ({"weights": "best"}, "weights=best: must be one of ema, raw"),
    ],
)
def test_values_become_settings_or_a_one_line_error(changes: dict[str, object], line: str) -> None:
    good: dict[str, object] = {"checkpoint": "run", "num_images": 4}
    assert build(SampleConfig, good) == SampleConfig(checkpoint="run", num_images=4)
    assert (
        build(SampleConfig, good | {"checkpoint": 7}).checkpoint == "7"
    )  # a folder may be named 7
    with pytest.raises(UserError) as refusal:
        build(SampleConfig, good | changes)
    assert str(refusal.value).startswith(line)


def test_defaults_in_configs_and_in_python_are_equal(compose_train: Compose) -> None:
    config = compose_train("upsample=subpixel", "regularizer=none")
    assert config.upsample == UpsampleConfig(kind="subpixel", kernel_size=3)
    assert config.regularizer == RegularizerConfig(kind="none")
    assert config.generator == GeneratorConfig(filters=32, latent_size=100)
    assert config.discriminator == DiscriminatorConfig(filters=32)
    drawn = DataConfig(source="digits", image_size=32, channels=1, flip=False, num_images=20000)
    assert replace(config.data, cache_dir=drawn.cache_dir) == drawn
