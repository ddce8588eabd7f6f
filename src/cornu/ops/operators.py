"""The operators and methods that cells and symbols share with arrays: `x + 1`, `x[:, 0]`, `x.sum()`."""

import functools
from collections.abc import Callable

from ..variable import Tensorlike
from . import numpy

UNARY = {"neg": "negative", "abs": "abs", "invert": "bitwise_invert"}
BINARY = {
    **{"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide"},
    **{"mod": "mod", "pow": "power", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or"},
    **{"xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift"},
}
COMPARISON = {
    **{"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal"},
    **{"gt": "greater", "ge": "greater_equal"},
}
# What NumPy's functions hand on to methods unless they are told otherwise.
HANDED_ON = {"ddof": 0, "dtype": None, "mode": "raise", "out": None}
METHODS = (
    "all any argmax argmin clip conj cumprod cumsum dot max mean min prod "
    "ravel repeat round sort squeeze std sum swapaxes take trace var"
).split()


def _operator(fn: Callable, reflected: bool = False) -> Callable:
    def operator(self, other):
        if other is None or isinstance(other, str):
            return NotImplemented
        return fn(other, self) if reflected else fn(self, other)

    return operator


def _spread(fn: Callable) -> Callable:
    """`x.reshape(2, 3)` as well as `x.reshape((2, 3))`."""

    def method(self, *sizes):
        return fn(self, sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes or None)

    return method


def _method(fn: Callable) -> Callable:
    """A function as a method, which NumPy's own calls too, as in `np.min(cell)`, with all that NumPy's takes."""

    @functools.wraps(fn)
    def method(self, *args, **kwargs):
        given = [each for each in kwargs.items() if each not in HANDED_ON.items()]
        return fn(self, *args, **dict(given))

    return method


def _fill_in(cls: type) -> None:
    """Give a class the operators and the methods of arrays."""
    for word, name in UNARY.items():
        setattr(cls, f"__{word}__", getattr(numpy, name))
    for word, name in {**BINARY, **COMPARISON}.items():
        setattr(cls, f"__{word}__", _operator(getattr(numpy, name)))
    for word, name in BINARY.items():
        setattr(cls, f"__r{word}__", _operator(getattr(numpy, name), reflected=True))
    for name in METHODS:
        setattr(cls, name, _method(getattr(numpy, name)))
    cls.__getitem__ = numpy.get_item
    cls.__iter__ = lambda self: (self[i] for i in range(len(self)))  # an index out of range raises nothing
    cls.__round__ = lambda self, ndigits=None: numpy.round(self, ndigits or 0)
    cls.astype, cls.flatten = numpy.cast, numpy.ravel
    cls.reshape, cls.transpose = _spread(numpy.reshape), _spread(numpy.transpose)
    cls.T = property(numpy.transpose)


_fill_in(Tensorlike)
