"""What the compiled kernels of `cornu-kernels` compute, where that is installed and the CPU computes.

Convolution, pooling, attention, recurrent layers. They run inside loops at full speed, which XLA's own convolutions
on the CPU do not. The environment variable CORNU_KERNELS=0 leaves them off.
"""

import functools
import importlib
import os
import warnings
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

Pairs = Sequence[tuple[int, int]]


@functools.cache
def _package():
    """The installed package, or None; a warning where it is there and does not load."""
    try:
        return importlib.import_module("cornu_kernels")
    except ModuleNotFoundError:
        return None
    except ImportError as error:
        warnings.warn(f"{error}. Layers go on without compiled kernels, slower", stacklevel=2)
        return None


def used(x, padding: Pairs, window: Sequence[int] | None = None) -> bool:
    """Whether the kernels take `(batch, *space, channels)` arrays such as x, padded so.

    For pooling the window is given: it has to be wider than the padding.
    """
    widest = [float("inf")] * len(padding) if window is None else window
    return (
        os.environ.get("CORNU_KERNELS") != "0"
        and jax.default_backend() == "cpu"
        and x.dtype in (jnp.float32, jnp.bfloat16, jnp.float16)
        and x.size > 0
        and x.ndim <= 5
        and all(0 <= min(pair) and max(pair) < size for pair, size in zip(padding, widest, strict=True))
        and _package() is not None
    )


def _in_its_types(fn: Callable) -> Callable:
    """Compute in float32 what the CPU cannot compute in the type of the arrays."""

    @functools.wraps(fn)
    def run(x, *arrays, **how):
        if x.dtype in _package().types():
            return fn(x, *arrays, **how)
        arrays = [None if each is None else each.astype("float32") for each in (x, *arrays)]
        return fn(*arrays, **how).astype(x.dtype)

    return run


@_in_its_types
def conv(x, kernel, bias, **how):
    """Convolution, plus the bias if it is not None; `how`: strides, padding, dilation, groups, channels_last."""
    return _package().conv(x, kernel, bias, **how)


@_in_its_types
def conv_transpose(y, kernel, *, space: Sequence[int], **how):
    """The gradient of `conv` at y by inputs with the sizes `space`."""
    return _package().conv_transpose(y, kernel, space, **how)


@_in_its_types
def max_pool(x, **how):
    """The largest value of each window; `how`: window, strides, padding, channels_last."""
    return _package().max_pool(x, **how)


@_in_its_types
def average_pool(x, **how):
    """The mean of each window, padded places left out."""
    return _package().average_pool(x, **how)


def attends(x) -> bool:
    """Whether the kernels take attention of arrays such as x."""
    return used(x, ()) and hasattr(_package(), "attend")  # a build from before has none


def attend(query, key, value, mask, **how):
    """Attention in float32, without copies of the scores; `how`: scale, causal, even, kept, seeds."""
    return _package().attend(query, key, value, mask, **how)


def recurs(x) -> bool:
    """Whether the kernels take sequences such as x."""
    return x.dtype == jnp.float32 and x.ndim == 3 and used(x, ()) and hasattr(_package(), "run")


def recur(cell: str, x, states: Sequence, kernel, recurrent_kernel, bias, sequence: bool) -> tuple:
    """Outputs of all steps if `sequence`, and the last states, of a cell by its name."""
    return _package().run(cell, x, tuple(states), kernel, recurrent_kernel, bias, sequence=sequence)
