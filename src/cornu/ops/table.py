"""Operations from a table: our names and signatures, the functions of a module of JAX."""

from collections.abc import Callable, Mapping
from types import ModuleType

from ..dtypes import as_array
from .wrap import op

# how an argument of that name is handed on; all others go by keyword
ARRAYS = "x x1 x2 y a b array indices values sorted_sequence q bins".split()


def plain(value):
    """Lists among options as tuples: `axis=[1, 2]`."""
    return tuple(value) if isinstance(value, list) else value


def _argument(name: str) -> str:
    if name in ARRAYS:
        return f"as_array({name})"
    return "[as_array(x) for x in xs]" if name == "xs" else f"{name}=plain({name})"


def follow(function: Callable, name: str, signature: str, doc: str, module: str) -> Callable:
    """An operation with our signature that converts its arrays and calls `function`.

    Example:
        >>> import jax.numpy as jnp
        >>> total = follow(jnp.sum, "total", "x, axis=None", "Sum.", __name__)
        >>> int(total([1, 2]))
        3
    """
    names = [each.split("=")[0] for each in signature.split(", ") if each[0].isalpha()]
    source = f"lambda {signature}: function({', '.join(map(_argument, names))})"
    made = eval(source, {"function": function, "as_array": as_array, "plain": plain})
    made.__name__ = made.__qualname__ = name
    made.__module__, made.__doc__ = module, doc
    return op(made)


def follow_all(
    source: ModuleType, table: Mapping[str, Mapping[str, str]], module: str
) -> dict[str, Callable]:
    """Operations by name from a table of signature -> name of a function in `source` -> what it does."""
    return {
        name: follow(getattr(source, name), name, signature, doc, module)
        for signature, row in table.items()
        for name, doc in row.items()
    }
