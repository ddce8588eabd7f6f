"""Symbols: arrays that are not there yet; their shapes come from running the code abstractly."""

import itertools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from . import dtypes, scope
from .variable import Tensorlike

PROBES = 509, 1021  # two sizes tried for every `None` dimension: what differs is `None`

_count = itertools.count()


class Symbol(Tensorlike):
    """A stand-in for an array: a shape (None: any size), a dtype, and the node that makes it.

    Args:
        shape: tuple of ints and None.
        dtype: name of a data type.
        sparse, ragged: whether it stands for an array of that kind, for those who ask.
        name: a word for messages.
    """

    def __init__(
        self, shape: Sequence[int | None], dtype="float32", sparse: bool = False, ragged: bool = False,
        name: str | None = None,
    ):  # fmt: skip
        self.shape, self.dtype = tuple(shape), dtypes.standardize_dtype(dtype)
        self.sparse, self.ragged = sparse, ragged
        self.name = name or f"symbol_{next(_count)}"
        self.node = None  # the call that makes it

    def _no_value(self, *_):
        raise TypeError(
            f"{self!r} stands for data that is not there yet: it has no value to read, branch or loop on. "
            "Use functions of cornu.ops on it, or put the computation into a layer's `call`."
        )

    __bool__ = __int__ = __float__ = __index__ = __array__ = _no_value

    def __iter__(self):
        if not self.shape or self.shape[0] is None:
            self._no_value()
        return (self[i] for i in range(self.shape[0]))

    def __repr__(self) -> str:
        return f"<Symbol {self.name} shape={self.shape} dtype={self.dtype}>"


def is_symbol(x) -> bool:
    return isinstance(x, Symbol)


def has_symbols(tree) -> bool:
    """Whether a nested structure holds symbols."""
    return any(isinstance(leaf, Symbol) for leaf in jax.tree.leaves(tree))


def infer(fn: Callable, *args, **kwargs):
    """What `fn(*args, **kwargs)` returns, as fresh symbols: traced at two sizes of every `None`."""
    leaves, tree = jax.tree.flatten((args, kwargs))
    where = [i for i, leaf in enumerate(leaves) if is_symbol(leaf)]

    def run(arrays):
        filled = list(leaves)
        for i, array in zip(where, arrays, strict=True):
            filled[i] = array
        args, kwargs = jax.tree.unflatten(tree, filled)
        return jax.tree.map(jnp.asarray, fn(*args, **kwargs))

    def shapes(size):
        specs = [
            jax.ShapeDtypeStruct([size if n is None else n for n in leaves[i].shape], leaves[i].dtype)
            for i in where
        ]
        with scope.LOCK, scope.entered(probing=True, size=size):
            return jax.eval_shape(run, specs)

    def merge(first, second):
        return Symbol(
            [m if m == n else None for m, n in zip(first.shape, second.shape, strict=True)], first.dtype
        )

    first = shapes(PROBES[0])
    free = any(None in leaves[i].shape for i in where)
    return jax.tree.map(merge, first, shapes(PROBES[1]) if free else first)
