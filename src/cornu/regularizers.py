"""Regularizers: callables from a weight, or from what a layer puts out, to a scalar that is added to the loss."""

import math
from collections.abc import Callable, Iterable, Mapping

from . import config, registry
from .base import Named
from .ops import nn
from .ops import numpy as ops


def penalties(cells: Iterable) -> list:
    """What the regularizers of some weights ask for; one that looks at parts of its weight says a list."""
    said = [cell.regularizer(cell.value) for cell in cells if cell.regularizer]
    return [each for part in said for each in (part if isinstance(part, list) else [part])]


class Regularizer(Named):
    """A callable from an array to a scalar.

    Example:
        >>> class Mean(Regularizer):
        ...     def __call__(self, x):
        ...         return 0.1 * x.mean() ** 2
    """

    target = None  # a weight or a layer, as up to Keras 1.1

    def __call__(self, x):
        return 0.0

    def set_param(self, p) -> None:
        """Say which weight is penalised, for a layer that keeps a list of its `regularizers` (up to Keras 1.1)."""
        self.target = p

    def set_layer(self, layer) -> None:
        """Say which layer's outputs are penalised, for that layer's list of `regularizers` (up to Keras 1.1)."""
        self.target = layer


def _strength(name: str, value: float | None, default: float = 0.0) -> float:
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"`{name}` is a finite number of at least 0; got {value!r}")
    return float(value)


class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x ** 2)`.

    Args:
        l1, l2: numbers of at least 0; None is 0.

    Raises ValueError for others.

    Example:
        >>> float(L1L2(l1=0.1, l2=0.01)(np.array([3.0, -4.0])))
        0.949999988079071
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0):
        self.l1, self.l2 = _strength("l1", l1), _strength("l2", l2)

    def __call__(self, x):
        x = ops.convert_to_tensor(x)
        penalty = ops.zeros((), x.dtype)
        if self.l1:
            penalty = penalty + self.l1 * ops.sum(ops.abs(x))
        if self.l2:
            penalty = penalty + self.l2 * ops.sum(ops.square(x))
        return penalty


class L1(Regularizer):
    """`l1 * sum(|x|)`.

    Raises ValueError for what is no number of at least 0.

    Example:
        >>> float(L1(0.5)(np.array([3.0, -4.0])))
        3.5
    """

    def __init__(self, l1: float | None = 0.01):
        self.l1 = _strength("l1", l1, 0.01)

    def __call__(self, x):
        return self.l1 * ops.sum(ops.abs(x))


class L2(Regularizer):
    """`l2 * sum(x ** 2)`.

    Raises ValueError for what is no number of at least 0.

    Example:
        >>> float(L2(0.5)(np.array([3.0, -4.0])))
        12.5
    """

    def __init__(self, l2: float | None = 0.01):
        self.l2 = _strength("l2", l2, 0.01)

    def __call__(self, x):
        return self.l2 * ops.sum(ops.square(x))


class OrthogonalRegularizer(Regularizer):
    """`factor * mean(|cosine|)` over all pairs of rows, or of columns, of a matrix.

    Args:
        factor: a number of at least 0.
        mode: 'rows' or 'columns'.

    Raises ValueError for other arguments, and for what is no matrix.

    Example:
        >>> float(OrthogonalRegularizer(1.0)(np.array([[1.0, 0.0], [0.0, 2.0]])))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: `mode` is 'rows' or 'columns'; got {mode!r}")
        self.factor, self.mode = _strength("factor", factor), mode

    def __call__(self, x):
        if ops.ndim(x) != 2:
            raise ValueError(f"OrthogonalRegularizer takes matrices; got shape {ops.shape(x)}")
        rows = nn.normalize(x if self.mode == "rows" else ops.transpose(x), axis=1)
        cosines = ops.abs(ops.matmul(rows, ops.transpose(rows)))
        count = rows.shape[0]
        return self.factor * ops.sum(ops.triu(cosines, 1)) / max(1, count * (count - 1) / 2)


class EigenvalueRegularizer(Regularizer):
    """`k * sqrt(largest eigenvalue of x^T x)` of a matrix, by nine steps of the power method (Keras 1).

    Raises ValueError for what is no matrix.
    """

    steps = 9

    def __init__(self, k: float):
        self.k = k

    def __call__(self, x):
        if ops.ndim(x) != 2:
            raise ValueError(f"EigenvalueRegularizer takes matrices; got shape {ops.shape(x)}")
        square = ops.matmul(ops.transpose(x), x)
        vector = ops.ones((square.shape[0], 1), square.dtype)
        for _ in range(self.steps):
            vector = ops.matmul(square, vector)
        image = ops.matmul(square, vector)
        return self.k * ops.sqrt(ops.sum(image * vector) / ops.sum(vector * vector))


def l1_l2(l1: float | None = None, l2: float | None = None) -> L1L2:
    """An `L1L2`; without arguments 0.01 and 0.01 in eras 1 and 2, 0 and 0 in era 3."""
    default = 0.0 if config.era() == 3 else 0.01
    return L1L2(default if l1 is None else l1, default if l2 is None else l2)


l1, l2, orthogonal_regularizer = L1, L2, OrthogonalRegularizer

# ---- by name -----------------------------------------------------------------------------------

CLASSES = (EigenvalueRegularizer, L1, L2, L1L2, OrthogonalRegularizer, Regularizer)
NAMES = {cls.__name__: cls for cls in CLASSES} | {
    "l1": L1,
    "l2": L2,
    "l1_l2": l1_l2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}
registry.family("regularizers", NAMES)
__all__ = sorted([*NAMES, "deserialize", "get", "serialize"])


def get(identifier, kwargs: Mapping | None = None) -> Callable | None:
    """A regularizer from its name, configuration, class or itself; any callable is one, None stays None.

    `kwargs` are arguments of a class that is named, as in Keras 1.

    Example:
        >>> get("l2").l2
        0.01

    Raises ValueError for an unknown name.
    """
    found = registry.get("regularizers", identifier, kwargs=kwargs)
    return found(**(kwargs or {})) if found is l1_l2 else found


def serialize(regularizer) -> dict | str:
    """A regularizer as plain data."""
    return registry.serialize(regularizer)


def deserialize(config: Mapping | str, custom_objects: Mapping | None = None) -> Callable:
    """The regularizer that plain data describes."""
    with registry.custom_object_scope(custom_objects):
        return get(config)
