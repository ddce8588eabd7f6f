"""`theano_backend` and `tensorflow_backend`: `keras.backend` as one engine computed, whichever the program is told."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .. import config
from ..ops import numpy as ops
from . import backend

# What an engine's own module returned in another shape.
CHANGED = {"theano": {"ctc_batch_cost": ops.transpose}}


def of(engine: str) -> Callable[[str], Any]:
    """The `__getattr__` of the module of an engine.

    Example:
        >>> conv2d = of("theano")("conv2d")
    """

    @functools.cache
    def bound(function: Callable, change: Callable | None) -> Callable:
        @functools.wraps(function)
        def computing(*args, **kwargs):
            with config.backend_scope(engine):
                made = function(*args, **kwargs)
                return change(made) if change else made

        return computing

    def find(name: str):
        found = getattr(backend, name)
        return bound(found, CHANGED.get(engine, {}).get(name)) if inspect.isfunction(found) else found

    return find
