"""Cornu: the Keras API of every era, on JAX.

Example:
    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((10,)), cornu.layers.Dense(3, activation="softmax")])
    >>> model.compile("adam", "sparse_categorical_crossentropy")
"""

import importlib

from . import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    debug,
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
    startup,  # noqa: F401 - an import computes nothing, so JAX has not started yet
    utils,
)
from .config import era_scope, set_era
from .dtypes import DTypePolicy
from .eras import containers, graph0  # noqa: F401 - bring Merge and Graph, which old configurations name
from .eras.backend_settings import name_scope
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
_LATER = (
    "applications",
    "datasets",
    "dtype_policies",
    "testing",
    "tree",
    "wrappers",
)  # imported when they are asked for


def __getattr__(name: str):
    if name in _LATER:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"cornu has no {name!r}")


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
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "debug",
    "dtype_policies",
    "era_scope",
    "initializers",
    "layers",
    "load_ipython_extension",
    "losses",
    "metrics",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "set_era",
    "tree",
    "utils",
    "wrappers",
]
