"""What the graph of a model may begin and end with."""

import jax

from . import config
from .symbol import is_symbol


def check(name: str, inputs, outputs) -> None:
    """Raise ValueError for what are no symbols; in eras 1 and 2 also for inputs that Keras did not take then.

    These are one that is there twice, and one that a layer made of others.
    """
    for what, tree in (("inputs", inputs), ("outputs", outputs)):
        for leaf in jax.tree.leaves(tree):
            if not is_symbol(leaf):
                raise ValueError(
                    f"{name}: `{what}` are symbols, made by Input and by calling layers on it; got "
                    f"{type(leaf).__name__}"
                )
    if config.era() == 3:
        return
    symbols = jax.tree.leaves(inputs)
    if len(set(map(id, symbols))) < len(symbols):
        raise ValueError(f"{name}: each input can be given only once; got {[x.name for x in symbols]}")
    for x in symbols:
        layer = x.node and x.node.operation
        if hasattr(layer, "build") and not getattr(layer, "is_input", False) and x.node.inputs:
            raise ValueError(
                f"{name}: the graph is not connected. {x.name}, given as an input, is made by {layer.name}: begin at "
                "an Input, or call the layers that follow on a new one"
            )
