"""Optimizers and learning rate schedules."""

from .. import registry
from . import schedules
from .loss_scale import LossScaleOptimizer
from .moments import Adam, Adamax, AdamW, Lamb, Muon, Nadam, ScheduleFreeAdamW
from .multi import MultiOptimizer, OptimizerMap
from .optimizer import Optimizer, deserialize, get, serialize
from .rules import SGD, Adadelta, Adafactor, Adagrad, Ftrl, Lion, RMSprop

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_CLASSES = {name: globals()[name] for name in __all__ if name[0].isupper()}
registry.family("optimizers", _CLASSES | {name.lower(): cls for name, cls in _CLASSES.items()})
