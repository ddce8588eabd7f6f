"""Cornu: the Keras API of every era, on JAX.

Example:
    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((10,)), cornu.layers.Dense(3, activation="softmax")])
    >>> model.compile("adam", "sparse_categorical_crossentropy")
"""

from . import (
    activations,
    callbacks,
    config,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    utils,
)
from .config import era_scope, set_era
from .dtypes import DTypePolicy
from .eras import graph0  # noqa: F401 - brings the layer Merge, which old configurations name
from .eras.run import load_ipython_extension
from .initializers import Initializer
from .layers import Input, InputSpec, Layer
from .losses import Loss
from .metrics import Metric
from .models import Model, Sequential
from .optimizers import Optimizer
from .regularizers import Regularizer
from .symbol import Symbol
from .variable import Variable

KerasTensor = Symbol
__version__ = "0.1.0"

__all__ = [
    "DTypePolicy",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Symbol",
    "Variable",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "era_scope",
    "initializers",
    "layers",
    "load_ipython_extension",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "set_era",
    "utils",
]
