"""Metrics that were layers, in Keras 2.1 and 2.2: called on targets and predictions, counting in cells of their own."""

from collections.abc import Iterator

from .. import scope
from ..layers.layer import Layer
from ..metrics.metric import Metric
from ..ops import numpy as ops
from ..variable import Variable

__all__ = ["LayerMetric"]


def _cells(layer: Layer) -> Iterator[Variable]:
    for _, cell in layer.held(Variable):
        yield cell
    for _, inner in layer.held(Layer):
        yield from _cells(inner)


class LayerMetric(Metric):
    """What a layer with `stateful = True` gave for the last batch, having counted in all since `reset_states`.

    Args:
        layer: the layer, which takes `(y_true, y_pred)` and has its `updates` by `add_update`.
        name: word for logs; the layer's if None.

    Example:
        >>> class Batches(Layer):
        ...     stateful = True
        ...     def __init__(self):
        ...         super().__init__(name="batches")
        ...         self.count = Variable(0.0, trainable=False)
        ...     def reset_states(self):
        ...         self.count.assign(0.0)
        ...     def call(self, y_true, y_pred):
        ...         self.add_update((self.count, self.count.value + 1))
        ...         return self.count.value
        >>> float(LayerMetric(Batches())(1.0, 1.0))
        1.0
    """

    def __init__(self, layer: Layer, name: str | None = None):
        super().__init__(name=name or layer.name)
        self.layer, self.last = layer, self.add_variable((), name="last")

    @property
    def variables(self) -> list[Variable]:
        return list(dict.fromkeys([*super().variables, *_cells(self.layer)]))

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        with scope.entered(training=True, depth=scope.call.depth + 1):  # its updates hold in tests as well
            self.last.assign(ops.mean(ops.cast(self.layer(y_true, y_pred), self.last.dtype)))

    def result(self):
        return self.last.value

    def reset_state(self) -> None:
        self.layer.reset_states()
        self.last.assign(0.0)
