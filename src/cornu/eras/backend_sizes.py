"""Sizes that are known once data is: `K.shape(x)` of a symbol, its parts, and what is computed from them."""

import operator
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ..symbol import PROBES, is_symbol
from ..variable import Tensorlike
from .backend_table import entry


@jax.tree_util.register_pytree_node_class
class Sizes:
    """Whole numbers that follow from the sizes of symbols, as a scalar or vector.

    For JAX it is a structure with the symbols as its leaves: where a graph is computed it holds arrays, whose sizes are
    plain numbers, also while code is compiled. So it can be part of the shape of something else.

    Args:
        function: of arrays of ints, to such an array.
        parts: what it is computed from: symbols, which stand for their shapes, other `Sizes`, numbers.
    """

    def __init__(self, function: Callable, *parts):
        self.function, self.parts = function, parts

    def tree_flatten(self) -> tuple:
        return self.parts, self.function

    @classmethod
    def tree_unflatten(cls, function: Callable, parts: Sequence) -> "Sizes":
        return cls(function, *parts)

    def value(self, free: int | None = None) -> np.ndarray:
        """The numbers; a free size is taken as `free`, or raises TypeError."""
        return self.function(*(_value(part, free) for part in self.parts))

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self.value(), dtype)

    def __jax_array__(self) -> jax.Array:
        return jnp.asarray(self.value(), "int32")

    def __index__(self) -> int:
        return int(self.value())

    __int__ = __index__

    def __float__(self) -> float:
        return float(self.value())

    def __len__(self) -> int:
        return len(self.value(PROBES[0]))

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key) -> "Sizes":
        return Sizes(_Part(key), self)

    def __repr__(self) -> str:
        return f"<Sizes of {', '.join(map(repr, jax.tree.leaves(self)))}>"


class _Part:
    """`sizes[key]`, equal to another of the same key, as JAX's structures need."""

    def __init__(self, key):
        self.key = key

    def __call__(self, sizes):
        return sizes[self.key]

    def __eq__(self, other) -> bool:
        return isinstance(other, _Part) and str(other.key) == str(self.key)

    def __hash__(self) -> int:
        return hash(str(self.key))


def _value(part, free: int | None):
    if isinstance(part, Sizes):
        return part.value(free)
    if not is_symbol(part):
        return np.array(part.shape, "int32") if isinstance(part, jax.Array) else np.asarray(part)
    if free is None and None in part.shape:
        raise TypeError(f"The sizes of {part!r} are not known before there is data")
    return np.array([free if n is None else n for n in part.shape], "int32")


def _all(sizes: np.ndarray) -> np.ndarray:
    return sizes


def _operator(function: Callable, reflected: bool = False) -> Callable:
    def method(self, other):
        if isinstance(other, Tensorlike | jax.Array):
            return NotImplemented
        return Sizes(function, other, self) if reflected else Sizes(function, self, other)

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod", "truediv"):
    setattr(Sizes, f"__{_name}__", _operator(getattr(operator, _name)))
    setattr(Sizes, f"__r{_name}__", _operator(getattr(operator, _name), reflected=True))


def numbers(shape) -> tuple[int, ...]:
    """A shape as plain numbers: from a tuple of numbers and `Sizes`, or from one of these."""
    if isinstance(shape, Sizes | np.ndarray | jax.Array):
        return tuple(int(n) for n in np.atleast_1d(np.asarray(shape)))
    shape = shape if isinstance(shape, tuple | list) else (shape,)
    return tuple(-1 if n is None else operator.index(n) for n in shape)


def joined(parts: Sequence, function: Callable) -> "Sizes | np.ndarray | None":
    """`function` of several sizes or whole numbers, which stay numbers while code is compiled; None for others."""
    joining = lambda *each: function([np.atleast_1d(part) for part in each])  # noqa: E731
    parts = [_of_list(part) if isinstance(part, list | tuple) else part for part in parts]
    if any(isinstance(part, Sizes) for part in parts):
        return Sizes(joining, *parts)
    return joining(*parts).astype("int32") if parts and all(map(_whole, parts)) else None


def _of_list(part: Sequence):
    """A list of sizes as one of them; anything else as it is."""
    made = joined(part, np.concatenate)
    return part if made is None else made


def _whole(part) -> bool:
    """Whether it is a whole number or a vector of such, as `shape` returns them."""
    if isinstance(part, np.ndarray):
        return part.ndim < 2 and np.issubdtype(part.dtype, np.integer)
    return isinstance(part, int | np.integer) and not isinstance(part, bool)


@entry
def shape(x):
    """The sizes of a tensor, as ints where they are known.

    The free sizes of a symbol become known with its data; until then they can be reckoned with, and be part of a shape.
    """
    return Sizes(_all, x) if is_symbol(x) and None in x.shape else np.array(np.shape(x), "int32")


def settled(output, result):
    """A result as a NumPy array, of the size that only its values tell where its operation says so."""
    settle = getattr(getattr(getattr(output, "node", None), "operation", None), "settled", None)
    return settle(np.asarray(result)) if settle else np.asarray(result)
