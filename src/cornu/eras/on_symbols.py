"""Functions in layers that ask for derivatives by what came before: run on symbols once, and found in the graph after.

In Keras 1 and 2 a function of a `Lambda` or `Merge` was run on the symbols that the layer was called on, so that
`K.gradients` in it saw how they follow from each other. Here it is run on arrays, of which that is not known.
"""

import sys
from collections.abc import Callable

import jax

from .. import graph, scope
from ..symbol import Symbol


class NeedsSymbols(TypeError):
    """Derivatives are asked of what is no symbol."""


class OnSymbols:
    """What a layer with a function of the program's has for that."""

    _seen: tuple = ()  # pairs: the symbols that the layer was called on, and what the function made of them

    def _declared_outputs(self, args: tuple):
        """Where the function wants symbols, a symbol like what it makes of them, which is kept."""
        if not isinstance(sys.exception(), NeedsSymbols):
            return super()._declared_outputs(args)
        made = jax.tree.leaves(self.call(*args))
        self._seen = (*self._seen, (jax.tree.leaves(args), made))
        like = [Symbol(each.shape, each.dtype) for each in made]
        return like[0] if len(like) == 1 else like

    def _by_graph(self, function: Callable, inputs, **given):
        """`function(inputs, **given)`; where it wants symbols, what it made of those whose values came in."""
        try:
            return function(inputs, **given)
        except NeedsSymbols:
            arrays = jax.tree.leaves(inputs)
            for symbols, made in self._seen:
                for values in scope.call.values:
                    if all(values.get(id(x)) is value for x, value in zip(symbols, arrays, strict=True)):
                        found = graph.find(made)
                        return found[0] if len(found) == 1 else found
            raise
