"""Convolution on the CPU, where XLA's own gradient by the kernel is slow: it is a matrix product here.

The columns of that product, the places that each element of the kernel meets, are made for a few samples at a time,
so that they stay in the cache.
"""

import functools
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

BLOCK_BYTES = 4 * 2**20  # of columns at a time; a core's cache holds about so much

Pairs = tuple[tuple[int, int], ...]


def plain(x, kernel, strides: Sequence[int], padding: Pairs, dilation: Sequence[int]):
    """XLA's convolution of `(batch, *space, channels)` with `(*window, in, out)`."""
    letters = "DHW"[-len(strides) :]
    layout = f"N{letters}C"
    return lax.conv_general_dilated(
        x, kernel, strides, padding, rhs_dilation=dilation, dimension_numbers=(layout, f"{letters}IO", layout)
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def convolve(x, kernel, strides: tuple[int, ...], padding: Pairs, dilation: tuple[int, ...]):
    """The same, with a gradient by the kernel that is made of matrix products."""
    return plain(x, kernel, strides, padding, dilation)


def _forward(x, kernel, strides, padding, dilation):
    return convolve(x, kernel, strides, padding, dilation), (x, kernel)


def _backward(strides, padding, dilation, kept, slope):
    x, kernel = kept
    by_input = jax.vjp(lambda x: plain(x, kernel, strides, padding, dilation), x)[1](slope)[0]
    by_kernel = _by_kernel(x, slope, kernel.shape, strides, padding, dilation)
    return by_input, by_kernel.astype(kernel.dtype)


convolve.defvjp(_forward, _backward)


def _by_kernel(x, slope, shape: tuple[int, ...], strides, padding, dilation):
    """`columns(x).T @ slope`, summed over blocks of samples."""
    *window, channels, filters = shape
    out = slope.shape[1:-1]
    samples = max(1, BLOCK_BYTES // (4 * math.prod(out) * math.prod(window) * channels))
    x = lax.pad(x, x.dtype.type(0), [(0, 0, 0), *((*pair, 0) for pair in padding), (0, 0, 0)])  # may cut
    total = jnp.zeros((math.prod(window) * channels, filters), slope.dtype)
    for start in range(0, x.shape[0], samples):
        block = _columns(x[start : start + samples], window, strides, dilation, out)
        total = total + block.T @ slope[start : start + samples].reshape(-1, filters)
    return total.reshape(shape)


def _columns(x, window: Sequence[int], strides, dilation, out: Sequence[int]):
    """Rows of what one window sees, `(places, elements of the window * channels)`."""
    places = itertools.product(
        *(range(0, size * rate, rate) for size, rate in zip(window, dilation, strict=True))
    )
    parts = [
        x[
            (
                slice(None),
                *(slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(at, out, strides, strict=True)),
            )
        ]
        for at in places
    ]
    return jnp.concatenate(parts, axis=-1).reshape(-1, math.prod(window) * x.shape[-1])
