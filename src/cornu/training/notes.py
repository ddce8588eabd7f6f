"""What an object has noted in its attributes, as plain data, and back: for callbacks and data of one's own."""

import inspect
import random
from typing import Any

import numpy as np

from ..variable import Variable

# what an object is given, not what it notes
LINKS = ("model", "params", "validation_data", "run", "_arguments", "_era")


def read(thing, small: bool = False) -> dict[str, Any]:
    """What an object says of itself by `get_state`, else `of_attributes`."""
    return thing.get_state() if hasattr(thing, "get_state") else of_attributes(thing, small)


def write(thing, state: dict[str, Any]) -> None:
    """Let an object be as `read` found it."""
    if hasattr(thing, "set_state"):
        thing.set_state(state)
    else:
        to_attributes(thing, state)


def of_attributes(thing, small: bool = False) -> dict[str, Any]:
    """What an object has noted in its attributes.

    Noted are numbers, text, arrays, random generators, cells, and lists, tuples and dicts of them, but what the
    constructor was given.

    Args:
        thing: a callback, or data.
        small: whether larger arrays than the order of samples are left out.

    Example:
        >>> class Losses:
        ...     def __init__(self, every):
        ...         self.every, self.losses = every, [2.5]
        >>> of_attributes(Losses(3))
        {'losses': [2.5]}
    """
    given = set(inspect.signature(type(thing).__init__).parameters)
    found = {}
    for name, value in getattr(thing, "__dict__", {}).items():
        if name in LINKS or name in given and not _moves(value) or small and _large(value):
            continue
        try:
            found[name] = _state(value) if _moves(value) else _plain(value)
        except TypeError:
            continue  # no data: a layer, a file, a function
    return found


def to_attributes(thing, state: dict[str, Any]) -> None:
    """Put what `of_attributes` found back; random generators and cells stay the same objects."""
    for name, value in state.items():
        setattr(thing, name, _restored(vars(thing).get(name), value))


def can_tell(iterator) -> bool:
    """Whether an iterator says where it is, and can be put there."""
    return hasattr(iterator, "get_state") and hasattr(iterator, "set_state")


def _moves(value) -> bool:
    """Whether an object changes within, although it stays the same one."""
    return isinstance(value, Variable | np.random.Generator | np.random.RandomState | random.Random)


def _large(value) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 1 or value.dtype.kind not in "iub"
    if isinstance(value, list | tuple):
        return not all(isinstance(each, int | np.integer | str) for each in value)
    return isinstance(value, dict)


def _state(value):
    """The state of a cell or a random generator."""
    if isinstance(value, Variable):
        return value.numpy()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    return value.get_state(legacy=False) if isinstance(value, np.random.RandomState) else value.getstate()


def _plain(value):
    """A value, if it is plain data; TypeError where it is none."""
    if value is None or isinstance(value, bool | int | float | str | bytes | np.generic):
        return value
    if isinstance(value, np.ndarray) and not value.dtype.hasobject and not value.dtype.names:
        return value
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {_plain(key): _plain(each) for key, each in value.items()}
    raise TypeError(f"{type(value).__name__} is no plain data")


def _restored(present, value):
    """`value` as it stood in an attribute that now is `present`."""
    if isinstance(present, Variable):
        present.assign(value)
    elif isinstance(present, np.random.Generator):
        present.bit_generator.state = value
    elif isinstance(present, np.random.RandomState):
        present.set_state(value)
    elif isinstance(present, random.Random):
        present.setstate(value)
    else:
        return value
    return present
