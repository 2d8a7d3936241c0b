"""The gradients of a step as CUDA graphs.

A GPU is handed hundreds of kernels at once, and not one by one by Python, which for small batches
takes longer than the kernels do. Optimisers, the average and the drawing of batches stay as they
are; they are a few kernels each.
"""

from collections.abc import Callable

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from dcgan.config import TrainerConfig
from dcgan.training.state import State
from dcgan.training.step import (
    PLAIN,
    Parts,
    Seen,
    discriminator_gradients,
    generator_gradients,
)

NUM_WARM_UPS = 3  # cuDNN picks its algorithms, allocations settle

Work = Callable[[], None]
Capture = Callable[[Work, Work], tuple[Work, Work]]  # two parts that follow each other → replays


def capture_graphs(first: Work, second: Work) -> tuple[Work, Work]:
    """Record both parts, in one memory pool, since the second uses what the first computed."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(NUM_WARM_UPS):
            first()
            second()
    torch.cuda.current_stream().wait_stream(stream)
    pool = torch.cuda.graph_pool_handle()
    replays = []
    for work in (first, second):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool, stream=stream):
            work()
        replays.append(graph.replay)
    return replays[0], replays[1]


def parts_of(_: TrainerConfig) -> Parts:
    """What `train_step` takes: the parts as they are."""
    return PLAIN


def graphed_parts(capture: Capture = capture_graphs) -> Parts:
    """Parts that are recorded once and replayed from then on, of one run."""
    graphs = _Graphs(capture)
    return Parts(graphs.of_discriminator, graphs.of_generator)


class _Graphs:
    """Records both parts at the first step without a penalty, and replays them from then on.

    Every tensor of a graph stays where it was when it was recorded: batches are copied to where the
    first one lay, and gradients are put back into the weights. Steps with a penalty are computed as
    they are, since only some steps have one.
    """

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replays: tuple[Work, Work] | None = None

    def of_discriminator(self, state: State, fabric: Fabric, real: Tensor, latents: Tensor) -> Seen:
        """As `discriminator_gradients`; what is returned is overwritten by the next step."""
        if state.penalty_is_due:
            return discriminator_gradients(state, fabric, real, latents)
        if self._replays is None:
            self._replays = self._record(state, fabric, real, latents)
        self._real.copy_(real)
        self._latents.copy_(latents)
        self._replays[0]()
        _put_back(state.plain_discriminator, self._discriminator_gradients)
        return self._seen

    def of_generator(self, state: State, fabric: Fabric, seen: Seen) -> Tensor:
        """As `generator_gradients`; what is returned is overwritten by the next step."""
        if self._replays is None or state.penalty_is_due:
            return generator_gradients(state, fabric, seen)
        self._replays[1]()
        _put_back(state.plain_generator, self._generator_gradients)
        return self._generator_loss

    def _record(
        self, state: State, fabric: Fabric, real: Tensor, latents: Tensor
    ) -> tuple[Work, Work]:
        self._real, self._latents = real.clone(), latents.clone()

        def first() -> None:
            self._seen = discriminator_gradients(state, fabric, self._real, self._latents)
            self._discriminator_gradients = _gradients(state.plain_discriminator)

        def second() -> None:
            self._generator_loss = generator_gradients(state, fabric, self._seen)
            self._generator_gradients = _gradients(state.plain_generator)

        # Warming up is no training: batch norm's running statistics must not see it.
        networks = state.plain_generator, state.plain_discriminator
        buffers = [buffer for network in networks for buffer in network.buffers()]
        before = [buffer.clone() for buffer in buffers]
        replays = self._capture(first, second)
        # What is recorded no longer needs it, and steps with a penalty would find its nodes.
        self._seen = self._seen._replace(fake=self._seen.fake.detach())
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
        return replays


def _gradients(network: nn.Module) -> list[Tensor | None]:
    return [weight.grad for weight in network.parameters()]


def _put_back(network: nn.Module, gradients: list[Tensor | None]) -> None:
    """A step with a penalty leaves others there."""
    for weight, gradient in zip(network.parameters(), gradients, strict=True):
        weight.grad = gradient
