"""Activations: functions from an array to one of the same shape, by name.

They are those of `ops.nn`; here stand the few that differ, and what the eras understood differently by a name.
"""

from collections.abc import Callable, Mapping

from . import config, registry
from .eras import border
from .ops import nn
from .ops import numpy as ops


def linear(x):
    """`x` itself."""
    return x


def exponential(x):
    """`exp(x)`."""
    return ops.exp(x)


def mish(x):
    """`x * tanh(softplus(x))` (Misra 2019)."""
    x = ops.convert_to_tensor(x)
    return x * ops.tanh(nn.softplus(x))


def gelu(x, approximate: bool = False):
    """`x * P(X <= x)` for a normal X, or a fit to it by tanh (Hendrycks & Gimpel 2016)."""
    return nn.gelu(x, approximate)


@border.method("relu")
def relu(x, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0):
    """`max(x, 0)`, or with more arguments a straight line broken at `threshold`.

    `negative_slope * (x - threshold)` below the threshold, x from there on, at most `max_value`.

    Example:
        >>> relu(np.array([-3.0, 0.5, 9.0]), 0.1, 6).tolist()
        [-0.30000001192092896, 0.5, 6.0]
    """
    x = ops.convert_to_tensor(x)
    if threshold == 0 and max_value is None:
        return nn.leaky_relu(x, negative_slope) if negative_slope else nn.relu(x)
    above = ops.where(x > threshold, x, ops.zeros_like(x)) if threshold else nn.relu(x)
    if max_value is not None:
        above = ops.clip(above, 0, max_value)
    return above - negative_slope * nn.relu(threshold - x) if negative_slope else above


# ---- what an era understood by a name ----------------------------------------------------------


def hard_sigmoid_steep(x):
    """`clip(0.2 x + 0.5, 0, 1)`: the `hard_sigmoid` of Keras 0 to 2; Keras 3's has the slope 1/6.

    It has a name of its own so that a file that says `hard_sigmoid_steep` means it in every era.
    """
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0, 1)


def _softmax_of_rows(x):
    """`softmax` as Keras 1 has it: of matrices, and of sequences of vectors.

    Raises ValueError for other ranks.
    """
    if ops.ndim(x) not in (2, 3):
        raise ValueError(
            f"softmax takes matrices and 3-dimensional arrays in era 1; got shape {ops.shape(x)}"
        )
    return nn.softmax(x)


_softmax_of_rows.registered_name = "softmax"  # in files: the numbers are the same

OF_ERA: dict[int, dict[str, Callable]] = {
    1: {"hard_sigmoid": hard_sigmoid_steep, "softmax": _softmax_of_rows},
    2: {"hard_sigmoid": hard_sigmoid_steep},
    3: {},
}

# ---- by name -----------------------------------------------------------------------------------

_FROM_NN = (
    "celu elu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu log_sigmoid log_softmax "
    "relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid sparsemax "
    "squareplus swish tanh_shrink threshold"
).split()
NAMES = {name: getattr(nn, name) for name in _FROM_NN} | {"tanh": ops.tanh}
NAMES |= {each.__name__: each for each in (exponential, gelu, hard_sigmoid_steep, linear, mish, relu)}
registry.family("activations", NAMES)
globals().update({name: NAMES[name] for name in NAMES.keys() - {"hard_sigmoid"}})
__all__ = sorted([*NAMES, "deserialize", "get", "serialize"])


def __getattr__(name: str):
    """`activations.hard_sigmoid`, which is another function in another era."""
    if name == "hard_sigmoid":
        return get(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get(identifier) -> Callable:
    """An activation from its name, configuration or itself; None is `linear`.

    What `hard_sigmoid` and `softmax` mean is decided by the era that holds when the name is looked up.

    Example:
        >>> get("relu")(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]

    Raises ValueError for an unknown name.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str) and identifier in OF_ERA[config.era()]:
        return OF_ERA[config.era()][identifier]
    return registry.get("activations", identifier)


def serialize(activation) -> str | dict:
    """An activation as plain data: the name of a function, the configuration of an object."""
    return registry.serialize(activation)


def deserialize(config: Mapping | str, custom_objects: Mapping | None = None) -> Callable:
    """The activation that plain data describes.

    Raises ValueError for an unknown name.
    """
    with registry.custom_object_scope(custom_objects):
        return get(config)
