"""Constraints: callables from a weight to the nearest allowed one, applied after each update."""

from collections.abc import Callable, Mapping, Sequence

from . import config, registry
from .base import Named
from .eras.border import snake
from .ops import numpy as ops


class Constraint(Named):
    """A callable from an array to one of the same shape.

    Example:
        >>> class Rounded(Constraint):
        ...     def __call__(self, w):
        ...         return cornu.ops.round(w, 1)
    """

    def __call__(self, w):
        return w


def _norms(w, axis: int | Sequence[int]):
    return ops.sqrt(ops.sum(ops.square(w), axis, keepdims=True))


class NonNeg(Constraint):
    """`max(w, 0)`.

    Example:
        >>> NonNeg()(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w):
        return ops.maximum(w, 0)


class UnitNorm(Constraint):
    """`w / (epsilon + norm)`, norms along `axis`.

    Example:
        >>> [round(x, 4) for x in UnitNorm()(np.array([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """

    def __init__(self, axis: int | Sequence[int] = 0):
        self.axis = axis

    def __call__(self, w):
        return w / (config.epsilon() + _norms(w, self.axis))


class MaxNorm(Constraint):
    """`w * clip(norm, 0, max_value) / (epsilon + norm)` (Srivastava et al. 2014).

    Args:
        max_value: the longest that a vector may be.
        axis: along which it lies; 0 for the inputs of a dense layer, (0, 1, 2) for a 2D convolution.

    Example:
        >>> [round(x, 4) for x in MaxNorm(1.0)(np.array([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (config.epsilon() + norms))


class MinMaxNorm(Constraint):
    """`w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (epsilon + norm)`.

    Args:
        min_value, max_value: how short and how long a vector may be.
        rate: how much of the way a vector is moved there at each update; 1: all of it.
        axis: along which vectors lie.

    Example:
        >>> [round(x, 4) for x in MinMaxNorm(10.0, 20.0)(np.array([3.0, 4.0])).tolist()]
        [6.0, 8.0]
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        wanted = self.rate * ops.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (config.epsilon() + norms))


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

# ---- by name -----------------------------------------------------------------------------------

CLASSES = (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm)
NAMES = {cls.__name__: cls for cls in CLASSES} | {snake(cls.__name__): cls for cls in CLASSES[1:]}
registry.family("constraints", NAMES)
__all__ = sorted([*NAMES, "deserialize", "get", "serialize"])


def get(identifier, kwargs: Mapping | None = None) -> Callable | None:
    """A constraint from its name, configuration, class or itself; any callable is one, None stays None.

    `kwargs` are arguments of a class that is named, as in Keras 1.

    Example:
        >>> get("max_norm").max_value
        2

    Raises ValueError for an unknown name.
    """
    return registry.get("constraints", identifier, kwargs=kwargs)


def serialize(constraint) -> dict | str:
    """A constraint as plain data."""
    return registry.serialize(constraint)


def deserialize(config: Mapping | str, custom_objects: Mapping | None = None) -> Callable:
    """The constraint that plain data describes."""
    return registry.get("constraints", config, custom_objects)
