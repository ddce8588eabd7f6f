"""Operations in files: the description that Keras 3 gives each, and the way back."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import registry
from ..eras import border
from .classes import CLASSES, OPERATIONS
from .wrap import OPS

OWN = {"module": "cornu.ops", "class_name": "Operation"}  # of operations that Keras 3 has no class for
MISNAMED = {"true_divide": "divide"}  # that a class of Keras 3 means, and is here under another name


def describe(
    operation: Callable, name: str, args: tuple, kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple, dict[str, Any]]:
    """(head, args, kwargs) of one call: what a file says of the operation, and what it gives the call."""
    own = operation.__name__
    given = _bound(operation, args, kwargs)
    if own not in CLASSES or given is None:
        return {**OWN, "config": {"name": own}}, args, dict(kwargs)
    module, cls, called = CLASSES[own]
    loose = given.pop("*", ())
    if own == "get_item" and isinstance(given["key"], list):
        given["key"] = np.array(given["key"])  # a list would be read as a tuple
    call = [given.pop(each) for each in called if each in given]
    config = {key: registry.serialize(value) for key, value in given.items()}
    head = {"module": f"keras.src.ops.{module}", "class_name": cls, "config": {**config, "name": name}}
    return {**head, "registered_name": cls}, (*call, *loose), {}


def _bound(operation: Callable, args: tuple, kwargs: Mapping) -> dict[str, Any] | None:
    """Arguments by name, those without a name under "*"; None where some name is not in the signature."""
    signature = inspect.signature(operation)
    variadic = {p.kind: p.name for p in signature.parameters.values()}
    given = dict(signature.bind(*args, **kwargs).arguments)
    if given.pop(variadic.get(inspect.Parameter.VAR_KEYWORD), None):
        return None
    loose = variadic.get(inspect.Parameter.VAR_POSITIONAL)
    return given | ({"*": given.pop(loose)} if loose in given else {})


def is_operation(head: Mapping[str, Any]) -> bool:
    """Whether one entry of a graph's description is an operation, and no layer.

    The older HDF5 format names no module; an operation's configuration says nothing of `trainable`.
    """
    module, cls = head.get("module") or "", head["class_name"]
    if module:
        return cls == OWN["class_name"] or ".ops" in module
    called = (head.get("inbound_nodes") or [None])[0]
    return cls in OPERATIONS and isinstance(called, dict) and "trainable" not in head["config"]


def find(head: Mapping[str, Any]) -> Callable:
    """The operation that a description means, with the arguments that stand in its configuration.

    Raises UnknownName for one that is not here.
    """
    config = dict(head["config"])
    name = config.pop("name", None)
    if head["class_name"] != OWN["class_name"]:
        name = OPERATIONS.get(head["class_name"]) or border.snake(head["class_name"])
    name = name if name in OPS else MISNAMED.get(name, name)
    if name not in OPS:
        raise registry.UnknownName(f"The operation {name!r} is not known here.{registry.nearest(name, OPS)}")
    operation = OPS[name]
    if name == "get_item":
        return lambda x, key: operation(x, tuple(key) if isinstance(key, list) else key)
    parameters = inspect.signature(operation).parameters.values()
    config = {key: registry.revive(value) for key, value in config.items()}
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        first = [config.pop(p.name) for p in parameters if p.name in config]
        return functools.partial(operation, *first, **config)
    known = {p.name for p in parameters}
    return functools.partial(operation, **{key: value for key, value in config.items() if key in known})
