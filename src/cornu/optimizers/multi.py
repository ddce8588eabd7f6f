"""MultiOptimizer: one optimizer for some weights, another for others."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..base import Configurable
from ..variable import Variable
from .loss_scale import LossScaleOptimizer
from .optimizer import Optimizer


class OptimizerMap(Configurable):
    """Which optimizer a weight belongs to, by regular expressions that its whole path has to match.

    Args:
        default_optimizer: for weights that match none.
        optimizer_map: dict from expressions to optimizers.

    Raises TypeError for what is no optimizer, ValueError for an expression given twice or two that match.

    Example:
        >>> by_path = OptimizerMap(SGD(0.1))
        >>> by_path["embedding/.*"] = Adam(0.01)
        >>> type(by_path["embedding/embeddings"]).__name__
        'Adam'
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None):
        self.default_optimizer, self.optimizer_map = default_optimizer, {}
        for each in (default_optimizer, *(optimizer_map or {}).values()):
            _check(each)
        self.optimizer_map.update(optimizer_map or {})

    def __call__(self, variable: Variable) -> Optimizer:
        return self[variable.path]

    def __getitem__(self, key: str) -> Optimizer:
        if key in self.optimizer_map:
            return self.optimizer_map[key]
        matching = [pattern for pattern in self.optimizer_map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(f"OptimizerMap: {key} matches {' and '.join(map(repr, matching))}")
        return self.optimizer_map[matching[0]] if matching else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if key in self.optimizer_map:
            raise ValueError(f"OptimizerMap: {key!r} has an optimizer already")
        _check(optimizer)
        self.optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self.optimizer_map[key]

    def __len__(self) -> int:
        return len(self.optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self.optimizer_map)

    def __contains__(self, key: str) -> bool:
        return key in self.optimizer_map

    def keys(self):
        return self.optimizer_map.keys()

    def values(self):
        return self.optimizer_map.values()

    def items(self):
        return self.optimizer_map.items()


def _check(optimizer) -> None:
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, LossScaleOptimizer | MultiOptimizer):
        raise TypeError(
            f"expected an optimizer that changes weights itself; got {optimizer!r}. "
            "A LossScaleOptimizer goes around a MultiOptimizer, not into it."
        )


class MultiOptimizer(Optimizer):
    """Several optimizers, each for its own weights; what clips or averages all of them belongs to each.

    Args:
        optimizer_map: an OptimizerMap, or a function from a weight to its optimizer.
        loss_scale_factor: what the loss is multiplied by and gradients are divided by.
    """

    def __init__(
        self,
        optimizer_map: Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ):
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map = optimizer_map
        self._inner: dict[Optimizer, None] = {}
        self._owners: dict[Variable, Optimizer] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for owner in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(owner)

    def _add(self, owner: Optimizer) -> None:
        _check(owner)
        owner.loss_scale_factor = self.loss_scale_factor
        self._inner[owner] = None

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers it is made of."""
        return list(self._inner)

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return super().build(variables)
        for variable in variables:
            owner = self._owners[variable] = self.optimizer_map(variable)
            self._add(owner)
        for owner in self._inner:
            owner.build(self._owned(owner, variables))
        super().build(variables)

    def _owned(self, owner: Optimizer, variables: Sequence[Variable]) -> list[Variable]:
        return [variable for variable in variables if self._owners[variable] is owner]

    @property
    def variables(self) -> list[Variable]:
        return [*super().variables, *(cell for owner in self._inner for cell in owner.variables)]

    def _apply(self, pairs: list[tuple[Any, Variable]]) -> None:
        for owner in self._inner:
            own = [pair for pair in pairs if self._owners[pair[1]] is owner]
            if own:
                owner._apply(own)
        self._iterations.assign_add(1)

    @property
    def learning_rate(self):
        """Each of the optimizers has its own."""
        raise AttributeError(f"{self.name} has no learning rate of its own: see that of each of `optimizers`")

    @learning_rate.setter
    def learning_rate(self, value) -> None:
        raise AttributeError(f"{self.name} has no learning rate of its own: set that of each of `optimizers`")

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        for owner in self._inner:
            owner.finalize_variable_values(self._owned(owner, var_list))
