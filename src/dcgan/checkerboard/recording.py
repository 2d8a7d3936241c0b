"""Record what a network computes, below nn.Module, and where each input's pixels come from.

Every element of an activation gets a number of its own. Operations that only move elements (views,
copies, pixel shuffles, writes into zeros) move the numbers too, so the numbers say what they did,
however it was written; all other operations become the nodes of the recording.
"""

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

from dcgan.checkerboard.rearrangement import Operand, Root, explain

MOVES = {
    *("clone", "copy_", "cat", "stack", "index", "index_select", "index_put_", "pixel_shuffle"),
    *("pixel_unshuffle", "channel_shuffle", "constant_pad_nd", "repeat", "flip", "roll", "im2col"),
    *("_to_copy", "slice_scatter", "select_scatter", "contiguous", "fill_", "zero_", "gather"),
    *("reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
    *("replication_pad1d", "replication_pad2d", "replication_pad3d"),
}
INDICES = ("index", "indices")  # arguments that say which elements to take
SHUFFLE = "pixel_shuffle"
FACTORIES = {f"{name}_like" for name in ("zeros", "ones", "empty", "full", "rand", "randn")}
FACTORIES |= {f"new_{name}" for name in ("zeros", "ones", "empty", "full")}
OPTIONS = ("alpha", "rounding_mode")  # they change what an addition or a division means
RANDOM = ("randn", "rand", "randn_like", "rand_like", "normal_", "uniform_")
PRODUCTS = ("addmm", "mm", "native_layer_norm")
OUTPUT = "output"  # the operation that reads what the network returns


@dataclass
class Node:
    """An operation that computes new values from activations."""

    op: str  # such as convolution
    index: int  # its place among all operations of the run; −1: none
    args: tuple[Any, ...] = ()  # tensors that do not depend on the example; `Input` for others
    operands: list[Operand] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    path: str = ""  # of the innermost module that runs it
    layer: nn.Module | None = None
    call: int = 0  # how many of its kind this call of the module ran before
    channel_last: bool = False  # as in matrix products; otherwise channels are axis 1
    name: str = ""  # of its operation, and
    number: int = 0  # how many of that name the run had before


@dataclass(frozen=True)
class Input:
    """Takes the place of an activation among a node's arguments."""

    shape: tuple[int, ...]


@dataclass
class _Storage:
    """What one piece of memory holds: a node's output, or numbers of elements."""

    node: int
    geometry: tuple[Any, ...]
    num_bytes: int
    numbers: Tensor | None = None  # by position in memory
    maker: tuple[str, str] = ("", "")  # the last move that wrote it, and its module


def _geometry(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.stride(), tensor.storage_offset()


def _key(tensor: Tensor) -> int:
    key: int = tensor.untyped_storage()._cdata
    return key


class Recording(TorchDispatchMode):
    """The nodes of a run, in the order in which they ran."""

    def __init__(self, network: nn.Module, inputs: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.nodes: list[Node] = []
        self.ran: set[nn.Module] = set()
        self._names = {module: name for name, module in network.named_modules()}
        self._stack: list[tuple[nn.Module, dict[str, int]]] = [(network, {})]
        self._storages: dict[int, _Storage] = {}
        self._roots: list[Root] = []
        self._count, self._index = 0, 0
        self.counts: Counter[str] = Counter()  # operations that ran, by name
        for tensor in tree_leaves(inputs):
            if isinstance(tensor, Tensor):
                self._add(Node("input", -1, shape=tuple(tensor.shape)), [tensor])

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record the operations of everything that runs inside."""

        def enter(module: nn.Module, _: Any) -> None:
            self.ran.add(module)
            if module in self._names:
                self._stack.append((module, {}))

        def leave(module: nn.Module, *_: Any) -> None:
            if self._stack[-1][0] is module and len(self._stack) > 1:
                self._stack.pop()

        with (
            register_module_forward_pre_hook(enter),
            register_module_forward_hook(leave, always_call=True),
            self,
        ):
            yield

    def finish(self, output: Any) -> None:
        """Add a node that reads each image or sequence of the network's output."""
        for tensor in tree_leaves(output):
            if isinstance(tensor, Tensor) and tensor.ndim > 2 and _key(tensor) in self._storages:
                self._add(self._node(OUTPUT, (tensor,), [tensor], tensor), [])

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        # An operation in place overwrites its input, so where that came from is read before.
        inputs = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        op, node = function._schema.name.split("::")[1], None
        if op == "lift_fresh":  # a new constant, perhaps in memory of an activation that is gone
            self._storages.pop(_key(inputs[0]), None)
        active = [x for x in inputs if self._is_active(x) and op not in FACTORIES]
        moves = op in MOVES and not any(x.is_complex() for x in inputs)
        moves &= not (op == "index_put_" and (kwargs.get("accumulate") or args[3:4] == (True,)))
        name = op if moves else op.removesuffix("_")
        if active and not moves and not _is_view(function):
            node = self._node(name, args, active, options=[k for k in kwargs if k in OPTIONS])
        result = function(*args, **kwargs)
        outputs = [x for x in tree_leaves(result) if isinstance(x, Tensor)]
        known = {_key(x) for x in inputs}
        if node is not None and all(
            _key(x) in known and not function._schema.is_mutable for x in outputs
        ):
            pass  # a view after all
        elif node is not None:
            node.shape = tuple(outputs[0].shape) if outputs else ()
            node.name, node.number = name_of(function), self.counts[name_of(function)]
            self._add(node, outputs)
        elif active and moves:
            self._move(name, function, args, kwargs, outputs)
        elif op in RANDOM:  # an input that the network makes itself
            self._add(Node("input", -1, shape=tuple(outputs[0].shape)), outputs)
        elif not active:
            for x in outputs:
                if _key(x) not in known:
                    self._storages.pop(_key(x), None)  # memory of an activation, used again
        self._index += 1
        self.counts[name_of(function)] += 1
        return result

    def _storage(self, node: int, x: Tensor) -> _Storage:
        return _Storage(node, _geometry(x), x.untyped_storage().nbytes())

    def _is_active(self, x: Tensor) -> bool:
        """Whether a tensor depends on the example."""
        stored = self._storages.get(_key(x))
        if stored is not None and stored.num_bytes != x.untyped_storage().nbytes():
            del self._storages[_key(x)]  # other memory at the same place
            return False
        return stored is not None

    def _node(
        self,
        op: str,
        args: Any,
        active: list[Tensor],
        output: Tensor | None = None,
        options: Sequence[str] = (),
    ) -> Node:
        module, calls = self._stack[-1]
        if options:
            op += f" with {', '.join(options)}"
        kept = tree_map(
            lambda x: (
                Input(tuple(x.shape)) if isinstance(x, Tensor) and _key(x) in self._storages else x
            ),
            tuple(args),
        )
        number = calls.get(op, 0)
        calls[op] = number + 1
        operands = [operand for x in active for operand in self._operands(x)]
        shape = () if output is None else tuple(output.shape)
        return Node(op, self._index, kept, operands, shape, self._names[module], module, number)

    def _add(self, node: Node, outputs: list[Tensor]) -> None:
        sources = [self.nodes[operand.node] for operand in node.operands[:1] if operand.same]
        inherited = any(x.channel_last and x.shape[-1:] == node.shape[-1:] for x in sources)
        node.channel_last = node.op in PRODUCTS or len(node.shape) < 3 or inherited
        self.nodes.append(node)
        for x in outputs:
            stored = self._storages.get(_key(x))
            if stored is None or x.numel() * x.element_size() == x.untyped_storage().nbytes():
                self._storages[_key(x)] = self._storage(len(self.nodes) - 1, x)
            else:  # a part of an activation, changed in place
                self._numbers(x).copy_(self._new_numbers(len(self.nodes) - 1, x.shape))

    def _new_numbers(self, node: int, shape: Any) -> Tensor:
        first = self._count
        self._count += torch.Size(shape).numel()
        axis = len(shape) - 1 if self.nodes[node].channel_last else 1
        self._roots.append(Root(first, node, tuple(shape), axis))
        return torch.arange(first, self._count, dtype=torch.float64).reshape(shape)

    def _numbers(self, x: Tensor) -> Tensor:
        """The numbers of an activation's elements; those of a constant are −1."""
        stored = self._storages.setdefault(_key(x), self._storage(-1, x))
        if stored.numbers is None:
            size = x.untyped_storage().nbytes() // max(1, x.element_size())
            stored.numbers = torch.full((size,), -1.0, dtype=torch.float64)
            if stored.node >= 0:
                shape, stride, offset = stored.geometry
                fresh = self._new_numbers(stored.node, shape)
                stored.numbers.as_strided(shape, stride, offset).copy_(fresh)
        return stored.numbers.as_strided(x.shape, x.stride(), x.storage_offset())

    def _move(
        self, name: str, function: Any, args: Any, kwargs: Any, outputs: list[Tensor]
    ) -> None:
        written = args[0] if function._schema.is_mutable else None

        def numbered(x: Any) -> Any:
            if not isinstance(x, Tensor):
                return x
            if _key(x) in self._storages or x is written:
                return self._numbers(x)
            return torch.full(x.shape, -1.0, dtype=torch.float64)

        moved: Tensor
        if name in ("fill_", "zero_"):
            moved = self._numbers(args[0]).fill_(-1)
        elif name in ("clone", "_to_copy", "contiguous"):
            moved = self._numbers(args[0])
        elif name == "constant_pad_nd":
            moved = function(numbered(args[0]), args[1], -1)
        else:
            names = [argument.name for argument in function._schema.arguments]
            mapped = {
                name: tree_map(_on_cpu if name in INDICES else numbered, value)
                for name, value in [*zip(names, args, strict=False), *kwargs.items()]
            }
            positional = [mapped.pop(name) for name in names[: len(args)]]
            moved = function(*positional, **mapped)
        module, _ = self._stack[-1]
        maker = (name, self._names[module])
        for x in outputs:
            if written is None:
                self._storages[_key(x)] = self._storage(-1, x)
                self._numbers(x).copy_(moved)
            self._storages[_key(x)].maker = maker

    def _operands(self, x: Tensor) -> list[Operand]:
        stored = self._storages[_key(x)]
        if stored.numbers is None and stored.geometry == _geometry(x):
            return [Operand(stored.node, tuple(x.shape), same=True)]
        return explain(self._numbers(x), self._roots, stored.maker)


def _on_cpu(x: Any) -> Any:
    return x.cpu() if isinstance(x, Tensor) else x


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
        output = run()
    recording.finish(output)
    if all(node.op == "input" for node in recording.nodes):
        raise ValueError("nothing depends on the example: give all inputs that the network reads")
    return recording
