"""Targets and predictions made comparable: one float type, one rank, shapes and weights that fit."""

import functools
from collections.abc import Callable

from . import config, dtypes
from .ops import numpy as ops


def floats(x):
    """Anything array-like as an array (or symbol) of a float type."""
    x = ops.convert_to_tensor(x)
    return x if dtypes.is_float(x.dtype) else ops.cast(x, config.floatx())


def same_rank(y_true, y_pred) -> tuple:
    """The two in one rank, where a last axis of 1 is what keeps them apart: `(n,)` becomes `(n, 1)`."""
    long, short = sorted((y_true, y_pred), key=lambda x: -len(x.shape))
    if len(long.shape) != len(short.shape) + 1 or long.shape[-1] != 1:
        return y_true, y_pred
    if len(short.shape) == 1:
        return tuple(x if x is long else ops.expand_dims(x, -1) for x in (y_true, y_pred))
    return tuple(ops.squeeze(x, -1) if x is long else x for x in (y_true, y_pred))


def fits(shape: tuple, other: tuple, broadcast: bool = False) -> bool:
    """Whether two shapes agree; None is any size, and 1 is when `broadcast`."""
    free = (None, 1) if broadcast else (None,)
    return len(shape) == len(other) and all(
        a == b or a in free or b in free for a, b in zip(shape, other, strict=True)
    )


def elementwise(fn: Callable | None = None, *, broadcast: bool = True) -> Callable:
    """Decorator: let `fn` see two float arrays of one type and rank; `broadcast` lets axes of 1 stretch.

    The function raises ValueError, with its name and both shapes, where the shapes do not fit.
    """
    if fn is None:
        return functools.partial(elementwise, broadcast=broadcast)

    @functools.wraps(fn)
    def loss(y_true, y_pred, *args, **kwargs):
        y_pred = floats(y_pred)
        target, output = same_rank(ops.convert_to_tensor(y_true, y_pred.dtype), y_pred)
        scalar = broadcast and not (target.shape and output.shape)
        if not scalar and not fits(target.shape, output.shape, broadcast):
            raise ValueError(
                f"{fn.__name__} compares element by element; y_true of shape {ops.shape(y_true)} "
                f"does not fit y_pred of shape {y_pred.shape}"
            )
        return fn(target, output, *args, **kwargs)

    return loss


def labels_for(loss: str, y_true, y_pred, axis: int = -1):
    """Labels as ints in the shape of `y_pred` without its axis of classes."""
    axis %= len(y_pred.shape)
    expected = y_pred.shape[:axis] + y_pred.shape[axis + 1 :]
    labels = ops.convert_to_tensor(y_true)
    if len(labels.shape) == len(y_pred.shape) and labels.shape[axis] == 1:
        labels = ops.squeeze(labels, axis)
    if not fits(labels.shape, expected):
        raise ValueError(
            f"{loss}: y_pred of shape {y_pred.shape} needs integer labels y_true of shape {expected}; "
            f"got {ops.shape(y_true)}. For one-hot targets use categorical_crossentropy"
        )
    return ops.cast(labels, "int32")


def spread(weights, values, what: str = "sample_weight"):
    """Weights in the rank of the values: axes that they lack are added, a last axis of 1 too many is dropped.

    Raises ValueError where they do not broadcast against the values.
    """
    shape, target = ops.shape(weights), ops.shape(values)
    if len(shape) == len(target) + 1 and shape[-1] == 1 and target:
        weights = ops.squeeze(weights, -1)
    elif len(shape) < len(target):
        weights = ops.expand_dims(weights, tuple(range(len(shape), len(target))))
    if target and not fits(weights.shape, target, broadcast=True):
        raise ValueError(
            f"{what} of shape {shape} does not fit values of shape {target}: give one weight a sample, "
            f"of shape {target[:1]}, or one for each value"
        )
    return weights
