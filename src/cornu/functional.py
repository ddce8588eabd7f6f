"""Graphs of layers as data: what a functional model writes into files, and the way back (Keras 1, 2 and 3)."""

import collections
from collections.abc import Callable
from typing import Any

import jax

from . import graph, registry
from .ops import files
from .symbol import Symbol, has_symbols, is_symbol


def names_of(nodes: list[graph.Node]) -> dict[int, str]:
    """A unique name for the operation of every node: the layer's own, or the op's with a number."""
    names, used = {}, {getattr(node.operation, "name", None) for node in nodes}
    for node in nodes:
        operation = node.operation
        if hasattr(operation, "get_config"):
            names[id(node)] = operation.name
            continue
        base, number = operation.__name__, 0
        name = base
        while name in used:
            number += 1
            name = f"{base}_{number}"
        used.add(name)
        names[id(node)] = name
    return names


class Places:
    """Where each symbol of a graph is made: `[name, call, output]`, calls counted within the graph."""

    def __init__(self, nodes: list[graph.Node]):
        self.names, self.of, calls = names_of(nodes), {}, {}
        for node in nodes:
            name = self.names[id(node)]
            call = calls[name] = calls.get(name, -1) + 1
            for index, symbol in enumerate(jax.tree.leaves(node.outputs)):
                self.of[id(symbol)] = [name, call, index]

    def encode(self, value):
        """A structure with symbols as plain data."""
        if is_symbol(value):
            place = {"shape": value.shape, "dtype": value.dtype, "keras_history": self.of[id(value)]}
            return {"class_name": "__keras_tensor__", "config": place}
        if isinstance(value, dict):
            return {key: self.encode(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.encode(each) for each in value]
        return registry.serialize(value)


def describe(nodes: list[graph.Node], inputs, outputs) -> dict[str, Any]:
    """Layers, their calls, and which symbols go in and come out, in Keras 3's form."""
    places, layers = Places(nodes), {}
    for node in nodes:
        name, operation, args, kwargs = places.names[id(node)], node.operation, node.args, node.kwargs
        if name not in layers:
            if hasattr(operation, "get_config"):
                head = registry.serialize(operation)
                build = getattr(operation, "get_build_config", lambda: None)()
                head |= {"build_config": build} if build and not operation.is_input else {}
            else:
                head, args, kwargs = files.describe(operation, name, args, kwargs)
            layers[name] = {**head, "name": name, "inbound_nodes": []}
        if node.inputs and not getattr(operation, "is_input", False):
            call = {"args": places.encode(args), "kwargs": places.encode(kwargs)}
            layers[name]["inbound_nodes"].append(call)
    place = lambda tree: jax.tree.map(lambda symbol: places.of[id(symbol)], tree)  # noqa: E731
    return {"layers": list(layers.values()), "input_layers": place(inputs), "output_layers": place(outputs)}


def rebuild(config: dict[str, Any], make: Callable[[dict], Any]) -> tuple[Any, Any]:
    """`(inputs, outputs)` as symbols, from a description of any era; `make` turns a head into a layer.

    Raises ValueError for a description whose calls need each other or name what is not there.
    """
    layers, made, ready, waiting = {}, {}, collections.deque(), {}
    for head in config["layers"]:
        name = head.get("name") or head["config"]["name"]
        layers[name] = files.find(head) if files.is_operation(head) else make(head)
        if getattr(layers[name], "is_input", False):
            made[name, 0] = layers[name].output
        ready += [(name, call, each) for call, each in enumerate(head.get("inbound_nodes") or [])]
    while ready:
        name, call, given = ready.popleft()
        try:
            args, kwargs = _arguments(given, made)
        except Missing as missing:
            waiting.setdefault(missing.args, []).append((name, call, given))
            continue
        if not has_symbols((args, kwargs)):
            raise ValueError(f"The configuration calls {name!r} on nothing that a layer makes")
        made[name, call] = layers[name](*args, **kwargs)
        ready += waiting.pop((name, call), [])
    if waiting:
        name = next(iter(waiting.values()))[0][0]
        raise ValueError(f"The configuration calls {name!r} on something that no layer makes")
    find = lambda tree: _find(tree, made)  # noqa: E731
    return find(config["input_layers"]), find(config["output_layers"])


class Missing(LookupError):
    """The call of a layer, by name and number, whose outputs are not there yet."""


def _symbol(place, made: dict) -> Symbol:
    name, call, index = place[:3]
    if (name, call) not in made:
        raise Missing(name, call)
    return jax.tree.leaves(made[name, call])[index]


def _find(tree, made: dict):
    """Symbols for places `[name, call, output]` in any structure."""
    if isinstance(tree, dict):
        return {key: _find(each, made) for key, each in tree.items()}
    if len(tree) == 3 and isinstance(tree[0], str) and isinstance(tree[1], int):
        return _symbol(tree, made)
    return [_find(each, made) for each in tree]


def _arguments(given, made: dict) -> tuple[list, dict]:
    """Arguments of one call: Keras 3 wrote structures, Keras 1 and 2 lists of places."""
    if isinstance(given, dict):
        return [_decode(each, made) for each in given["args"]], {
            name: _decode(each, made) for name, each in given["kwargs"].items()
        }
    symbols = [_symbol(place, made) for place in given]
    kwargs = {name: _decode(each, made) for name, each in (given[0][3] if len(given[0]) > 3 else {}).items()}
    return [symbols[0] if len(symbols) == 1 else symbols], kwargs


def _decode(value, made: dict):
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return _symbol(value["config"]["keras_history"], made)
        if "class_name" in value:
            return registry.revive(value)
        return {key: _decode(each, made) for key, each in value.items()}
    if isinstance(value, list):
        return [_decode(each, made) for each in value]
    return value
