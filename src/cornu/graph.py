"""The functional API: calls on symbols are recorded as nodes, and replayed on arrays."""

import collections
import contextlib
import re
from collections.abc import Callable, Iterator

import jax

from .symbol import Symbol, is_symbol


class Node:
    """One recorded call: `operation(*args, **kwargs)` made the symbols in `outputs`."""

    __slots__ = ("operation", "args", "kwargs", "outputs", "index")

    def __init__(self, operation: Callable, args: tuple, kwargs: dict, outputs):
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.index = 0  # which call of its layer this is
        for symbol in jax.tree.leaves(outputs):
            symbol.node = self

    @property
    def inputs(self) -> list[Symbol]:
        """The symbols it reads."""
        return [leaf for leaf in jax.tree.leaves((self.args, self.kwargs)) if is_symbol(leaf)]


class Disconnected(ValueError):
    """The outputs need a symbol that the inputs do not lead to."""


def order(outputs, inputs=()) -> list[Node]:
    """The nodes between `inputs` and `outputs`, each after those it reads, in Keras's order.

    That is by distance from the outputs, farthest first (calls of one layer share the largest), and where that
    is equal in the order in which a walk from the outputs meets them. The order of weights in files follows.

    Raises Disconnected when something is needed that no input leads to.
    """
    cut = {id(symbol) for symbol in jax.tree.leaves(inputs)}
    met, finished = {}, []
    stack = [(symbol, None) for symbol in reversed(jax.tree.leaves(outputs))]
    while stack:
        symbol, done = stack.pop()
        if done:
            finished.append(done)
            continue
        node = symbol.node
        source = node is None or not node.inputs
        if id(symbol) in cut and not (node and source):
            continue
        if id(symbol) not in cut and source and getattr(node and node.operation, "is_input", True):
            raise Disconnected(f"{symbol.name} (shape {symbol.shape}) is needed, but is not among the inputs")
        if id(node) not in met:
            met[id(node)] = len(met)
            met.setdefault(id(node.operation), len(met))
            stack.append((None, node))
            stack.extend((each, None) for each in reversed(node.inputs))
    depths = _depths(finished)
    return sorted(finished, key=lambda node: (-depths[id(node)], met[id(node.operation)]))


def _depths(nodes: list[Node]) -> dict[int, int]:
    """Distance from the outputs, by the id of each node and of its layer."""
    depths = collections.defaultdict(int)
    for node in reversed(nodes):
        # an op is a function that many nodes share without being one layer
        owner = id(node.operation) if hasattr(node.operation, "build") else id(node)
        depth = depths[id(node)] = depths[owner] = max(depths[id(node)], depths[owner])
        for symbol in node.inputs:
            if symbol.node:
                depths[id(symbol.node)] = max(depths[id(symbol.node)], depth + 1)
    return depths


def fill(tree, values: dict):
    """The tree with the array of each symbol in its place; `values` is keyed by the symbol's id."""
    return jax.tree.map(lambda leaf: values[id(leaf)] if is_symbol(leaf) else leaf, tree)


def replay(nodes: list[Node], values: dict) -> dict:
    """Run `nodes` in order over `values`, a dict from id(symbol) to array, and return all values."""
    for node in nodes:
        symbols = jax.tree.leaves(node.outputs)
        if all(id(symbol) in values for symbol in symbols):
            continue
        result = node.operation(*fill(node.args, values), **fill(node.kwargs, values))
        values.update(zip(map(id, symbols), jax.tree.leaves(result), strict=True))
    return values


# ---- names -------------------------------------------------------------------------------------

_used: collections.Counter = collections.Counter()


def snake(name: str) -> str:
    """'Conv2DTranspose' -> 'conv2d_transpose', as Keras spells layer names."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unique_name(name: str, first: int = 0) -> str:
    """`name` for the first that asks and `name_1`, `name_2`... after; with first=1 the first is `name_1`."""
    _used[name] += 1
    number = _used[name] - 1 + first
    return f"{name}_{number}" if number else name


def reset_names() -> None:
    """Start counting layer names anew."""
    _used.clear()


@contextlib.contextmanager
def fresh_names() -> Iterator[None]:
    """Count names anew for the length of a `with`."""
    before = _used.copy()
    _used.clear()
    try:
        yield
    finally:
        _used.clear()
        _used.update(before)
