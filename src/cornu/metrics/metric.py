"""Metric: a few cells with a rule to count a batch in and one to read the result; and the means made so."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .. import config, dtypes, graph, initializers, registry, scope, symbol
from ..base import Configurable
from ..eras import border
from ..eras.past import PastMetric
from ..loss_functions import FUNCTIONS
from ..ops import numpy as ops
from ..ops import wrap
from ..pairs import fits, same_rank, spread
from ..variable import Variable, pure


def _held(values) -> Iterator[Variable]:
    """The cells among values: own ones, those of metrics, and those in lists, tuples and dicts."""
    for value in values:
        if isinstance(value, Variable):
            yield value
        elif isinstance(value, Metric):
            yield from value.variables
        elif isinstance(value, list | tuple):
            yield from _held(value)
        elif isinstance(value, Mapping):
            yield from _held(value.values())


class Metric(PastMetric, Configurable):
    """A number that is gathered over batches: `update_state` counts one in, `result` reads, `reset_state` forgets.

    Args:
        dtype: data type to count in, as a name or policy; the default float type if None.
        name: word for messages and logs; made from the class if None.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest", **kwargs):
        ...         super().__init__(name=name, **kwargs)
        ...         self.value = self.add_variable((), "zeros", name="value")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.value.assign(ops.maximum(self.value, ops.max(y_pred)))
        ...     def result(self):
        ...         return self.value
        >>> float(Largest()([0.0, 1.0], [0.25, 0.5]))
        0.5
    """

    inherited = ("name", "dtype")
    _direction: str | None = None  # "up" or "down": which way is better; None where it cannot be said

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        self._cells = []  # in the order of `add_variable`; first, so that looking finds them in that order
        return self

    def __init__(self, dtype=None, name: str | None = None):
        self.name = name or graph.unique_name(border.snake(type(self).__name__))
        self.dtype = dtypes.get_policy(dtype or config.floatx()).compute_dtype

    def add_variable(
        self,
        shape: Sequence[int],
        initializer=None,
        dtype=None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A cell of the metric's state.

        Args:
            shape: tuple of ints.
            initializer: name or callable `(shape, dtype)`; zeros if None.
            dtype: of the cell; the default float type if None.
            aggregation: how replicas would be joined ('sum', 'mean'...).
            name: word for messages.
        """
        if scope.call.room is not None:
            scope.call.room.take(shape, name)
        cell = Variable(
            initializers.get("zeros" if initializer is None else initializer),
            tuple(shape),
            dtype,
            trainable=False,
            autocast=False,
            aggregation=aggregation,
            name=name,
        )
        cell.path = f"{self.name}/{cell.name}"
        self._cells.append(cell)
        return cell

    def add_weight(self, shape: Sequence[int] = (), initializer=None, dtype=None, name: str | None = None):
        """A cell of the metric's state, as `add_variable` makes it."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The state: cells in attributes, lists and dicts, and those of metrics held there."""
        return list(dict.fromkeys(_held(vars(self).values())))

    # ---- what a subclass writes ----------------------------------------------------------------

    def build(self, y_true_shape: Sequence, y_pred_shape: Sequence) -> None:
        """Make the cells that depend on shapes, batch included; a compiled step needs it before the first update."""

    def update_state(self, *args, **kwargs) -> None:
        """Count a batch in."""
        raise NotImplementedError(f"{type(self).__name__} needs an `update_state` method")

    def result(self):
        """What was gathered so far: a scalar, an array, or a dict of them."""
        raise NotImplementedError(f"{type(self).__name__} needs a `result` method")

    def reset_state(self) -> None:
        """Begin anew: zeros in all cells."""
        self.reset_states()

    # ---- use -----------------------------------------------------------------------------------

    def __call__(self, *args, **kwargs):
        """Count a batch in and read the result; of symbols that is noted down."""
        if symbol.has_symbols((args, kwargs)):
            given = graph.arrays_for((args, kwargs))
            if given is None:
                return wrap.record(self, args, kwargs)
            args, kwargs = given
        if self._counts((args, kwargs)):
            self.update_state(*args, **kwargs)
        return self.result()

    def _pure(self, method: Callable, values: Sequence) -> Callable:
        if len(values) != len(self.variables):
            raise ValueError(
                f"{self.name} has {len(self.variables)} variables; got {len(values)} values for them"
            )
        return pure(method, self.variables)

    def stateless_update_state(self, metric_variables: Sequence, *args, **kwargs) -> list:
        """The values of `variables` after a batch was counted in; the cells stay as they are."""
        return self._pure(self.update_state, metric_variables)(metric_variables, *args, **kwargs)[1]

    def stateless_result(self, metric_variables: Sequence):
        """The result for these values of `variables`."""
        return self._pure(self.result, metric_variables)(metric_variables)[0]

    def stateless_reset_state(self) -> list:
        """The values of `variables` to begin with."""
        values = [cell.value for cell in self.variables]
        return self._pure(self.reset_state, values)(values)[1]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


# ---- means and sums ----------------------------------------------------------------------------


def _masked(weights, mask, dtype: str):
    """Weights with zeros where the mask says so, in the higher rank of the two."""
    weights, mask = ops.cast(weights, dtype), ops.cast(mask, dtype)
    if weights.ndim > mask.ndim:
        return weights * spread(mask, weights, "the mask")
    return spread(weights, mask) * mask


def _weighed(values, weights, reduce: Callable, dtype: str) -> tuple:
    """Weighted values, one a sample, and the weights that count (None: each counts 1)."""
    mask = scope.mask_of(values)
    values = ops.cast(values, dtype)
    if weights is not None:
        weights = ops.cast(weights, dtype) if mask is None else _masked(weights, mask, dtype)
        values, weights = same_rank(values, weights)
        if values.ndim > weights.ndim:
            values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
        if not fits(weights.shape, values.shape, broadcast=True):
            raise ValueError(
                f"sample_weight of shape {weights.shape} does not fit values of shape {values.shape}"
            )
        weights = ops.broadcast_to(weights, values.shape)
        values = values * weights
        weights = reduce(weights, axis=tuple(range(1, weights.ndim)))
    return reduce(values, axis=tuple(range(1, values.ndim))), weights


class Sum(Metric):
    """`sum(values * sample_weight)`.

    Args:
        name, dtype: as in `Metric`.

    Example:
        >>> float(Sum()([1, 3], sample_weight=[1, 0.5]))
        2.5
    """

    def __init__(self, name: str | None = "sum", dtype=None):
        super().__init__(dtype=dtype, name=name)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")

    def update_state(self, values, sample_weight=None) -> None:
        values, _ = _weighed(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self):
        return self.total.value


class Mean(Metric):
    """`sum(values * sample_weight) / sum(sample_weight)`, 0 before the first batch.

    Args:
        name, dtype: as in `Metric`.

    Example:
        >>> float(Mean()([1, 3], sample_weight=[3, 1]))
        1.5
    """

    def __init__(self, name: str | None = "mean", dtype=None):
        super().__init__(dtype=dtype, name=name)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")
        self.count = self.add_variable((), "zeros", self.dtype, name="count")

    def update_state(self, values, sample_weight=None) -> None:
        values, weights = _weighed(values, sample_weight, ops.mean, self.dtype)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(values.size if weights is None else ops.sum(weights))

    def result(self):
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of what a function `(y_true, y_pred, **options)` gives for each sample.

    A mask that travels with `y_pred` counts as weights (not in era 1, which had none here). A function that gives one
    number for the batch counts once a batch; before era 3 as often as the batch has samples.

    Args:
        fn: the function, or its name.
        name, dtype: as in `Metric`.
        **options: handed to the function at every update; attributes of the metric.

    Example:
        >>> wrapper = MeanMetricWrapper(lambda y_true, y_pred: abs(y_true - y_pred), name="distance")
        >>> float(wrapper(np.array([1.0, 2.0]), np.array([1.0, 5.0])))
        1.5
    """

    common = ("name", "dtype")
    takes_any = True  # options are the function's business

    def __init__(self, fn: "Callable | str", name: str | None = None, dtype=None, **options):
        super().__init__(name, dtype)
        self.fn = registry.get("metric functions", fn)
        self.options = tuple(options)
        vars(self).update(options)
        if self._per_sample in FUNCTIONS.values() or hasattr(fn, "unreduced"):
            self._direction = "down"

    @property
    def _per_sample(self) -> Callable:
        return getattr(self.fn, "by_sample", self.fn)

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        mask = scope.mask_of(y_pred) if self._era > 1 else None
        values = self._per_sample(y_true, y_pred, **{name: getattr(self, name) for name in self.options})
        if self._era < 3 and not ops.shape(values):
            values = ops.broadcast_to(values, ops.shape(y_pred)[:1])
        if mask is not None:
            sample_weight = _masked(1 if sample_weight is None else sample_weight, mask, self.dtype)
        super().update_state(values, sample_weight)


# ---- names -------------------------------------------------------------------------------------


def by_era(fn: Callable, module: str | None = None) -> Callable:
    """Decorator of metric functions: one value a sample, but in era 1 the number that is their mean.

    `module` is where the result lives, if not where the function does.
    """

    @functools.wraps(fn)
    def metric(y_true, y_pred, *args, **kwargs):
        values = fn(y_true, y_pred, *args, **kwargs)
        return ops.mean(values) if config.era() == 1 else values

    metric.by_sample, metric.__module__ = fn, module or fn.__module__
    return metric


def register(*classes: type[Metric]) -> None:
    """Let classes be known by their names, in snake case too."""
    registry.family("metrics", {cls.__name__: cls for cls in classes})
    registry.family("metrics", {border.snake(cls.__name__): cls for cls in classes})


register(Metric, Mean, Sum, MeanMetricWrapper)


def get(identifier, custom_objects: Mapping[str, Any] | None = None) -> "Callable | Metric | None":
    """A metric from its name, configuration, class or function; None stays None.

    A name means a class where there is one; in era 1 'precision' and 'recall' are that era's functions.
    Raises UnknownName (a ValueError) for a name that is none, and TypeError for what cannot be a metric.

    Example:
        >>> get("mse")
        <MeanSquaredError mean_squared_error>
        >>> get({"class_name": "AUC", "config": {"curve": "PR"}}).curve
        'PR'
    """
    return registry.get("metrics", identifier, custom_objects)


def serialize(metric) -> "dict | str":
    """A metric as plain data."""
    return registry.serialize(metric)


def deserialize(config, custom_objects: Mapping[str, Any] | None = None) -> "Callable | Metric | None":
    """The metric that a name or a configuration describes."""
    return get(config, custom_objects)
