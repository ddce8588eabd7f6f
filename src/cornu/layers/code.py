"""Functions without a name as data: their compiled code, which only the same Python can read."""

import base64
import inspect
import marshal
import types
import weakref
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .. import config, registry, scope
from ..ops import numpy as ops

GLOBALS = {"np": np, "ops": ops}  # what the code of a loaded function finds under global names

_written: dict[str, dict] = {}  # code that this process has written down -> the globals that it had
_named: weakref.WeakValueDictionary = weakref.WeakValueDictionary()  # functions that it has written by name


def parameters(function: Callable) -> Sequence[str]:
    """The names that a function takes; none where it cannot be asked."""
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # written in C
        return []


def dump(value):
    """A value for files; of a function without a name, its compiled code."""
    if not isinstance(value, types.FunctionType):
        return registry.serialize(value)
    if value.__name__ != "<lambda>":
        said = registry.serialize(value)
        if isinstance(said, str):
            _named[said] = value
        return said
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    code = base64.encodebytes(marshal.dumps(value.__code__)).decode("ascii")
    _written[code] = value.__globals__
    inner = {"code": code, "defaults": registry.serialize(value.__defaults__), "closure": cells or None}
    return {"class_name": "__lambda__", "config": inner}


PARTS = ("function", "output_shape", "mask")  # of a Lambda, which may be functions


def modern(config: Mapping) -> dict:
    """The configuration of a Lambda of Keras 1 or 2, which told code by its type, as it is today."""
    made = {
        key: value for key, value in config.items() if key.removesuffix("_module") not in (*PARTS, "module")
    }
    for part in PARTS:
        value = config.get(part)
        if made.pop(f"{part}_type", None) == "lambda":
            code, defaults, closure = value if isinstance(value, list) else (value, None, None)
            value = {
                "class_name": "__lambda__",
                "config": {"code": code, "defaults": defaults, "closure": closure},
            }
        if value is not None:
            made[part] = value
    return made


def load(value):
    """What `dump` was given.

    Programs of Keras 1 and 2 took their configurations back as they were: code that this process wrote is trusted.

    Raises ValueError for code where files are not trusted, and where it was written by another Python.
    """
    if not (isinstance(value, Mapping) and value.get("class_name") == "__lambda__"):
        found = registry.get_registered_object(value) if isinstance(value, str) else None
        if found is None and isinstance(value, str) and config.era() < 3:
            found = _named.get(value)
        return registry.revive(value) if found is None else found
    inner = value["config"]
    own = _written.get(inner["code"]) if config.era() < 3 else None
    if scope.call.safe and own is None:
        raise ValueError(
            "This file holds a layer with Python code, which could do anything when it runs. "
            "If you trust who made it, load it with safe_mode=False "
            "(a configuration alone: after saving.enable_unsafe_deserialization())."
        )
    try:
        code = marshal.loads(base64.b64decode(inner["code"]))
    except (ValueError, EOFError, TypeError) as error:
        raise ValueError(
            f"The code of a function in this file was written by another version of Python ({error}). "
            "Give the function a name and pass it through `custom_objects`."
        ) from None
    closure = tuple(types.CellType(each) for each in inner["closure"] or ())
    defaults = None if inner["defaults"] is None else tuple(inner["defaults"])
    found = {**GLOBALS, **registry.get_custom_objects()} if own is None else own
    return types.FunctionType(code, found, code.co_name, defaults, closure)
