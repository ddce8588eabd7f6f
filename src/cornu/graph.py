"""The functional API: calls on symbols are recorded as nodes, and replayed on arrays."""

import collections
import contextlib
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

from . import scope
from .symbol import Symbol, is_symbol
from .variable import Variable, lend


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

    # the words of Keras 1 and 2

    @classmethod
    def create_node(cls, outbound_layer, inbound_layers, node_indices=None, tensor_indices=None) -> "Node":
        """Call `outbound_layer` on what others put out, and return that call."""
        outbound_layer.add_inbound_node(inbound_layers, node_indices, tensor_indices)
        return outbound_layer.inbound_nodes[-1]

    outbound_layer = property(lambda self: self.operation)
    _enters = property(lambda self: getattr(self.operation, "is_input", False))
    input_tensors = property(lambda self: self.output_tensors if self._enters else self.inputs)
    output_tensors = property(lambda self: jax.tree.leaves(self.outputs))
    input_shapes = property(lambda self: [x.shape for x in self.input_tensors])
    output_shapes = property(lambda self: [x.shape for x in self.output_tensors])
    input_masks = property(lambda self: [scope.mask_of(x) for x in self.input_tensors])
    output_masks = property(lambda self: [scope.mask_of(x) for x in self.output_tensors])
    inbound_layers = property(lambda self: [x.node.operation for x in self.inputs if x.node])
    node_indices = property(lambda self: [x.node.index for x in self.inputs if x.node])

    @property
    def tensor_indices(self) -> list[int]:
        made = [(x, x.node.output_tensors) for x in self.inputs if x.node]
        return [next(i for i, each in enumerate(outputs) if each is x) for x, outputs in made]

    def get_config(self) -> dict:
        """Which layers, and which calls and outputs of theirs, this call reads."""
        return {
            "outbound_layer": self.outbound_layer.name,
            "inbound_layers": [layer.name for layer in self.inbound_layers],
            "node_indices": self.node_indices,
            "tensor_indices": self.tensor_indices,
        }


class Disconnected(ValueError):
    """The outputs need a symbol that the inputs do not lead to."""


def order(outputs, inputs=(), known=()) -> list[Node]:
    """The nodes between `inputs` and `outputs`, each after those it reads, in Keras's order.

    That is by distance from the outputs, farthest first (calls of one layer share the largest), and where that
    is equal in the order in which a walk from the outputs meets them. The order of weights in files follows.

    Args:
        outputs, inputs: symbols in any structure.
        known: ids of further symbols to begin at.

    Raises Disconnected when something is needed that no input leads to.
    """
    cut = {id(symbol) for symbol in jax.tree.leaves(inputs)}.union(known)
    met, finished = {}, []
    stack = [(symbol, None) for symbol in reversed(jax.tree.leaves(outputs)) if is_symbol(symbol)]
    while stack:
        symbol, done = stack.pop()
        if done:
            finished.append(done)
            continue
        node, given = symbol.node, id(symbol) in cut
        enters = getattr(node and node.operation, "is_input", node is None)
        if given and not (node and enters):
            continue
        if enters and not given and not (node and node.inputs):
            raise Disconnected(f"{symbol.name} (shape {symbol.shape}) is needed, but is not among the inputs")
        if id(node) not in met:
            met[id(node)] = len(met)
            met.setdefault(id(node.operation), len(met))
            stack.append((None, node))
            stack.extend((each, None) for each in reversed(node.inputs) if not given)
    far = depths(finished)
    return sorted(finished, key=lambda node: (-far[id(node)], met[id(node.operation)]))


def depths(nodes: list[Node]) -> dict[int, int]:
    """Distance from the outputs, by the id of each node and of its layer."""
    far = collections.defaultdict(int)
    for node in reversed(nodes):
        # an op is a function that many nodes share without being one layer
        owner = id(node.operation) if hasattr(node.operation, "build") else id(node)
        depth = far[id(node)] = far[owner] = max(far[id(node)], far[owner])
        for symbol in node.inputs:
            if symbol.node:
                far[id(symbol.node)] = max(far[id(symbol.node)], depth + 1)
    return far


def fill(tree, values: dict):
    """The tree with the array of each symbol in its place; `values` is keyed by the symbol's id."""
    return jax.tree.map(lambda leaf: values[id(leaf)] if is_symbol(leaf) else leaf, tree)


def replay(nodes: list[Node], values: dict) -> dict:
    """Run `nodes` in order over `values`, a dict from id(symbol) to array, and return all values."""
    levels: dict[int, int] = {}  # how many derivatives stand before a node, by its id
    for node in nodes:
        before = [levels.get(id(symbol.node), 0) for symbol in node.inputs]
        levels[id(node)] = max(before, default=0) + (node.operation is gradients)
    _run(nodes, levels, max(levels.values(), default=0), values, {})
    return values


def _run(nodes: list[Node], levels: dict, level: int, values: dict, moves: dict) -> None:
    """Run the nodes up to a level; to what a symbol stands for is added what `moves` has under its id."""
    mine = [node for node in nodes if levels[id(node)] == level]
    asked = [node for node in mine if node.operation is gradients]
    if asked:
        _differentiate(
            asked, lambda values, moves: _run(nodes, levels, level - 1, values, moves), values, moves
        )
    for node in mine:
        symbols = jax.tree.leaves(node.outputs)
        if all(id(symbol) in values for symbol in symbols):
            continue
        result = node.operation(*fill(node.args, values), **fill(node.kwargs, values))
        for symbol, value in zip(symbols, jax.tree.leaves(result), strict=True):
            values[id(symbol)] = _moved(value, moves.get(id(symbol)))


def _moved(value, by):
    """A value with something added, and its mask."""
    if by is None:
        return value
    moved = value + by
    scope.set_mask(moved, scope.mask_of(value))
    return moved


# ---- derivatives -------------------------------------------------------------------------------


def gradients(loss, points):
    """The operation of nodes whose outputs are derivatives of `sum(loss)` by each of `points`, symbols or cells.

    `replay` computes them: of all nodes that ask at once, from one run forward.
    """
    raise RuntimeError("derivatives are computed by graph.replay")


def _differentiate(asked: list[Node], run: Callable, values: dict, moves: dict) -> None:
    """Run ahead, and backwards for what the nodes in `asked` want: zeros are added at every point, and derived by."""
    points = {id(leaf): leaf for node in asked for leaf in jax.tree.leaves(node.args[1])}
    cells = [leaf for leaf in points.values() if isinstance(leaf, Variable)]

    def ahead(shifts: dict):
        made = {key: _moved(value, shifts.get(key)) for key, value in values.items()}
        moved = [
            jnp.asarray(cell.value, cell.dtype) + shifts[id(cell)] for cell in cells if id(cell) in shifts
        ]
        with lend(cells if moved else [], moved):
            run(made, {**moves, **shifts})
        return made

    written: list[Variable] = []
    with scope.LOCK, scope.entered(probing=True, written=written):
        shapes = jax.eval_shape(ahead, {})
    written = list(dict.fromkeys(written))
    like = {key: shapes.get(key, leaf) for key, leaf in points.items()}
    zeros = {key: jnp.zeros(each.shape, each.dtype) for key, each in like.items()}

    def losses(shifts: dict):
        with lend(written, [cell._value for cell in written]) as read:
            made = ahead(shifts)
            return [jnp.sum(made[id(node.args[0])]) for node in asked], (made, read())

    sums, backwards, (made, held) = jax.vjp(losses, zeros, has_aux=True)
    for cell, value in zip(written, held, strict=True):
        cell.assign(value)
    values.update(made)
    for node in asked:
        found = backwards(
            [jnp.full_like(total, other is node) for total, other in zip(sums, asked, strict=True)]
        )[0]
        for symbol, point in zip(node.outputs, jax.tree.leaves(node.args[1]), strict=True):
            values[id(symbol)] = found[id(point)]


def ancestors(tree) -> list[Node]:
    """All nodes that lead to the symbols in a structure, each after those it reads."""
    met, finished = set(), []
    stack: list = [(symbol.node, False) for symbol in jax.tree.leaves(tree) if is_symbol(symbol)]
    while stack:
        node, done = stack.pop()
        if done:
            finished.append(node)
        elif node is not None and id(node) not in met:
            met.add(id(node))
            stack.append((node, True))
            stack.extend((symbol.node, False) for symbol in node.inputs)
    return finished


def followers(points, nodes: list[Node]) -> set[int]:
    """Ids of the symbols, made by `nodes`, that depend on some of `points`."""
    found = {id(point) for point in points}
    for node in nodes:
        if any(id(symbol) in found for symbol in node.inputs):
            found.update(map(id, jax.tree.leaves(node.outputs)))
    return found - {id(point) for point in points}


# ---- symbols among arrays ----------------------------------------------------------------------


def find(tree):
    """The tree with arrays for its symbols, out of the graphs that are being computed.

    What is not among their values, but follows from them, is computed. Raises Disconnected for anything else.
    """
    symbols = [leaf for leaf in jax.tree.leaves(tree) if is_symbol(leaf)]
    for values in reversed(scope.call.values):
        if all(id(symbol) in values for symbol in symbols):
            return fill(tree, values)
    values = {key: value for each in scope.call.values for key, value in each.items()}
    for node in ancestors(symbols):
        if node.operation is gradients:  # what lies between it and its points has to be run again
            points = jax.tree.leaves(node.args[1])
            nodes = ancestors(node.args[0])
            free = [x for each in nodes for x in jax.tree.leaves(each.outputs) if each.inputs]
            stale = followers(points, nodes) if all(map(is_symbol, points)) else set(map(id, free))
            values = {key: value for key, value in values.items() if key not in stale}
    return fill(tree, replay(order(symbols, known=values), values))


def arrays_for(tree):
    """The tree with arrays for its symbols, where something is being computed; None where a call is to be noted down.

    Raises Disconnected for a symbol among arrays that it does not follow from.
    """
    problem = ""
    if scope.computing():
        try:
            return find(tree)
        except Disconnected as error:
            problem = f" {error}"
    leaves = jax.tree.leaves(tree)
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
    if not traced and not (problem and any(isinstance(leaf, jax.Array) for leaf in leaves)):
        return None
    if not scope.call.size:
        first = next(filter(is_symbol, leaves))
        raise Disconnected(f"{first!r} is used beside arrays, and does not follow from them.{problem}")
    stand_in = lambda x: jnp.zeros([scope.call.size if n is None else n for n in x.shape], x.dtype)  # noqa: E731
    return jax.tree.map(lambda leaf: stand_in(leaf) if is_symbol(leaf) else leaf, tree)


# ---- names -------------------------------------------------------------------------------------

_used: collections.Counter = collections.Counter()


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
