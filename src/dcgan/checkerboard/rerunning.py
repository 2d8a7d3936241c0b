"""Run a recorded network once more, to read or to change some of its operations."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from dcgan.checkerboard.recording import Counting, Node, Recording, name_of, same_random_state

Change = Callable[[Node, Any, tuple[Any, ...], Any], Any]


class NotRepeatedError(ValueError):
    """A run whose operations are not those that were recorded."""


class _Rerun(Counting):
    def __init__(self, nodes: Iterable[Node], change: Change) -> None:
        super().__init__()
        self._nodes = {(node.name, node.number): node for node in nodes}
        self._change = change

    def _run(self, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        name = name_of(function)
        node = self._nodes.get((name, self.counts[name]))
        if node is None:
            return function(*args, **kwargs)
        result = self._change(node, function, args, kwargs)
        shapes = [tuple(x.shape) for x in tree_leaves(result) if isinstance(x, Tensor)]
        if shapes[:1] != [node.shape]:
            raise NotRepeatedError(f"{name} has another size than before")
        return result


def rerun(
    recording: Recording, nodes: Sequence[Node], change: Change, run: Callable[[], Any]
) -> Any:
    """Run a recorded network once more, to read or to change some of its nodes.

    A node is found by its name and its count among all operations of that name, so operations
    that run only once, such as those of a cache, do not matter.

    Args:
        change: called as change(node, function, args, kwargs); returns the operation's result.

    Raises:
        NotRepeatedError: this run has other operations of the nodes' names.
    """
    mode = _Rerun(nodes, change)
    with same_random_state(), torch.no_grad(), mode:
        output = run()
    for name in {node.name for node in nodes}:
        if mode.counts[name] != recording.counts[name]:
            raise NotRepeatedError(f"{name} does not run as often as before")
    return output
