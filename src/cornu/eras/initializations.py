"""`keras.initializations` of era 1: functions from a shape to a variable.

`dim_ordering` says where the inputs and outputs of a kernel of four or five axes are: 'th', (outputs, inputs, ...),
or 'tf', (..., inputs, outputs).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from .. import config, registry
from ..variable import Live, Variable

Shape = Sequence[int]


def _variable(value, name: str | None) -> Variable:
    return Live(np.asarray(value).astype(config.floatx()), name=name)


def get_fans(shape: Shape, dim_ordering: str = "th") -> tuple[float, float]:
    """How many inputs a unit has, and how many outputs an input goes to.

    Raises ValueError for another ordering than 'th' and 'tf'.
    """
    if dim_ordering not in ("th", "tf"):
        raise ValueError(f"dim_ordering is 'th' or 'tf'; got {dim_ordering!r}")
    if len(shape) == 2:
        return tuple(shape)
    if len(shape) not in (4, 5):
        return (math.sqrt(math.prod(shape)),) * 2
    if dim_ordering == "th":
        field = math.prod(shape[2:])
        return shape[1] * field, shape[0] * field
    field = math.prod(shape[:2])
    return shape[-2] * field, shape[-1] * field


def uniform(shape: Shape, scale: float = 0.05, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """Draws from `[-scale, scale)`."""
    return _variable(np.random.uniform(-scale, scale, shape), name)


def normal(shape: Shape, scale: float = 0.05, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """Draws from the normal distribution of standard deviation `scale`."""
    return _variable(np.random.normal(0.0, scale, shape), name)


def lecun_uniform(shape: Shape, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """Uniform draws within `sqrt(3 / fan_in)` (LeCun et al. 1998)."""
    return uniform(shape, math.sqrt(3.0 / get_fans(shape, dim_ordering)[0]), name)


def glorot_normal(shape: Shape, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """Normal draws of variance `2 / (fan_in + fan_out)` (Glorot & Bengio 2010)."""
    return normal(shape, math.sqrt(2.0 / sum(get_fans(shape, dim_ordering))), name)


def glorot_uniform(shape: Shape, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """Uniform draws within `sqrt(6 / (fan_in + fan_out))` (Glorot & Bengio 2010)."""
    return uniform(shape, math.sqrt(6.0 / sum(get_fans(shape, dim_ordering))), name)


def he_normal(shape: Shape, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """Normal draws of variance `2 / fan_in` (He et al. 2015)."""
    return normal(shape, math.sqrt(2.0 / get_fans(shape, dim_ordering)[0]), name)


def he_uniform(shape: Shape, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """Uniform draws within `sqrt(6 / fan_in)` (He et al. 2015)."""
    return uniform(shape, math.sqrt(6.0 / get_fans(shape, dim_ordering)[0]), name)


def orthogonal(
    shape: Shape, scale: float = 1.1, name: str | None = None, dim_ordering: str = "th"
) -> Variable:
    """A random matrix whose rows or columns, whichever are fewer, are orthogonal and of length `scale`.

    All axes but the first are flattened to one. Source: Saxe et al. 2013.
    """
    flat = shape[0], math.prod(shape[1:])
    left, _, right = np.linalg.svd(np.random.normal(0.0, 1.0, flat), full_matrices=False)
    return _variable(scale * (left if left.shape == flat else right).reshape(shape), name)


def identity(shape: Shape, scale: float = 1, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """`scale` on the diagonal of a square matrix, 0 elsewhere.

    Raises ValueError for any other shape.
    """
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"identity makes square matrices; it cannot make a weight of shape {tuple(shape)}")
    return _variable(scale * np.eye(shape[0]), name)


def zero(shape: Shape, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """0 everywhere."""
    return _variable(np.zeros(shape), name)


def one(shape: Shape, name: str | None = None, dim_ordering: str = "th") -> Variable:
    """1 everywhere."""
    return _variable(np.ones(shape), name)


def maker(initializer: Callable) -> Callable:
    """An initializer of today as a function of this module: from a shape to a variable."""

    def make(shape: Shape, name: str | None = None, dim_ordering: str = "th") -> Variable:
        return _variable(initializer(tuple(shape), dtype=config.floatx()), name)

    return make


_BY_NAME: dict[str, Callable] = {
    function.__name__: function
    for function in (
        *(uniform, normal, lecun_uniform, glorot_normal, glorot_uniform, he_normal, he_uniform),
        *(orthogonal, identity, zero, one),
    )
}
__all__ = sorted([*_BY_NAME, "get", "get_fans"])


def get(identifier, **kwargs) -> Callable:
    """A function of this module from its name; a callable is returned as it is.

    Example:
        >>> get("zero")((2,)).numpy().tolist()
        [0.0, 0.0]

    Raises ValueError for an unknown name.
    """
    if isinstance(identifier, str) and identifier in _BY_NAME:
        return _BY_NAME[identifier]
    return registry.get("initializers", identifier, kwargs.get("custom_objects"))
