"""LossScaleOptimizer: a loss scale that follows the gradients, for float16."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from ..variable import Variable
from .optimizer import Optimizer, choose


class LossScaleOptimizer(Optimizer):
    """An optimizer behind a loss scale, so that small gradients survive float16 (Micikevicius et al. 2017).

    An update whose gradients are not finite is left out and halves the scale; `dynamic_growth_steps` good ones in a
    row double it.

    Args:
        inner_optimizer: what changes the weights; every other setting is its own.
        initial_scale: the first scale.
        dynamic_growth_steps: good updates until the scale is doubled.

    Example:
        >>> LossScaleOptimizer(SGD(0.1), initial_scale=1024.0).scale_loss(0.5)
        512.0
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ):
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Sequence[Variable]) -> None:
        if not self.built:
            self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
            self.dynamic_scale = self.add_variable((), dtype="float32", name="dynamic_scale")
            self.dynamic_scale.assign(self.initial_scale)
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        return [*super().variables, *self.inner_optimizer.variables]

    def _apply(self, pairs: list[tuple[Any, Variable]]) -> None:
        finite = jnp.all(jnp.array([jnp.all(jnp.isfinite(g)) for g, _ in pairs]))
        cells = [*(variable for _, variable in pairs), *self.variables]
        choose(finite, lambda: self._good(pairs), self._bad, cells)

    def _good(self, pairs: list[tuple[Any, Variable]]) -> None:
        scale = self.dynamic_scale.value
        self.inner_optimizer._apply([(g / scale.astype(g.dtype), variable) for g, variable in pairs])
        count = self.step_counter.value + 1
        grown = count == self.dynamic_growth_steps
        self.step_counter.assign(jnp.where(grown, 0, count))
        self.dynamic_scale.assign(jnp.where(grown, 2 * scale, scale))

    def _bad(self) -> None:
        self.step_counter.assign(jnp.zeros((), "int32"))
        self.dynamic_scale.assign(self.dynamic_scale.value / 2)

    @property
    def learning_rate(self):
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self):
        """How many updates the inner optimizer made."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss):
        return loss * (self.dynamic_scale.value if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)
