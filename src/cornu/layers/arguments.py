"""What all constructors do with their arguments, and all `build`s with their weights."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from .. import activations, config, constraints, initializers, regularizers
from ..symbol import Symbol
from ..variable import Variable

MEANING: dict[str, Callable] = {  # the last word of an argument's name -> what turns a name into an object
    "activation": activations.get,
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
    "format": config.standardize_data_format,
}


ELSEWHERE = ("self", "kwargs", "__class__", "name", "dtype", "weights")  # what `Layer.__init__` sees to


def keep(layer, given: dict[str, Any]) -> None:
    """Make attributes of a constructor's arguments, `keep(self, locals())`; names become the objects they mean."""
    for name, value in given.items():
        if name not in ELSEWHERE:
            setattr(layer, name, MEANING.get(name.rpartition("_")[2], lambda value: value)(value))


def weight(layer, name: str, shape: tuple[int, ...], **more) -> Variable:
    """A new weight, made as the layer's `<name>_initializer`, `_regularizer` and `_constraint` say."""
    said = {
        part: getattr(layer, f"{name}_{part}", None) for part in ("initializer", "regularizer", "constraint")
    }
    return layer.add_weight(tuple(shape), name=name, **{**said, **more})


def build_for(layer, shape: tuple) -> None:
    """Build a layer for inputs of a shape, if it is not built yet."""
    if not layer.built:
        layer._ensure_built((Symbol(shape, layer.input_dtype),), {})


def each(value, rank: int, what: str, least: int = 1) -> tuple[int, ...]:
    """One whole number for each of `rank` dimensions; a single one counts for all.

    Raises ValueError for another count, or for a number below `least`.
    """
    values = (value,) * rank if isinstance(value, Integral) else tuple(value)  # NumPy's numbers count
    if len(values) != rank or not all(isinstance(n, Integral) and n >= least for n in values):
        raise ValueError(
            f"{what}: expected a whole number of at least {least}, or {rank} of them; got {value!r}"
        )
    return tuple(map(int, values))


def positive(value, what: str) -> int:
    """`value`, if it is a whole number above zero; else ValueError."""
    return each((value,), 1, what)[0]


def share(value, what: str) -> float:
    """`value`, if it lies between 0 and 1; else ValueError."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value <= 1:
        raise ValueError(f"{what}: expected a number from 0 to 1; got {value!r}")
    return value
