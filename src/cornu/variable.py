"""Cells: the only mutable things in the library, and how they are lent to JAX.

Whoever reads and writes cells becomes a pure function through `pure`; there is no other door.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from . import dtypes, scope


class NoLength(AttributeError, TypeError):
    """There is no number of rows to tell."""


class Tensorlike:
    """What can stand in an expression; its operators are filled in by `ops.numpy`."""

    __array_priority__ = 100  # `ndarray + cell` is decided here, not by NumPy
    shape: tuple
    dtype: str

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def __len__(self) -> Callable[[], int]:  # not there where it is not known, for those who ask by `hasattr`
        if not self.shape or self.shape[0] is None:
            raise NoLength(f"{self!r} has no length: it is a scalar, or its first size is not known yet")
        return lambda: self.shape[0]

    __hash__ = object.__hash__  # `==` compares elements, so identity serves as the key


class Variable(Tensorlike):
    """A named cell with one array in it.

    Args:
        initializer: an array-like, or a callable `(shape, dtype)` that makes one.
        shape: tuple of ints, needed with a callable.
        dtype: name of a data type; the default float type, or the array's own.
        trainable: whether `fit` changes it by gradients.
        autocast: whether layers that compute in another float type see it in that type.
        name: a word for messages and files.
        regularizer: callable from the array to a scalar that is added to the loss.
        constraint: callable applied to the array after each update.

    Raises ValueError when the shape is missing or is not what `assign` is given.

    Example:
        >>> count = Variable(0, dtype="int32", name="count")
        >>> _ = count.assign_add(2)
        >>> int(count)
        2
    """

    def __init__(
        self,
        initializer,
        shape: Sequence[int] | None = None,
        dtype=None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        regularizer: Callable | None = None,
        constraint: Callable | None = None,
    ):
        self.name = name or "variable"
        self.trainable, self.autocast = trainable, autocast
        self.regularizer, self.constraint = regularizer, constraint
        self.aggregation, self.synchronization = aggregation, synchronization
        self.path = "/".join((*scope.call.names, self.name))
        self._lent = False
        with jax.ensure_compile_time_eval():  # concrete, even when a layer is built inside a trace
            if callable(initializer):
                if shape is None:
                    raise ValueError(f"Variable {self.name}: a callable initializer needs a shape")
                dtype = dtypes.standardize_dtype(dtype)
                value = initializer(tuple(shape), dtype=dtype)
            else:
                value = initializer.value if isinstance(initializer, Variable) else initializer
            if isinstance(value, np.ndarray):
                value = value.copy()  # a cell shares no memory with what may still be written to
            value = dtypes.as_array(value) if dtype is None else jnp.asarray(value, dtype)
            if shape is not None and value.shape != tuple(shape):
                raise ValueError(
                    f"Variable {self.name}: shape {tuple(shape)} was asked for, the value has {value.shape}"
                )
            self._value = jnp.asarray(value, value.dtype)

    @property
    def value(self) -> jax.Array:
        """The array, in the type that the running layer computes in."""
        if scope.call.read is not None and not self._lent:
            scope.call.read.append(self)
        target = scope.call.compute_dtype
        if target and self.autocast and self._value.dtype != target and dtypes.is_float(self._value.dtype):
            return self._value.astype(target)
        return self._value

    @property
    def shape(self) -> tuple:
        return self._value.shape

    @property
    def dtype(self) -> str:
        return dtypes.standardize_dtype(self._value.dtype)

    def assign(self, value) -> jax.Array:
        """Put another array of the same shape into the cell."""
        value = value.value if isinstance(value, Variable) else value
        if np.shape(value) != self.shape:
            raise ValueError(f"Variable {self.path} has shape {self.shape}; it cannot take {np.shape(value)}")
        if scope.call.written is not None:
            scope.call.written.append(self)
        if scope.call.probing:
            return self._value
        if isinstance(value, jax.core.Tracer) and not self._lent:
            raise RuntimeError(
                f"Variable {self.path} is written inside a traced function that it was not lent to. "
                "Inside loops and branches use cornu.ops.scan, while_loop, fori_loop and cond, which lend it."
            )
        self._value = jnp.asarray(value, self._value.dtype)
        return self._value

    def assign_add(self, value) -> jax.Array:
        """Add to the array in the cell."""
        return self.assign(self._value + _raw(value))

    def assign_sub(self, value) -> jax.Array:
        """Subtract from the array in the cell."""
        return self.assign(self._value - _raw(value))

    def numpy(self) -> np.ndarray:
        """A copy of the array for NumPy."""
        return np.asarray(self._value)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self._value, dtype)

    def __int__(self) -> int:
        return int(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __index__(self) -> int:
        return self._value.__index__()

    def __format__(self, spec: str) -> str:
        return format(self._value.item() if spec and not self.shape else self._value, spec)

    def __deepcopy__(self, memo: dict) -> "Variable":
        twin = Variable.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        memo[id(self)] = twin
        return twin

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_value": np.asarray(self._value)}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update({**state, "_value": jnp.asarray(state["_value"])})

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"


class Live(Variable):
    """A cell of a program of era 1 or 2: outside of calls, operations on it are noted down, as those on symbols.

    So `2 * cell` follows the cell, as it did in Theano, and does not keep what the cell held when it was written.
    """

    def __bool__(self) -> bool:
        """Whether a scalar is not 0; True for anything else, so that `if self.bias:` asks whether there is one."""
        return bool(self._value) if not self.shape else True


def _raw(value):
    return value.value if isinstance(value, Variable) else jnp.asarray(value)


def unwrap(tree):
    """The tree with arrays where it had cells."""
    return jax.tree.map(lambda leaf: leaf.value if isinstance(leaf, Variable) else leaf, tree)


@contextlib.contextmanager
def lend(variables: Sequence[Variable], values: Sequence) -> Iterator[Callable[[], list]]:
    """Let `variables` hold `values` for the length of a `with`; yields a reader of what they hold."""
    with scope.LOCK:
        own = [(variable._value, variable._lent) for variable in variables]
        for variable, value in zip(variables, values, strict=True):
            variable._value, variable._lent = value, True
        try:
            yield lambda: [variable._value for variable in variables]
        finally:
            for variable, (value, lent) in zip(variables, own, strict=True):
                variable._value, variable._lent = value, lent


def pure(fn: Callable, variables: Sequence[Variable]) -> Callable:
    """`fn`, which reads and writes `variables`, as `(values, *args) -> (result, values)`."""

    def run(values, *args, **kwargs):
        with lend(variables, values) as read:
            result = fn(*args, **kwargs)
            return result, read()

    return run
