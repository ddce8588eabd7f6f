"""The one decorator of all operations: on arrays they compute, on symbols they record a node."""

import functools
from collections.abc import Callable

import jax

from .. import graph, scope, symbol
from ..variable import Live, Tensorlike, unwrap
from . import sizes

OPS: dict[str, Callable] = {}  # by name, for files and for replaying


def op(fn: Callable) -> Callable:
    """Make `fn`, written for arrays, take cells and symbols too.

    Example:
        >>> double = op(lambda x: 2 * x)
    """

    @functools.wraps(fn)
    def operation(*args, **kwargs):
        kinds = {type(leaf) for leaf in jax.tree.leaves((args, kwargs))}
        ours = [kind for kind in kinds if issubclass(kind, Tensorlike)]
        if ours:
            if any(issubclass(kind, symbol.Symbol) for kind in ours):
                given = graph.arrays_for((args, kwargs))
                if given is None:
                    return record(operation, args, kwargs)
                args, kwargs = given
            elif any(issubclass(kind, Live) for kind in ours) and not scope.computing():
                return record(operation, args, kwargs)
            args, kwargs = unwrap((args, kwargs))
        return fn(*args, **kwargs)

    OPS.setdefault(fn.__name__, operation)
    return operation


def record(operation: Callable, args: tuple, kwargs: dict, shapes: Callable | None = None):
    """The symbols that `operation` will make, with the node that remembers the call."""
    outputs = sizes.infer(shapes or operation, *args, **kwargs)
    graph.Node(operation, args, kwargs, outputs)
    return outputs


@op
def held_value(x):
    """What a cell holds when it is asked."""
    return x


def noted(tree):
    """The tree with symbols for its live cells, where operations are noted down."""
    if scope.computing():
        return tree
    return jax.tree.map(lambda leaf: held_value(leaf) if isinstance(leaf, Live) else leaf, tree)
