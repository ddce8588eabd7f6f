"""Pooling over windows of any rank, in both data formats. Every one goes through `_pool`."""

import functools
import itertools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

from ..config import standardize_data_format
from ..dtypes import as_array
from . import onednn
from .convolution import Padding, Sizes, pads, spread
from .wrap import op

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]

LARGEST_UNROLLED = 32  # places of a window up to which `_blockwise_max` writes out one slice each


def _places(x: jax.Array, window: Sequence[int]) -> list[jax.Array]:
    """For each place in the window, the elements that lie there, in row-major order."""
    starts = itertools.product(*map(range, window))
    return [x[tuple(slice(i, None, size) for i, size in zip(start, window, strict=True))] for start in starts]


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _blockwise_max(x: jax.Array, window: tuple[int, ...]) -> jax.Array:
    """The largest of each of the windows that tile `x`.

    The gradient goes to the first maximum, as that of `reduce_window` does; XLA's own (select-and-scatter) is
    thirty times slower on the CPU.
    """
    return functools.reduce(jnp.maximum, _places(x, window))


@_blockwise_max.defjvp
def _blockwise_max_jvp(window, primals, tangents):
    largest = _blockwise_max(*primals, window)
    free, tangent = jnp.ones(largest.shape, bool), jnp.zeros_like(largest)
    for place, change in zip(_places(*primals, window), _places(*tangents, window), strict=True):
        first = free & (place == largest)
        free, tangent = free & ~first, tangent + jnp.where(first, change, 0)
    return largest, tangent


def _pool(
    x: jax.Array, reduce: Callable, window: Sequence[int], strides: Sequence[int], padding: Sequence
) -> jax.Array:
    """The one place where windows are reduced; `reduce` is `lax.max` or `lax.add`, all axes are given."""
    if reduce is lax.add:
        start = 0.0 if jnp.issubdtype(x.dtype, jnp.inexact) else 0
    else:
        start = -jnp.inf if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.iinfo(x.dtype).min
    tiles = tuple(window) == tuple(strides) and not any(map(any, padding))
    if reduce is lax.max and tiles and math.prod(window) <= LARGEST_UNROLLED:
        whole = tuple(slice(size // step * step) for size, step in zip(x.shape, window, strict=True))
        return _blockwise_max(x[whole], tuple(window))
    return lax.reduce_window(x, x.dtype.type(start), reduce, window, strides, padding)


def _compiled(inputs, window: tuple, strides: tuple, padding: tuple, data_format: str | None) -> dict | None:
    """What the compiled kernels are told; None where they do not serve."""
    last = standardize_data_format(data_format) == "channels_last"
    space = slice(1, -1) if last else slice(2, None)
    how = {"window": window[space], "strides": strides[space], "padding": padding[space]}
    return {**how, "channels_last": last} if onednn.used(inputs, how["padding"], how["window"]) else None


def _windows(name: str, inputs, pool_size: Sizes, strides: Sizes | None, padding: Padding, data_format):
    """Array, window, strides and padding for all axes, batch and channels included; errors in words."""
    data_format, inputs = standardize_data_format(data_format), as_array(inputs)
    rank = inputs.ndim - 2
    if rank < 1:
        raise ValueError(
            f"{name}: inputs of shape {inputs.shape} have no spatial axis; expected "
            "(batch, *space, channels) or, for 'channels_first', (batch, channels, *space)"
        )
    window = spread(pool_size, rank, "pool_size")
    strides = window if strides is None else spread(strides, rank, "strides")
    first = 1 if data_format == "channels_last" else 2
    space = inputs.shape[first : first + rank]
    padding = pads(padding, space, window, strides)
    for size, length, pair in zip(space, window, padding, strict=True):
        if size + sum(pair) < length:
            raise ValueError(
                f"{name}: inputs of shape {inputs.shape} ({data_format}) are smaller than the window {window}. "
                "Use padding='same', a smaller pool_size or larger inputs"
            )
    before, after = (1,) * first, (1,) * (inputs.ndim - first - rank)
    none = ((0, 0),)
    padding = (*none * len(before), *padding, *none * len(after))
    return inputs, before + window + after, before + strides + after, padding


@op
def max_pool(
    inputs,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: Padding = "valid",
    data_format: str | None = None,
):
    """The largest value of each window.

    Args:
        inputs: `(batch, *space, channels)`, or `(batch, channels, *space)` for 'channels_first'.
        pool_size: int, or one an axis.
        strides: int, or one an axis; `pool_size` if None.
        padding: 'valid', 'same', or pairs (before, after); padded places never win.
        data_format: 'channels_last' or 'channels_first'; the global setting if None.

    Raises ValueError when ranks or sizes do not go together.

    Example:
        >>> from cornu import ops
        >>> ops.max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
        [[[3.0], [2.0]]]
    """
    inputs, window, strides, padding = _windows("max_pool", inputs, pool_size, strides, padding, data_format)
    how = _compiled(inputs, window, strides, padding, data_format)
    if how:
        return onednn.max_pool(inputs, **how)
    return _pool(inputs, lax.max, window, strides, padding)


@op
def average_pool(
    inputs,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: Padding = "valid",
    data_format: str | None = None,
):
    """The mean of each window, padded places left out; arguments as in `max_pool`."""
    inputs, window, strides, padding = _windows(
        "average_pool", inputs, pool_size, strides, padding, data_format
    )
    how = _compiled(inputs, window, strides, padding, data_format)
    if how:
        return onednn.average_pool(inputs, **how)
    totals = _pool(inputs, lax.add, window, strides, padding)
    if not any(map(any, padding)):
        return totals / math.prod(window)
    ones = jnp.ones(
        [size if n > 1 else 1 for size, n in zip(inputs.shape, window, strict=True)], inputs.dtype
    )
    return totals / _pool(ones, lax.add, window, strides, padding)


def _adaptive(name: str, reduce: Callable, inputs, output_size: Sizes, data_format: str | None):
    """Output i of n takes the places from `floor(i * size / n)` to `ceil((i + 1) * size / n)`."""
    data_format, inputs = standardize_data_format(data_format), as_array(inputs)
    rank = inputs.ndim - 2
    first = 1 if data_format == "channels_last" else 2
    for axis, n in enumerate(spread(output_size, rank, f"{name}: output_size"), first):
        size = inputs.shape[axis]
        bounds = [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
        parts = [reduce(lax.slice_in_dim(inputs, *each, axis=axis), axis) for each in bounds]
        inputs = jnp.stack(parts, axis)
    return inputs


@op
def adaptive_average_pool(inputs, output_size: Sizes, data_format: str | None = None):
    """Means over as many windows as `output_size` says, of nearly equal size."""
    return _adaptive("adaptive_average_pool", jnp.mean, inputs, output_size, data_format)


@op
def adaptive_max_pool(inputs, output_size: Sizes, data_format: str | None = None):
    """Largest values of as many windows as `output_size` says, of nearly equal size."""
    return _adaptive("adaptive_max_pool", jnp.max, inputs, output_size, data_format)
