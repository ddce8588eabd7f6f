"""Small helpers that programs of Keras 1 and 2 imported."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from .. import registry

__all__ = [
    "func_dump",
    "func_load",
    "get_from_module",
    "has_arg",
    "make_tuple",
    "slice_arrays",
    "to_list",
    "unpack_singleton",
]


def get_from_module(
    identifier, module_params: Mapping[str, Any], module_name: str, instantiate: bool = False,
    kwargs: Mapping[str, Any] | None = None,
):  # fmt: skip
    """What a name, or a dict with a `name` and arguments, means among the members of a module.

    Args:
        identifier: string, dict, or anything else, which is returned as it is.
        module_params: dict from names to classes and functions, such as `globals()`.
        module_name: a word for messages.
        instantiate: whether to make an object of a class that was named.
        kwargs: arguments for that.

    Raises ValueError for an unknown name.
    """
    if not isinstance(identifier, str | Mapping):
        return identifier
    arguments = dict(identifier) if isinstance(identifier, Mapping) else {}
    name = arguments.pop("name", identifier)
    found = registry.get_custom_objects().get(name) or module_params.get(name)
    if not found:
        raise ValueError(f"Invalid {module_name}: {name}.{registry.nearest(str(name), module_params)}")
    if isinstance(identifier, Mapping):
        return found(**arguments)
    return found(**(kwargs or {})) if instantiate else found


def make_tuple(*args) -> tuple:
    """Its arguments, as a tuple."""
    return args


def _refuse(what: str) -> NoReturn:
    raise ValueError(
        f"{what}: compiled Python code in files can do anything when it runs, and only one version of Python reads "
        "it. Give the function a name, and pass it through `custom_objects` when you load."
    )


def func_dump(func: Callable) -> NoReturn:
    """Refused: raises ValueError."""
    _refuse("func_dump")


def func_load(code, defaults=None, closure=None, globs=None) -> NoReturn:
    """Refused: raises ValueError."""
    _refuse("func_load")


def has_arg(fn: Callable, name: str, accept_all: bool = False) -> bool:
    """Whether a function can be given an argument by this name.

    Args:
        accept_all: whether `**kwargs` counts.
    """
    parameters = inspect.signature(fn).parameters.values()
    takes = any(
        each.name == name and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        for each in parameters
    )
    return takes or accept_all and any(each.kind is each.VAR_KEYWORD for each in parameters)


def to_list(x, allow_tuple: bool = False) -> list:
    """A list as it is, anything else alone in one.

    Args:
        allow_tuple: whether a tuple becomes a list of what is in it.
    """
    if isinstance(x, list):
        return x
    return list(x) if allow_tuple and isinstance(x, tuple) else [x]


def unpack_singleton(x):
    """What is in a list of one; anything else as it is."""
    return x[0] if isinstance(x, list | tuple) and len(x) == 1 else x


def slice_arrays(arrays, start=None, stop: int | None = None):
    """Some rows of an array, or of each in a list.

    Args:
        arrays: array, list of arrays and None, or None.
        start: the first row, or a list of rows.
        stop: the row after the last.
    """
    if arrays is None:
        return [None]
    rows = slice(start, stop) if not hasattr(start, "__len__") else list(start)
    if isinstance(arrays, list):
        return [None if each is None else each[rows] for each in arrays]
    return arrays[rows] if hasattr(start, "__len__") or hasattr(arrays, "__getitem__") else [None]
