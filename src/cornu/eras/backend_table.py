"""The table of `keras.backend`: its functions by name, each with the signature that it had."""

import inspect
from collections.abc import Callable, Mapping

FUNCTIONS: dict[
    str, Callable
] = {}  # with the signatures of Keras 2, which are those of Keras 1 but for a few
FIRST: dict[str, Callable] = {}  # what Keras 1 had otherwise, or had alone


def entry(function: Callable) -> Callable:
    """Decorator: a function of `keras.backend`; an underscore at the end keeps Python's own name free."""
    FUNCTIONS[function.__name__.removesuffix("_")] = function
    return function


def first(function: Callable) -> Callable:
    """Decorator: a function of Keras 1's `keras.backend`, which Keras 2 has not, or otherwise."""
    FIRST[function.__name__.removesuffix("_")] = function
    return function


def follow(name: str, signature: str, function: Callable) -> Callable:
    """`function` under another name and with other names of its arguments, which stay in their places.

    Example:
        >>> follow("lesser", "x, y", min)(1, 2)
        1
    """
    names = [each.partition("=")[0] for each in signature.split(", ")]
    made = eval(f"lambda {signature}: function({', '.join(names)})", {"function": function})
    made.__name__ = made.__qualname__ = name
    made.__doc__ = inspect.getdoc(function)
    return made


def follow_all(table: Mapping[str, Mapping[str, Callable]]) -> dict[str, Callable]:
    """Functions by name, from a table signature -> name -> function."""
    return {
        name: follow(name, signature, function)
        for signature, row in table.items()
        for name, function in row.items()
    }
