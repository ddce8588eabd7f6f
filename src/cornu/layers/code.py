"""Functions without a name as data: their compiled code, which only the same Python can read."""

import base64
import inspect
import marshal
import types
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .. import registry, scope
from ..ops import numpy as ops

GLOBALS = {"np": np, "ops": ops}  # what the code of a loaded function finds under global names


def parameters(function: Callable) -> Sequence[str]:
    """The names that a function takes; none where it cannot be asked."""
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # written in C
        return []


def dump(value):
    """A value for files; of a function without a name, its compiled code."""
    if not (isinstance(value, types.FunctionType) and value.__name__ == "<lambda>"):
        return registry.serialize(value)
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    code = base64.encodebytes(marshal.dumps(value.__code__)).decode("ascii")
    inner = {"code": code, "defaults": registry.serialize(value.__defaults__), "closure": cells or None}
    return {"class_name": "__lambda__", "config": inner}


def load(value):
    """What `dump` was given.

    Raises ValueError for code where files are not trusted, and where it was written by another Python.
    """
    if not (isinstance(value, Mapping) and value.get("class_name") == "__lambda__"):
        found = registry.get_registered_object(value) if isinstance(value, str) else None
        return registry.revive(value) if found is None else found
    if scope.call.safe:
        raise ValueError(
            "This file holds a layer with Python code, which could do anything when it runs. "
            "If you trust who made it, load it with safe_mode=False."
        )
    inner = value["config"]
    try:
        code = marshal.loads(base64.b64decode(inner["code"]))
    except (ValueError, EOFError, TypeError) as error:
        raise ValueError(
            f"The code of a function in this file was written by another version of Python ({error}). "
            "Give the function a name and pass it through `custom_objects`."
        ) from None
    closure = tuple(types.CellType(each) for each in inner["closure"] or ())
    defaults = None if inner["defaults"] is None else tuple(inner["defaults"])
    return types.FunctionType(code, GLOBALS, code.co_name, defaults, closure)
