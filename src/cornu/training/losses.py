"""What `compile` was given, matched to a model's outputs: losses with their weights, and metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import config, graph, losses, registry, scope, symbol
from ..eras.layer_metrics import LayerMetric
from ..layers.layer import Layer
from ..metrics import pointwise
from ..metrics.metric import MeanMetricWrapper, Metric
from .data import leaves

SPARSE = "sparse_categorical_crossentropy"
BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")  # metrics that shapes and losses decide
FREE_SHAPES = (SPARSE, "ctc", "ctc_batch_cost")  # targets are not shaped like predictions


def name_of(fn) -> str:
    """The name of a loss: of its function, or of its class in snake case."""
    fn = getattr(fn, "fn", fn)
    return getattr(fn, "__name__", None) or getattr(fn, "name", None) or type(fn).__name__


def per_output(given, names: Sequence[str], what: str, repeat: bool = False) -> list:
    """What `compile` was given for each output: one for all, a list in order, or a dict by name.

    Raises ValueError for a wrong number and for names that are no outputs.
    """
    count = len(names)
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                raise ValueError(
                    f"{what}: {name!r} is no output of the model.{registry.nearest(name, names)}"
                )
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        nested = any(isinstance(each, list | tuple) for each in given)
        if repeat and not (nested and len(given) == count) and (count == 1 or not nested):
            return [list(given)] * count
        if len(given) != count:
            raise ValueError(
                f"{what} has {len(given)} entries, the model has {count} outputs: {', '.join(names)}"
            )
        return list(given)
    return [given] * count


def weighted(values, weights, mask, era: int):
    """The mean of a loss's values, as the era weighs samples and masked steps.

    Era 1: `l' = l m / mean(m)`, averaged over the axes that the weights lack, then `sum(w l') / #{w != 0}`.
    Era 2: `sum(w m l) / N`. Era 3: `sum(w m l) / #m`. (Keras 1.2.2, 2.3.1, 3.)
    """
    dtype = values.dtype
    if era == 1:
        if mask is not None:
            mask = _fit(mask.astype(dtype), values)
            values = values * mask / jnp.mean(mask)
        if weights is None:
            return jnp.mean(values)
        weights = jnp.asarray(weights, dtype)
        values = jnp.mean(values, axis=tuple(range(weights.ndim, values.ndim)))
        return jnp.mean(values * weights / jnp.mean((weights != 0).astype(dtype)))
    count = values.size
    if weights is not None:
        values = values * _fit(jnp.asarray(weights, dtype), values)
    if mask is not None:
        mask = _fit(mask.astype(dtype), values)
        values, count = values * mask, jnp.sum(jnp.broadcast_to(mask, values.shape)) if era == 3 else count
    return jnp.sum(values) / jnp.maximum(count, 1e-7)


def _fit(weights, values):
    """Weights with the axes they lack, or without a last axis of 1 that is too many."""
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))


def match_rank(y_true, y_pred):
    """Targets `(batch,)` for outputs `(batch, 1)` as `(batch, 1)`, and the other way round."""
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        return y_true[..., None]
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        return y_true[..., 0]
    return y_true


class CompiledLoss:
    """The losses of a model's outputs and what each counts.

    Args:
        loss: name, function, `Loss`, or a list or dict of them by output; None where an output has none.
        loss_weights: a number an output, as list or dict; 1 if not given.
        names: names of the outputs.
    """

    def __init__(self, loss, loss_weights, names: Sequence[str]):
        self.names, self.era = list(names), config.era()
        self.fns = [losses.get(each) for each in per_output(loss, self.names, "loss")]
        if all(fn is None for fn in self.fns) and loss is not None:
            raise ValueError("compile: every output's loss is None")
        weights = per_output(loss_weights, self.names, "loss_weights") if loss_weights is not None else []
        self.weights = [
            1.0 if weight is None else float(weight) for weight in weights or [1.0] * len(self.fns)
        ]

    @property
    def asked(self) -> list[bool]:
        """Which outputs have a loss: targets may be given for just these."""
        return [fn is not None for fn in self.fns]

    def one(self, index: int, y_true, y_pred, sample_weight):
        """The loss of one output, before `loss_weights`."""
        fn = self.fns[index]
        mask = scope.mask_of(y_pred)
        y_true = jnp.asarray(y_true)
        if isinstance(fn, losses.Loss):
            if self.era == 3 or fn.reduction != "sum_over_batch_size":
                return fn(y_true, y_pred, sample_weight)
        values = graph.find(losses.unreduced(fn)(match_rank(y_true, y_pred), y_pred))
        own = scope.mask_of(values)  # of what the loss itself leaves out
        if own is not None:
            mask = own if mask is None else jnp.logical_and(mask, own)
        return weighted(jnp.asarray(values), sample_weight, mask, self.era)

    def __call__(self, y_true, y_pred, sample_weight=None) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The weighted sum, and each output's own loss by name."""
        predictions = leaves(y_pred)
        targets = aligned(y_true, y_pred, self.names, "targets", asked=self.asked)
        weights = aligned(sample_weight, y_pred, self.names, "sample_weight", repeat=True, asked=self.asked)
        parts = {}
        total = jnp.zeros(())
        for i, (name, target, prediction) in enumerate(zip(self.names, targets, predictions, strict=True)):
            if self.fns[i] is not None:
                parts[name] = self.one(i, target, prediction, weights[i])
                total = total + self.weights[i] * parts[name]
        return total, parts

    def check(self, y_true, y_pred) -> None:
        """Compare targets (arrays) with outputs (symbols): shapes and labels; ValueError says what is wrong."""
        targets = aligned(y_true, y_pred, self.names, "targets", asked=self.asked)
        for name, fn, target, output in zip(self.names, self.fns, targets, leaves(y_pred), strict=True):
            if fn is None:
                continue
            if target is None:
                raise ValueError(f"There are no targets for output {name!r}, whose loss is {name_of(fn)}")
            check_target(name, name_of(fn), target, output)


def check_target(name: str, loss: str, target, output) -> None:
    """ValueError where a target cannot belong to an output under a loss."""
    known = loss in registry.FAMILIES["losses"]
    shape, expected = tuple(target.shape), tuple(output.shape)
    if loss == SPARSE:
        kept = shape[:-1] if len(shape) == len(expected) and shape[-1] == 1 else shape
        if len(kept) != len(expected) - 1:
            raise ValueError(
                f"Output {name!r} has shape {expected}, so {SPARSE} expects integer labels of shape "
                f"{expected[:-1]}; got {shape}."
                + (" For one-hot targets use categorical_crossentropy." if shape[1:] == expected[1:] else "")
            )
        values, classes = np.asarray(target), expected[-1]
        if classes and values.size and (values.min() < 0 or values.max() >= classes):
            raise ValueError(
                f"Output {name!r} has {classes} classes, so labels run from 0 to {classes - 1}; "
                f"the targets hold {values.min()} to {values.max()}."
            )
        return
    if not known or loss in FREE_SHAPES:
        return
    if config.era() < 3 and loss == "categorical_crossentropy" and shape[-1:] == (1,):
        raise ValueError(
            f"You are passing a target array of shape {shape} for output {name!r}, but {loss} expects a column for "
            f"each class. For integer labels use {SPARSE}, or make them one-hot with utils.to_categorical."
        )
    if len(shape) == len(expected) - 1 and expected[-1] == 1:
        shape = (*shape, 1)
    if len(shape) == len(expected) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    wrong = len(shape) != len(expected) or any(
        a is not None and b is not None and a != b for a, b in zip(shape[1:], expected[1:], strict=True)
    )
    if wrong:
        integer = np.issubdtype(np.asarray(target[:1]).dtype, np.integer)
        hint = ""
        if (
            loss == "categorical_crossentropy"
            and (len(shape) < len(expected) or shape[-1:] == (1,))
            and integer
        ):
            hint = f" For integer labels use {SPARSE}, or make them one-hot with utils.to_categorical."
        raise ValueError(
            f"Output {name!r} has shape {expected}, its targets have shape {tuple(target.shape)}: "
            f"{loss} compares the two element by element, and needs targets to have the same shape.{hint}"
        )


def aligned(
    tree, y_pred, names: Sequence[str], what: str, repeat: bool = False, asked: Sequence[bool] = ()
) -> list:
    """Targets or weights in the order of the outputs; None where there are none.

    As many as there are True in `asked` are those of just these outputs.
    """
    count = len(names)
    if tree is None:
        return [None] * count
    if isinstance(tree, Mapping) and not isinstance(y_pred, Mapping):
        return per_output(tree, names, what)
    if isinstance(tree, Mapping) and isinstance(y_pred, Mapping):
        return [tree.get(name) for name in sorted(y_pred)] if len(y_pred) == count else leaves(tree)
    flat = leaves(tree)
    if repeat and len(flat) == 1:
        return flat * count
    if len(flat) == sum(asked) < count:
        found = iter(flat)
        return [next(found) if each else None for each in asked]
    if len(flat) != count:
        raise ValueError(f"{what}: {len(flat)} arrays for {count} outputs ({', '.join(names)})")
    return flat


class CompiledMetrics:
    """The metrics of a model's outputs, made once targets and outputs have shapes.

    Args:
        given: what `compile` got as `metrics`, and as `weighted_metrics`.
        loss: the CompiledLoss, whose losses decide what 'accuracy' means in eras 1 and 2.
        names: names of the outputs.
    """

    def __init__(self, given: Sequence[tuple[Any, bool]], loss: CompiledLoss | None, names: Sequence[str]):
        self.given, self.loss, self.names, self.era = given, loss, list(names), config.era()
        self.entries: list[tuple[int, Metric, bool]] = []
        self._owners: dict[
            int, tuple[int, str]
        ] = {}  # of a metric given: the first output that it counts, its name
        for each, _ in given:
            per_output(each, self.names, "metrics", repeat=True)

    def build(self, y_true, y_pred) -> None:
        """Make the metric objects for targets and outputs of these shapes."""
        targets = aligned(y_true, y_pred, self.names, "targets", asked=self._asked)
        outputs = leaves(y_pred)
        self.entries = []
        for given, is_weighted in self.given:
            for index, wanted in enumerate(per_output(given, self.names, "metrics", repeat=True)):
                for each in wanted if isinstance(wanted, list | tuple) else [wanted]:
                    if each is None or targets[index] is None:
                        continue
                    shapes = targets[index].shape, outputs[index].shape
                    for metric in self._named(each, index, *shapes) or [self._make(each, index, *shapes)]:
                        metric.build(*shapes)
                        if is_weighted and metric.name in (other.name for other in self.metrics):
                            metric.name = f"weighted_{metric.name}"
                        self.entries.append((index, metric, is_weighted))

    def _named(self, given, index: int, target: tuple, output: tuple) -> list[Metric]:
        """In era 1, a metric for each name in the dict that a function of the user returns, if it returns one."""
        if self.era > 1 or isinstance(given, str | Metric) or not callable(given):
            return []
        try:
            made = symbol.infer(given, symbol.Symbol(target), symbol.Symbol((target[0], *output[1:])))
        except (TypeError, ValueError):
            return []  # its own error comes where it is used
        prefix = f"{self.names[index]}_" if len(self.names) > 1 else ""
        pick = lambda name: lambda y_true, y_pred: given(y_true, y_pred)[name]  # noqa: E731
        return (
            [MeanMetricWrapper(pick(name), name=prefix + name) for name in made]
            if isinstance(made, dict)
            else []
        )

    def _make(self, given, index: int, target: tuple, output: tuple) -> Metric:
        prefix = f"{self.names[index]}_" if len(self.names) > 1 else ""
        if isinstance(given, Metric):
            base = given.name.removeprefix(prefix)
            first, base = self._owners.setdefault(id(given), (index, base))
            if first != index:  # each output counts by itself
                given = type(given).from_config({**given.get_config(), "name": base})
            if prefix and not given.name.startswith(prefix):
                given.name = prefix + given.name
            return given
        fn = self.loss.fns[index] if self.loss else None
        if isinstance(given, str) and given in BY_SHAPE:
            choose = pointwise.crossentropy_for if given in ("crossentropy", "ce") else pointwise.accuracy_for
            chosen = choose(target, output, name_of(fn) if fn else None, self.era)
            name = "acc" if self.era == 1 and given == "accuracy" else given
            return MeanMetricWrapper(chosen, name=prefix + name)
        found = registry.get("metrics", given)
        name = given if isinstance(given, str) and self.era > 1 else name_of(found)
        if isinstance(found, Metric):
            if isinstance(given, str):
                found.name = name
            found.name = prefix + found.name
            return found
        if isinstance(found, Layer) and found.stateful:
            return LayerMetric(found, name=prefix + found.name)
        return MeanMetricWrapper(found, name=prefix + name)

    @property
    def _asked(self) -> list[bool]:
        return self.loss.asked if self.loss else []

    @property
    def metrics(self) -> list[Metric]:
        return [metric for _, metric, _ in self.entries]

    def update(self, y_true, y_pred, sample_weight=None) -> None:
        """Count one batch in."""
        targets = aligned(y_true, y_pred, self.names, "targets", asked=self._asked)
        weights = aligned(sample_weight, y_pred, self.names, "sample_weight", repeat=True, asked=self._asked)
        outputs = leaves(y_pred)
        for index, metric, is_weighted in self.entries:
            y, p = targets[index], outputs[index]
            metric.update_state(
                match_rank(jnp.asarray(y), p), p, sample_weight=weights[index] if is_weighted else None
            )
