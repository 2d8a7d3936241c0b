"""Record what a network computes, below nn.Module, and where each input's pixels come from.

Operations that only move elements are followed in `memory`; all others become the nodes of the
recording.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from dcgan.checkerboard.memory import MOVES, Memory, key_of
from dcgan.checkerboard.rearrangement import Operand
from dcgan.checkerboard.torus import per_axis

SHUFFLE = "pixel_shuffle"
FACTORIES = {f"{name}_like" for name in ("zeros", "ones", "empty", "full", "rand", "randn")}
FACTORIES |= {f"new_{name}" for name in ("zeros", "ones", "empty", "full")}
OPTIONS = ("alpha", "rounding_mode")  # they change what an addition or a division means
RANDOM = ("randn", "rand", "randn_like", "rand_like", "normal_", "uniform_")
PRODUCTS = ("addmm", "mm", "native_layer_norm", "embedding")  # whose channels are last
NOISE = "noise"  # an input that the network makes itself
OUTPUT = "output"  # the operation that reads what the network returns


@dataclass
class Node:
    """An operation that computes new values from activations."""

    op: str  # such as convolution
    args: tuple[Any, ...] = ()  # tensors that do not depend on the example; `Input` for others
    operands: list[Operand] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    path: str = ""  # of the innermost module that runs it
    layer: nn.Module | None = None
    call: int = 0  # how many of its kind this call of the module ran before
    channel_last: bool = False  # as in matrix products; otherwise channels are axis 1
    name: str = ""  # of its operation
    number: int = 0  # how many operations of that name ran before
    index: int = 0  # its place in the recording


@dataclass(frozen=True)
class Input:
    """Takes the place of an activation among a node's arguments."""

    shape: tuple[int, ...]


class Counting(TorchDispatchMode):
    """Counts the operations that run within it; `_run` runs each."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[str] = Counter()  # operations that ran, by name

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if torch.is_inference_mode_enabled():  # only there do operations made of others arrive
            with self:
                result = function.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = self._run(function, args, kwargs)
        self.counts[name_of(function)] += 1
        return result

    def _run(self, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        raise NotImplementedError


class Recording(Counting):
    """The nodes of a run, in the order in which they ran."""

    def __init__(self, network: nn.Module, inputs: Any) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.output: Any = None  # what the network returned
        self.ran: set[nn.Module] = set()
        self._names = {module: name for name, module in network.named_modules()}
        self._stack: list[tuple[nn.Module, Counter[str]]] = [(network, Counter())]
        self._memory = Memory()
        for tensor in _dense(inputs):
            self._add(Node("input", shape=tuple(tensor.shape)), [tensor])

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record the operations of everything that runs inside."""

        def enter(module: nn.Module, _: Any) -> None:
            self.ran.add(module)
            if module in self._names:
                self._stack.append((module, Counter()))

        def leave(module: nn.Module, *_: Any) -> None:
            if self._stack[-1][0] is module and len(self._stack) > 1:
                self._stack.pop()

        with (
            register_module_forward_pre_hook(enter),
            register_module_forward_hook(leave, always_call=True),
            self,
        ):
            yield

    def finish(self) -> None:
        """Add nodes that read the images or sequences of the output, and what nothing has read."""
        for tensor in tensors_of(self.output):
            if tensor.ndim > 2 and tensor in self._memory:
                self._add_output(self._memory.read(tensor), tensor.shape)
        for operands in self._memory.unread():
            if operands:
                self._add_output(operands, operands[0].shape)

    def _add_output(self, operands: list[Operand], shape: Sequence[int]) -> None:
        call = sum(node.op == OUTPUT for node in self.nodes)
        self._add(Node(OUTPUT, (), operands, tuple(shape), call=call), [])

    def _run(self, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        memory = self._memory
        # An operation in place overwrites its input, so where that came from is read before.
        inputs = _dense((args, kwargs))
        (op, seen), node = _as_convolution(function, args), None
        if op == "lift_fresh":  # a new constant, perhaps in memory of an activation that is gone
            memory.forget(inputs[0])
        leaves = inputs if seen is args else _dense(seen)
        active = [x for x in leaves if x in memory and op not in FACTORIES]
        moves = op in MOVES and not any(x.is_complex() for x in inputs)
        moves &= not (op == "index_put_" and (kwargs.get("accumulate") or args[3:4] == (True,)))
        name = op if moves else op.removesuffix("_")
        if active and not moves and not _is_view(function):
            node = self._node(name, seen, active, options=[k for k in kwargs if k in OPTIONS])
        result = function(*args, **kwargs)
        outputs = _dense(result)
        known = {key_of(x) for x in inputs}
        fresh = [x for x in outputs if key_of(x) not in known]
        if node is not None:
            if fresh or (outputs and function._schema.is_mutable):  # else a view after all
                node.shape = tuple(outputs[0].shape)
                node.name, node.number = name_of(function), self.counts[name_of(function)]
                self._add(node, outputs)
        elif active and moves:
            path = self._names[self._stack[-1][0]]
            memory.move(name, function, args, kwargs, outputs, path)
        elif op in RANDOM:
            self._add(Node(NOISE, shape=tuple(outputs[0].shape)), outputs)
        elif not active:
            for x in fresh:  # perhaps memory of an activation, used again
                memory.forget(x)
        return result

    def _node(self, op: str, args: Any, active: list[Tensor], options: Sequence[str]) -> Node:
        module, calls = self._stack[-1]
        if options:
            op += f" with {', '.join(options)}"
        memory = self._memory
        kept = tree_map(
            lambda x: Input(tuple(x.shape)) if isinstance(x, Tensor) and x in memory else x,
            tuple(args),
        )
        operands = [operand for x in active for operand in memory.read(x)]
        path, calls[op] = self._names[module], calls[op] + 1
        return Node(op, kept, operands, (), path, module, calls[op] - 1)

    def _add(self, node: Node, outputs: list[Tensor]) -> None:
        sources = [self.nodes[operand.node] for operand in node.operands[:1] if operand.same]
        inherited = any(x.channel_last and x.shape[-1:] == node.shape[-1:] for x in sources)
        node.channel_last = node.op in PRODUCTS or len(node.shape) < 3 or inherited
        node.channel_last &= node.op != "convolution"
        node.index = len(self.nodes)
        self.nodes.append(node)
        for x in outputs:
            self._memory.write(x, node.index, channel_last=node.channel_last)


def tensors_of(output: Any) -> Iterator[Tensor]:
    """All tensors of what a network returns, also those in the attributes of objects."""
    waiting, seen = tree_leaves(output), set[int]()
    while waiting:
        x = waiting.pop(0)
        if isinstance(x, Tensor):
            yield x
        elif id(x) not in seen and not isinstance(x, nn.Module | type) and hasattr(x, "__dict__"):
            waiting += tree_leaves(dict(vars(x)))
        seen.add(id(x))


def _as_convolution(function: Any, args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """An operation's name and arguments; as a convolution's if it is one of another kind.

    These are quantized ones, and gradients: that of a strided convolution is a transposed one.
    """
    space, op = function._schema.name.split("::")
    if op == "convolution_backward" and args[-1][0]:
        given, image, weight, _, stride, padding, dilation, transposed, _, groups, _ = args
        shared = (per_axis(x, image.ndim - 2) for x in (stride, padding, dilation))
        sizes = (x.shape[2:] for x in (image, given, weight))
        each = zip(*sizes, *shared, strict=True)
        more = [n + 2 * p - d * (k - 1) - 1 - s * (m - 1) for n, m, k, s, p, d in each]
        plain = (given, weight, None, stride, padding, dilation, not transposed, more, groups)
        return "convolution", plain
    if space == "quantized" and re.fullmatch(r"conv(_transpose)?[123]d(_dynamic)?", op):
        packed = args[1]
        weight, bias = packed.unpack()
        geometry = (packed.stride(), packed.padding(), packed.dilation())
        options = (bool(packed.transpose()), packed.output_padding(), packed.groups())
        return "convolution", (args[0], weight.dequantize(), bias, *geometry, *options)
    return re.sub("^_(?=upsample_)", "", op), args


def _dense(tree: Any) -> list[Tensor]:
    """The tensors that have memory of their own, unlike sparse ones."""
    leaves = tree_leaves(tree)
    return [x for x in leaves if isinstance(x, Tensor) and x.layout == torch.strided]


def name_of(function: Any) -> str:
    """An operation's name, the same in place and not."""
    name: str = function._schema.name.split("::")[1]
    return name.removesuffix("_")


def _is_view(function: Any) -> bool:
    """Whether an operation returns memory of its input without changing it."""
    returns = function._schema.returns
    aliases = [r.alias_info for r in returns]
    if function._schema.name == "aten::_unsafe_view":
        return True
    return bool(aliases) and all(a is not None and not a.is_write for a in aliases)


@contextmanager
def same_random_state() -> Iterator[None]:
    """Leave torch's global random state as it was."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices):
        yield


def record(network: nn.Module, run: Callable[[], Any], inputs: Any) -> Recording:
    """Run a network once and record it."""
    recording = Recording(network, inputs)
    with same_random_state(), torch.no_grad(), recording.watching():
        recording.output = run()
    recording.finish()
    if not any(node.operands for node in recording.nodes):
        raise ValueError("nothing depends on the example: give all inputs that the network reads")
    return recording
