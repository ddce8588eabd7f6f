"""One walk over a model: what lies where in a `.keras` file, for writing and for reading."""

import collections
from collections.abc import Iterator
from typing import Any

from ..eras.border import snake


def keeps_variables(item) -> bool:
    return hasattr(item, "save_own_variables") and hasattr(item, "load_own_variables")


def walk(root) -> Iterator[tuple[str, Any]]:
    """(path, holder) for everything below `root` that keeps variables, each once, in Keras 3's file order."""
    seen: set[int] = set()

    def visit(item, path):
        if id(item) in seen:
            return
        seen.add(id(item))
        yield path, item
        for attribute, value in parts(item):
            if keeps_variables(value):
                yield from visit(value, f"{path}{attribute}/")
            elif isinstance(value, list | tuple | dict):
                yield from container(value, f"{path}{attribute}/")

    def container(values, path):
        used: collections.Counter = collections.Counter()
        for value in values.values() if isinstance(values, dict) else values:
            inside = isinstance(value, list | tuple | dict)
            if inside or keeps_variables(value):
                known = getattr(value, "serialized_as", lambda: None)()
                name = "container" if inside else snake(known[1] if known else type(value).__name__)
                number, used[name] = used[name], used[name] + 1
                below = f"{path}{name}_{number}/" if number else f"{path}{name}/"
                yield from container(value, below) if inside else visit(value, below)

    return visit(root, "")


def parts(item) -> list[tuple[str, Any]]:
    """The attributes of an object that may lead to others: a model's layers first."""
    held = {
        name: value for name, value in vars(item).items() if not name.startswith("_") or _layered(name, value)
    }
    held.pop("optimizer", None)
    if hasattr(item, "layers"):
        held["layers"] = item.layers
        if getattr(item, "_stack", None) and not item._stack[0].is_input and item._source is not None:
            held["layers"] = [item._source.node.operation, *item.layers]
    return sorted(held.items(), key=lambda pair: (pair[0].startswith("_"), pair[0]))


def _layered(name: str, value) -> bool:
    """Whether a private attribute is a layer, or holds some, for its own class rather than for the engine."""
    if isinstance(value, list | tuple | dict):
        each = list(value.values() if isinstance(value, dict) else value)
        return name not in ENGINE and bool(each) and all(hasattr(one, "build") for one in each)
    return name not in ENGINE and hasattr(value, "build") and keeps_variables(value)


ENGINE = ("_stack", "_source", "_graph_layers", "_arguments")  # where the library keeps layers for itself
