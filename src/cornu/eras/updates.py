"""`get_updates` of Keras 1 and 2: how optimizers stated what they do, as pairs of variables and new values.

A user's optimizer that overrides it is asked once, for symbols of the gradients; each update then computes the graph
that it noted down.
"""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp

from .. import graph, scope
from ..ops import numpy as ops
from ..symbol import Symbol, is_symbol
from ..variable import Variable
from . import border
from .backend_graph import Update, gradients


class PastOptimizer:
    """What optimizers had in Keras 1 and 2."""

    updates: list
    initial_decay: float  # the decay, for the classes of Keras 2 that make a cell of `decay`
    _stated: list[tuple[Symbol, list, list]] | None = None  # of `get_updates`: loss, weights, updates

    def get_gradients(self, loss, params: Sequence) -> list:
        """Symbols of the derivatives of a loss by weights, shortened as `clipnorm` and `clipvalue` say."""
        grads = gradients(loss, list(params))
        if self.clipnorm:
            norm = ops.sqrt(sum(ops.sum(ops.square(g)) for g in grads))
            grads = [ops.where(norm >= self.clipnorm, g * self.clipnorm / norm, g) for g in grads]
        if self.clipvalue:
            grads = [ops.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    @border.method("Optimizer.get_updates")
    def get_updates(self, loss, params: Sequence, constraints: Mapping | None = None) -> list[Update]:
        """The updates of one step, for `K.function`: new values of weights, and of what the optimizer keeps.

        Args:
            loss: a symbol.
            params: weights.
            constraints: dict from a weight to what it is held to, besides its own.
        """
        params = list(params)
        for cell, constraint in dict(constraints or {}).items():
            cell.constraint = constraint
        self.build(params)
        cells = [*params, *self.variables]
        made = [Symbol(cell.shape, cell.dtype) for cell in cells]
        graph.Node(_Step(self, params), tuple(gradients(loss, params)), {}, made)
        self.updates = [Update(*pair) for pair in zip(cells, made, strict=True)]
        return self.updates

    # ---- a user's own ----------------------------------------------------------------------------

    @classmethod
    def states_updates(cls) -> bool:
        """Whether a class has a `get_updates` of its own."""
        return cls.get_updates is not PastOptimizer.get_updates

    def state_updates(self, params: list[Variable]) -> None:
        """Ask `get_updates` for the graph of an update of these weights, and keep the cells that it uses."""
        loss = Symbol((), params[0].dtype, name="loss")
        constraints = {cell: cell.constraint for cell in params if cell.constraint is not None}
        offered = {"params": params, "constraints": constraints, "loss": loss}
        asked = [name for name in border.parameters(type(self).get_updates) if name in offered]
        order = {1: ("params", "constraints", "loss"), 2: ("loss", "params")}
        if {"params", "loss"} <= set(asked):
            stated = self.get_updates(**{name: offered[name] for name in asked})
        else:
            stated = self.get_updates(*(offered[name] for name in order[self._era]))
        updates = [update for update in stated if isinstance(update, tuple)]
        self._stated = [*(self._stated or []), (loss, params, updates)]
        known = {*params, *self._cells}
        own = [cell for cell, _ in updates if cell not in known]
        self._cells += dict.fromkeys(own)

    def carry_out(self, grads: Sequence, variables: Sequence[Variable]) -> None:
        """Compute the new values of all cells from the old ones, and write them."""
        found = dict(zip(variables, grads, strict=True))
        for loss, params, updates in self._stated:
            wanted = [value for _, value in updates if is_symbol(value)]
            values = {}
            for node in graph.ancestors(wanted):
                if node.operation is graph.gradients and node.args[0] is loss:
                    given = {id(cell): found.get(cell) for cell in params}
                    for symbol, point in zip(node.outputs, node.args[1], strict=True):
                        gradient = given[id(point)]
                        values[id(symbol)] = (
                            jnp.zeros(point.shape, point.dtype) if gradient is None else gradient
                        )
            try:
                nodes = graph.order(wanted, known=values)
            except graph.Disconnected as error:
                raise ValueError(
                    f"{type(self).__name__}.get_updates uses more of the loss than its gradients: {error}"
                ) from None
            with scope.entered(values=(values,)):
                graph.replay(nodes, values)
            new = [graph.fill(value, values) for _, value in updates]
            for (cell, _), value in zip(updates, new, strict=True):
                cell.assign(jnp.asarray(value.value if isinstance(value, Variable) else value, cell.dtype))


class _Step:
    """The operation of a built-in optimizer's step, from gradients to new values of weights and state."""

    __name__ = "optimizer_step"
    is_input = False

    def __init__(self, optimizer, params: list[Variable]):
        self.optimizer, self.params = optimizer, params

    def __call__(self, *grads):
        own, found = self.optimizer, dict(zip(self.params, grads, strict=True))
        weights = own._trainable_variables
        values, state = own.update(
            [found.get(cell) for cell in weights],
            [cell.value for cell in weights],
            [cell.value for cell in own.variables],
        )
        new = dict(zip(weights, values, strict=True))
        return [*(new[cell] for cell in self.params), *state]
