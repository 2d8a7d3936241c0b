"""A run that does not fit into memory is refused, with both sizes, before it allocates any."""

import pytest

from dcgan.errors import UserError
from dcgan.training.sizes import check_sizes
from tests.conftest import Compose


@pytest.mark.parametrize(
    "setting",
    [
        "data.num_images",
        "trainer.batch_size",
        "trainer.num_samples",
        "trainer.checkerboard_images",
        "trainer.fid_images",
        "generator.filters",
        "discriminator.filters",
        "generator.latent_size",
    ],
)
def test_a_size_beyond_memory_is_refused(tiny: Compose, setting: str) -> None:
    with pytest.raises(
        UserError, match=r"would take .* GiB of memory; this machine has"
    ) as refused:
        check_sizes(tiny(f"{setting}=1000000000", "trainer.fid_every=1"))
    assert setting.split(".")[1] in str(refused.value)


@pytest.mark.parametrize("upsample", ["transposed_k4_balanced", "resize_nearest", "subpixel"])
def test_usual_sizes_are_accepted(tiny: Compose, upsample: str) -> None:
    check_sizes(tiny(f"upsample={upsample}", "downsample.balanced=true"))
