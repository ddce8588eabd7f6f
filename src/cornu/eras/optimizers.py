"""Functions and classes of `keras.optimizers` in Keras 1 and 2 that later versions left out."""

from collections.abc import Mapping

from ..ops import numpy as ops
from ..optimizers.optimizer import Optimizer, deserialize

__all__ = ["TFOptimizer", "clip_norm", "optimizer_from_config"]


def clip_norm(g, c: float, n):
    """A gradient `g` of norm `n`, shortened to `c` where it is longer; as it is where `c` is 0.

    Example:
        >>> print(clip_norm(np.array([3.0, 4.0]), 1.0, 5.0))
        [0.6 0.8]
    """
    return ops.where(ops.greater_equal(n, c), g * c / n, g) if c > 0 else g


def optimizer_from_config(config: Mapping, custom_objects: Mapping | None = None) -> Optimizer:
    """The optimizer that `class_name` and `config` describe."""
    return deserialize(config, custom_objects)


class TFOptimizer(Optimizer):
    """What wrapped an optimizer of TensorFlow, of which there is none here."""

    def __init__(self, optimizer):
        raise ValueError(
            f"TFOptimizer: {optimizer!r} belongs to TensorFlow, and runs in its graphs only. "
            "Use the optimizer of the same name in keras.optimizers."
        )
