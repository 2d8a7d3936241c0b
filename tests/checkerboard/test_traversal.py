"""Which operations of a run are listed, under which names."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.checkerboard import balance, diagnose
from tests.checkerboard.networks import Block, X, only, zeros_between


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (
            lambda x: F.max_unpool2d(*F.max_pool2d_with_indices(x, [2, 2]), [2, 2]),
            "depends on the input",
        ),
        (lambda x: x.repeat(1, 1, 2, 2), "not understood"),
        (lambda x: torch.ones(30, 12) @ x @ torch.ones(12, 30), "made an image larger"),
        (lambda x: torch.fft.irfft2(torch.fft.rfft2(x), s=(30, 30)), "not a known way"),
        (lambda x: F.pixel_shuffle(F.instance_norm(x), 2).repeat(1, 4, 1, 1), "statistics"),
    ],
)
def test_what_cannot_be_known_is_not_judged(way: Callable[[Tensor], Tensor], reason: str) -> None:
    rows = diagnose(Block(way, last=True), X).layers
    assert [row.verdict for row in rows] == ["not judged"]
    assert reason in rows[0].advice or "before" in rows[0].advice


def test_padding_and_windows_enlarge_nothing() -> None:
    def way(x: Tensor) -> Tensor:
        x = F.pad(F.pad(x, (2, 2, 2, 2)), (1, 1, 1, 1), mode="reflect")
        windows = x.unflatten(2, (3, 6)).unflatten(4, (3, 6)).permute(0, 2, 4, 3, 5, 1)
        mixed = F.softmax(windows @ windows.mT, -1) @ windows
        back: Tensor = mixed.permute(0, 5, 1, 3, 2, 4)
        return back.reshape(x.shape)

    diagnosis = diagnose(Block(way, last=True), X)
    assert str(diagnosis) == "No upsampling layer found: nothing enlarges an image."


class TwoPaths(nn.Module):
    """The shuffled convolution is not the one that ran last."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.shortcut = nn.Conv2d(8, 16, 3, padding=1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (N, 4, 2H, 2W)."""
        y, s = self.main(x), self.shortcut(x)
        return F.pixel_shuffle(y, 2) + F.interpolate(s, scale_factor=2)


def test_each_path_gets_its_own_convolution() -> None:
    network = TwoPaths()
    with torch.no_grad():
        nn.init.zeros_(list(network.main.parameters())[1])
    shuffled, resized = diagnose(network, X).layers
    assert (shuffled.name, shuffled.verdict, resized.verdict) == ("main", "grid", "clean")
    with torch.no_grad():
        network.main.weight.copy_(network.main.weight[::4].repeat_interleave(4, 0))
    assert diagnose(network, X).layers[0].rho == pytest.approx(0, abs=1e-9)


def test_a_shuffle_after_resizing_is_judged_too() -> None:
    network = nn.Sequential(
        nn.Upsample(scale_factor=2), nn.Conv2d(8, 16, 3, padding=1), nn.PixelShuffle(2)
    )
    assert [x.verdict for x in diagnose(network, X).layers] == ["clean", "grid"]
    assert [x.verdict for x in diagnose(network).layers] == ["clean", "grid"]


class Shared(nn.Module):
    """One PixelShuffle, used twice; one layer that does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(8, 32, 3, padding=1), nn.Conv2d(8, 32, 3, padding=1)
        self.p, self.unused = nn.PixelShuffle(2), nn.ConvTranspose2d(8, 8, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 8, H, W) to (N, 8, 4H, 4W)."""
        return self.p(self.b(self.p(self.a(x))))  # type: ignore[no-any-return]


def test_a_shared_shuffle_has_two_rows_and_what_did_not_run_is_listed() -> None:
    rows = diagnose(Shared(), X).layers
    assert [row.name for row in rows] == ["a", "b", "unused"]
    assert rows[2].problem == "defined, but it did not run on this example"
    changed = balance(Shared(), X)
    assert [(layer.name, layer.problem) for layer in changed][2:] == [("unused", rows[2].problem)]
    alone = diagnose(Shared()).layers
    assert [(row.name, row.verdict) for row in alone] == [("p", "not judged"), ("unused", "grid")]
    assert "only with an example" in alone[0].advice


def test_names_stay_short() -> None:
    class Many(nn.Module):
        def forward(self, x: Tensor) -> list[Tensor]:
            return [F.interpolate(x, size=(13, 13 + i)) for i in range(3)]

    rows = diagnose(nn.Sequential(Many()), X).layers
    assert [row.name for row in rows] == ["0.interpolate", "0.interpolate 2", "0.interpolate 3"]


def test_broadcast_sequences_are_listed() -> None:
    class Held(nn.Module):
        def __init__(self, *, last: bool) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv1d(4, 4, 3, padding=1), last

        def forward(self, x: Tensor) -> Tensor:
            y = (x[..., None] * torch.tensor([1.0, 0])).flatten(2)
            return self.conv(y) if self.last else y

    for last in (True, False):
        row = only(Held(last=last), torch.randn(2, 4, 32))
        assert (row.verdict, row.problem) == (
            "not judged",
            "it made an image larger, in a way that is not known",
        )


def test_weights_from_the_input_are_no_images() -> None:
    class Modulated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.style, self.weight = nn.Linear(4, 8), nn.Parameter(torch.randn(8, 8, 3, 3))
            self.start = nn.Parameter(torch.randn(1, 8, 16, 16))

        def forward(self, z: Tensor) -> Tensor:
            weight = self.weight * self.style(z)[0, :, None, None]
            return F.conv2d(self.start, weight, padding=1)

    assert not diagnose(Modulated(), torch.randn(1, 4)).layers


def test_tokens_in_rows_become_pixels() -> None:
    class Decoder(nn.Module):  # He et al., 2022: the last layer of a masked autoencoder
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(8, 12)

        def forward(self, tokens: Tensor) -> Tensor:
            y = self.linear(tokens).reshape(-1, 6, 6, 2, 2, 3)
            return torch.einsum("nhwpqc->nchpwq", y).reshape(-1, 3, 12, 12)

    network = Decoder()
    row = only(network, torch.randn(2, 36, 8))
    assert (row.name, row.kind, row.verdict) == ("linear", "Linear + rearranged pixels", "grid")
    with torch.no_grad():
        for x in network.linear.parameters():
            x.copy_(x[:3].repeat(4, *[1] * (x.ndim - 1)))
    assert only(network, torch.randn(2, 36, 8)).rho == pytest.approx(0, abs=1e-12)


def test_channels_last_and_patches_put_back_enlarge_nothing() -> None:
    assert not diagnose(
        nn.Embedding(9, 8),
        torch.randint(9, (1, 24, 24)),
        forward=lambda net, x: net(x).permute(0, 3, 1, 2),
    ).layers
    back = Block(lambda x: F.fold(F.unfold(x, 2, stride=2), x.shape[2:], 2, stride=2), last=True)
    assert not diagnose(back, X).layers


def test_one_pixel_made_into_a_picture_has_no_grid() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(8, 8, 5, 2), nn.ConvTranspose2d(8, 3, 5, 2))
    rows = diagnose(network, torch.randn(2, 8, 1, 1)).layers
    assert [(row.name, row.verdict) for row in rows] == [("1", "grid")]


def test_a_fold_is_judged_by_its_own_kernel() -> None:
    def folded(kernel: int) -> Block:
        settings = {"kernel_size": kernel, "stride": 2, "padding": 1}
        block = Block(lambda y: F.fold(y.flatten(2), (24, 24), **settings))
        block.conv = nn.Conv2d(8, 3 * kernel**2, 3, padding=1)
        return block

    row = only(folded(3), X)
    assert (row.kernel_size, row.coverage) == ((3, 3), 4)
    assert "a kernel size divisible by the stride" in row.advice
    row = only(folded(4), X)
    assert (row.kernel_size, row.coverage, row.shift) == ((4, 4), 1, (0, 0))
    assert "coverage is even" in row.advice


def test_no_coverage_is_claimed_of_zeros_between_pixels() -> None:
    row = only(nn.Sequential(Block(zeros_between), nn.Conv2d(8, 3, 3, padding=1)), X)
    assert (row.kernel_size, row.coverage) == ((), None)
    assert "coverage" not in row.advice
