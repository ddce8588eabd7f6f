"""Functions and classes of `keras.optimizers` in Keras 1 and 2 that later versions left out."""

from collections.abc import Mapping

from .. import config as settings
from .. import registry
from ..ops import numpy as ops
from ..optimizers import optimizer
from ..optimizers.optimizer import Optimizer

__all__ = ["TFOptimizer", "clip_norm", "deserialize", "optimizer_from_config"]


def clip_norm(g, c: float, n):
    """A gradient `g` of norm `n`, shortened to `c` where it is longer; as it is where `c` is 0.

    Example:
        >>> print(clip_norm(np.array([3.0, 4.0]), 1.0, 5.0))
        [0.6 0.8]
    """
    return ops.where(ops.greater_equal(n, c), g * c / n, g) if c > 0 else g


def deserialize(config: Mapping, custom_objects: Mapping | None = None) -> Optimizer:
    """The optimizer that `class_name` and `config` describe; Keras 2 left the name in small letters there."""
    made = optimizer.deserialize(config, custom_objects)
    small = str(config["class_name"]).lower()
    if settings.era() == 2 and small in registry.FAMILIES["optimizers"] and isinstance(config, dict):
        config["class_name"] = small
    return made


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
