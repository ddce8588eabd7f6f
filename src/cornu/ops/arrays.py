"""Arrays made, converted and asked about; gradients that stop or are given by hand."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from .. import config
from ..dtypes import as_array, dtype_of, is_float, standardize_dtype
from ..symbol import is_symbol
from .wrap import op

__all__ = [
    "arange",
    "array",
    "bartlett",
    "blackman",
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "custom_gradient",
    "dtype",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "hamming",
    "hanning",
    "identity",
    "is_tensor",
    "kaiser",
    "linspace",
    "logspace",
    "meshgrid",
    "ndim",
    "ones",
    "ones_like",
    "saturate_cast",
    "shape",
    "stop_gradient",
    "tri",
    "zeros",
    "zeros_like",
]


@op
def cast(x, dtype):
    """`x` in another data type.

    Example:
        >>> from cornu import ops
        >>> ops.cast([0.5, 1.5], "int32").tolist()
        [0, 1]
    """
    return as_array(x).astype(standardize_dtype(dtype))


@op
def saturate_cast(x, dtype):
    """`x` in another data type, with what lies beyond its range at the end of the range.

    Example:
        >>> from cornu import ops
        >>> ops.saturate_cast([-3, 300], "uint8").tolist()
        [0, 255]
    """
    x, dtype = as_array(x), standardize_dtype(dtype)
    if dtype == "bool":
        return x.astype(dtype)
    info = jnp.finfo if is_float(dtype) else jnp.iinfo
    low, high = info(dtype).min, info(dtype).max
    if not jnp.issubdtype(x.dtype, jnp.floating):
        own = jnp.iinfo("uint8" if x.dtype == bool else x.dtype)
        low, high = max(low, own.min), min(high, own.max)
    return jnp.clip(x, jnp.asarray(low, x.dtype), jnp.asarray(high, x.dtype)).astype(dtype)


@op
def _as_tensor(x, dtype=None):
    return as_array(x) if dtype is None else jnp.asarray(x, standardize_dtype(dtype))


def convert_to_tensor(x, dtype=None, sparse: bool | None = None, ragged: bool | None = None):
    """Anything array-like as an array of the engine; a symbol stays a symbol.

    Args:
        x: array, cell, symbol, number, or nested lists of them.
        dtype: name of a data type; without one Python and NumPy floats become the default float type.

    Raises ValueError for sparse and ragged arrays, which the engine does not have.
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: arrays here are dense; `sparse` and `ragged` cannot be True")
    if is_symbol(x) and dtype in (None, x.dtype):
        return x
    return _as_tensor(x, dtype)


def convert_to_numpy(x) -> np.ndarray:
    """An array or a cell as a NumPy array."""
    return np.asarray(x)


def is_tensor(x) -> bool:
    """Whether `x` is an array of the engine (and no NumPy array, symbol or Python value)."""
    return isinstance(x, jax.Array)


def shape(x) -> tuple:
    """The sizes of an array, a cell, a symbol or nested lists; None where a symbol's size is free.

    Example:
        >>> from cornu import ops
        >>> ops.shape([[1, 2], [3, 4], [5, 6]])
        (3, 2)
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def ndim(x) -> int:
    """How many axes an array, a cell, a symbol or nested lists have."""
    return len(shape(x))


def dtype(x) -> str:
    """The name of the data type of an array, a cell, a symbol or a Python value."""
    return dtype_of(x)


@op
def stop_gradient(variable):
    """The same values, through which no gradient flows."""
    return jax.tree.map(lambda x: jax.lax.stop_gradient(as_array(x)), variable)


def custom_gradient(f: Callable) -> Callable:
    """Decorator: give the gradient of a function by hand.

    Args:
        f: takes arrays and returns `(result, grad)`; `grad(upstream)` returns the gradient for each of them.

    Example:
        >>> from cornu import ops
        >>> @ops.custom_gradient
        ... def log1pexp(x):
        ...     e = ops.exp(x)
        ...     return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
    """
    return op(jax.custom_gradient(f))


# ---- arrays from nothing -----------------------------------------------------------------------


def array(x, dtype=None):
    """Anything array-like as an array."""
    return convert_to_tensor(x, dtype)


def zeros(shape: Sequence[int], dtype=None):
    """Zeros, in the default float type unless told."""
    return jnp.zeros(shape, standardize_dtype(dtype))


def ones(shape: Sequence[int], dtype=None):
    """Ones, in the default float type unless told."""
    return jnp.ones(shape, standardize_dtype(dtype))


def empty(shape: Sequence[int], dtype=None):
    """Zeros: arrays here are never left unfilled."""
    return zeros(shape, dtype)


@op
def full(shape: Sequence[int], fill_value, dtype=None):
    """One value everywhere, in the default float type unless told."""
    return jnp.full(shape, as_array(fill_value), standardize_dtype(dtype))


@op
def zeros_like(x, dtype=None):
    """Zeros of the shape and type of `x`."""
    return jnp.zeros_like(as_array(x), dtype)


@op
def ones_like(x, dtype=None):
    """Ones of the shape and type of `x`."""
    return jnp.ones_like(as_array(x), dtype)


@op
def empty_like(x, dtype=None):
    """Zeros of the shape and type of `x`."""
    return jnp.zeros_like(as_array(x), dtype)


@op
def full_like(x, fill_value, dtype=None):
    """One value everywhere, of the shape and type of `x`."""
    return jnp.full_like(as_array(x), as_array(fill_value), dtype)


def arange(start, stop=None, step=None, dtype=None):
    """`start, start + step, ...` below `stop`; `arange(n)` is `0 ... n - 1`."""
    if dtype is None and any(isinstance(n, float) for n in (start, stop, step)):
        dtype = config.floatx()
    return jnp.arange(start, stop, step, dtype=dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype=None):
    """Ones on the k-th diagonal of an N x M matrix, zeros elsewhere."""
    return jnp.eye(N, M, k, standardize_dtype(dtype))


def identity(n: int, dtype=None):
    """The n x n identity matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype=None):
    """Ones on and below the k-th diagonal of an N x M matrix."""
    return jnp.tri(N, M, k, standardize_dtype(dtype))


@op
def linspace(start, stop, num: int = 50, endpoint=True, retstep=False, dtype=None, axis: int = 0):
    """`num` numbers at equal distances from `start` to `stop`."""
    return jnp.linspace(as_array(start), as_array(stop), num, endpoint, retstep, dtype, axis)


@op
def logspace(start, stop, num: int = 50, endpoint: bool = True, base=10, dtype=None, axis: int = 0):
    """`num` numbers at equal ratios from `base ** start` to `base ** stop`."""
    return jnp.logspace(as_array(start), as_array(stop), num, endpoint, base, dtype, axis)


@op
def geomspace(start, stop, num: int = 50, endpoint: bool = True, dtype=None, axis: int = 0):
    """`num` numbers at equal ratios from `start` to `stop`."""
    return jnp.geomspace(as_array(start), as_array(stop), num, endpoint, dtype, axis)


@op
def meshgrid(*x, indexing: str = "xy"):
    """Coordinate arrays from vectors of coordinates."""
    return jnp.meshgrid(*map(as_array, x), indexing=indexing)


def _window(name: str, doc: str) -> Callable:
    def window(x):
        return getattr(jnp, name)(int(x)).astype(config.floatx())

    window.__name__ = window.__qualname__ = name
    window.__doc__ = f"{doc} window of `x` points, `x` an int."
    return window


bartlett, blackman = _window("bartlett", "Bartlett"), _window("blackman", "Blackman")
hamming, hanning = _window("hamming", "Hamming"), _window("hanning", "Hann")


def kaiser(x, beta: float):
    """Kaiser window of `x` points, `x` an int."""
    return jnp.kaiser(int(x), beta).astype(config.floatx())
