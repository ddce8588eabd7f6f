"""The one decorator of all operations: on arrays they compute, on symbols they record a node."""

import functools
from collections.abc import Callable

import jax

from .. import graph, symbol
from ..variable import Tensorlike, Variable, unwrap

OPS: dict[str, Callable] = {}  # by name, for files and for replaying


def op(fn: Callable) -> Callable:
    """Make `fn`, written for arrays, take cells and symbols too.

    Example:
        >>> double = op(lambda x: 2 * x)
    """

    @functools.wraps(fn)
    def operation(*args, **kwargs):
        kinds = {type(leaf) for leaf in jax.tree.leaves((args, kwargs))}
        if symbol.Symbol in kinds or any(issubclass(kind, symbol.Symbol) for kind in kinds):
            return record(operation, args, kwargs)
        if Variable in kinds or any(issubclass(kind, Tensorlike) for kind in kinds):
            args, kwargs = unwrap((args, kwargs))
        return fn(*args, **kwargs)

    OPS.setdefault(fn.__name__, operation)
    return operation


def record(operation: Callable, args: tuple, kwargs: dict, shapes: Callable | None = None):
    """The symbols that `operation` will make, with the node that remembers the call."""
    outputs = symbol.infer(shapes or operation, *args, **kwargs)
    graph.Node(operation, args, kwargs, outputs)
    return outputs
