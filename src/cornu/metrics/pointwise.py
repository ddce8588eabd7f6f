"""Metrics that are the mean of a function of each sample: accuracies, errors, correlations; functions and classes."""

from collections.abc import Callable, Sequence

from .. import config, registry
from ..loss_functions import FUNCTIONS as LOSSES
from ..losses import class_of
from ..ops import numpy as ops
from ..pairs import elementwise, floats, labels_for
from .metric import Mean, MeanMetricWrapper, by_era, register

# ---- accuracies --------------------------------------------------------------------------------


def _hits(condition):
    return ops.cast(condition, config.floatx())


@by_era
@elementwise(broadcast=False)
def accuracy(y_true, y_pred):
    """1 where `y_true == y_pred`, else 0.

    Example:
        >>> accuracy([1, 2], [1, 3]).tolist()
        [1.0, 0.0]
    """
    return _hits(y_true == y_pred)


@by_era
@elementwise(broadcast=False)
def binary_accuracy(y_true, y_pred, threshold: float = 0.5):
    """1 where `y_true == (y_pred > threshold)`, else 0; in eras 1 and 2 the mean of `y_true == round(y_pred)`.

    That mean was over the last axis in era 2, as the means of errors are, and over all in era 1.

    Args:
        threshold: above it a prediction stands for class 1.

    Example:
        >>> binary_accuracy([1, 0], [0.7, 0.6]).tolist()
        [1.0, 0.0]
    """
    rounded = config.era() < 3 and threshold == 0.5
    hits = _hits(y_true == (ops.round(y_pred) if rounded else ops.cast(y_pred > threshold, y_true.dtype)))
    return ops.mean(hits, axis=-1) if config.era() == 2 else hits


@by_era
@elementwise(broadcast=False)
def categorical_accuracy(y_true, y_pred):
    """1 where the largest of `y_pred` is at the place of the largest of `y_true` (one-hot), else 0.

    Example:
        >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]]).tolist()
        [1.0, 0.0]
    """
    return _hits(ops.argmax(y_true, axis=-1) == ops.argmax(y_pred, axis=-1))


@by_era
def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the largest of `y_pred` is at `y_true` (an integer label), else 0.

    Example:
        >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.3, 0.7]]).tolist()
        [1.0, 0.0]
    """
    y_pred = floats(y_pred)
    return _hits(labels_for("sparse_categorical_accuracy", y_true, y_pred) == ops.argmax(y_pred, axis=-1))


def _among_largest(labels, y_pred, k: int):
    own = ops.take_along_axis(y_pred, ops.expand_dims(labels, -1), axis=-1)
    own = ops.where(ops.isnan(own), -float("inf"), own)
    return _hits(ops.sum(y_pred > own, axis=-1) < k)


@by_era
@elementwise(broadcast=False)
def top_k_categorical_accuracy(y_true, y_pred, k: int = 5):
    """1 where fewer than `k` of `y_pred` are larger than the one at the largest of `y_true` (one-hot), else 0.

    Args:
        k: how many guesses there are.

    Example:
        >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.2, 0.3]], k=2).tolist()
        [1.0]
    """
    return _among_largest(ops.argmax(y_true, axis=-1), y_pred, k)


@by_era
def sparse_top_k_categorical_accuracy(y_true, y_pred, k: int = 5, from_sorted_ids: bool = False):
    """1 where fewer than `k` of `y_pred` are larger than the one at `y_true` (an integer label), else 0.

    Args:
        k: how many guesses there are.
        from_sorted_ids: whether `y_pred` holds labels, the best guess first, and no scores.

    Example:
        >>> sparse_top_k_categorical_accuracy([2], [[0.5, 0.2, 0.3]], k=2).tolist()
        [1.0]
    """
    y_pred = floats(y_pred)
    labels = labels_for("sparse_top_k_categorical_accuracy", y_true, y_pred)
    if from_sorted_ids:
        return _hits(ops.any(y_pred[..., :k] == ops.expand_dims(labels, -1), axis=-1))
    return _among_largest(labels, y_pred, k)


# ---- what 'accuracy' and 'crossentropy' mean ---------------------------------------------------


def _targets(y_true_shape: Sequence, y_pred_shape: Sequence, loss: str | None, era: int) -> str:
    """Whether targets are 'binary', 'sparse' or 'categorical': the loss decides before era 3, then shapes alone."""
    binary, sparse = loss == "binary_crossentropy", loss == "sparse_categorical_crossentropy"
    if era == 3:
        last, classes = y_true_shape[-1:], y_pred_shape[-1:]
        binary = False
        sparse = len(y_true_shape) < len(y_pred_shape) or (tuple(last) == (1,) and tuple(classes) != (1,))
    if binary or tuple(y_pred_shape[-1:]) == (1,):
        return "binary"
    return "sparse" if sparse else "categorical"


ACCURACIES = {
    "binary": binary_accuracy,
    "sparse": sparse_categorical_accuracy,
    "categorical": categorical_accuracy,
}
CROSSENTROPIES = {
    "binary": "binary_crossentropy",
    "sparse": "sparse_categorical_crossentropy",
    "categorical": "categorical_crossentropy",
}


def accuracy_for(y_true_shape: Sequence, y_pred_shape: Sequence, loss_name: str | None, era: int) -> Callable:
    """The function that 'accuracy' means for targets and outputs of these shapes.

    Args:
        y_true_shape, y_pred_shape: shapes, batch included.
        loss_name: name of the loss function, which decides in eras 1 and 2; None if there is no loss.
        era: 1, 2 or 3.

    Example:
        >>> accuracy_for((None, 3), (None, 3), "binary_crossentropy", era=2).__name__
        'binary_accuracy'
        >>> accuracy_for((None, 3), (None, 3), "binary_crossentropy", era=3).__name__
        'categorical_accuracy'
    """
    return ACCURACIES[_targets(y_true_shape, y_pred_shape, loss_name, era)]


def crossentropy_for(
    y_true_shape: Sequence, y_pred_shape: Sequence, loss_name: str | None, era: int
) -> Callable:
    """The function that 'crossentropy' means; arguments as in `accuracy_for`."""
    return LOSSES[CROSSENTROPIES[_targets(y_true_shape, y_pred_shape, loss_name, era)]]


# ---- likeness ----------------------------------------------------------------------------------


@by_era
def cosine_similarity(y_true, y_pred, axis: int = -1):
    """`sum(y_true / |y_true| * y_pred / |y_pred|)`: 1 for the same direction, -1 for the opposite one.

    Args:
        axis: the axis of a vector's components.
    """
    return -LOSSES["cosine_similarity"](y_true, y_pred, axis)


@by_era
def cosine_proximity(y_true, y_pred):
    """In era 1 `-mean(y_true / |y_true| * y_pred / |y_pred|)`, the loss; from era 2 on `sum`, the likeness itself."""
    loss = LOSSES["cosine_proximity"](y_true, y_pred)
    return loss if config.era() == 1 else -loss


@by_era
@elementwise
def pearson_correlation(y_true, y_pred, axis: int = -1):
    """`covariance(y_true, y_pred) / (std(y_true) * std(y_pred))`, between -1 and 1.

    Args:
        axis: the axis of the observations.

    Example:
        >>> pearson_correlation([[1, 2, 3]], [[2, 4, 6]]).round(4).tolist()
        [1.0]
    """
    y_true, y_pred = (y - ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    y_true, y_pred = (y / ops.std(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    return ops.mean(y_true * y_pred, axis=axis)


@by_era
@elementwise
def concordance_correlation(y_true, y_pred, axis: int = -1):
    """`2 * covariance / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred)) ** 2)` (Lin 1989).

    Args:
        axis: the axis of the observations.

    Example:
        >>> concordance_correlation([[1, 2, 3]], [[1, 2, 3]]).round(4).tolist()
        [1.0]
    """
    means = [ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    covariance = ops.mean((y_true - means[0]) * (y_pred - means[1]), axis=axis)
    spreads = ops.var(y_true, axis=axis) + ops.var(y_pred, axis=axis)
    bias = ops.square(ops.squeeze(means[0] - means[1], axis))
    return 2 * covariance / (spreads + bias + config.epsilon())


# ---- classes -----------------------------------------------------------------------------------


class RootMeanSquaredError(Mean):
    """`sqrt(mean((y_true - y_pred) ** 2))` over all that was counted in.

    Args:
        name, dtype: as in `Metric`.

    Example:
        >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[2.0], [2.0]]))
        2.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        super().update_state(_squared_error(y_true, y_pred), sample_weight)

    def result(self):
        return ops.sqrt(super().result())


@elementwise
def _squared_error(y_true, y_pred):
    return ops.square(y_true - y_pred)


# which way is better -> class -> function, order of the constructor's arguments, name where it is another
TABLE = {
    "up": {
        "Accuracy": (accuracy, ""),
        "BinaryAccuracy": (binary_accuracy, "name dtype threshold"),
        "CategoricalAccuracy": (categorical_accuracy, ""),
        "ConcordanceCorrelation": (concordance_correlation, "name dtype axis"),
        "CosineSimilarity": (cosine_similarity, "name dtype axis"),
        "PearsonCorrelation": (pearson_correlation, "name dtype axis"),
        "SparseCategoricalAccuracy": (sparse_categorical_accuracy, ""),
        "SparseTopKCategoricalAccuracy": (
            sparse_top_k_categorical_accuracy,
            "k name dtype from_sorted_ids",
        ),
        "TopKCategoricalAccuracy": (top_k_categorical_accuracy, "k name dtype"),
    },
    "down": {
        "BinaryCrossentropy": ("binary_crossentropy", "name dtype from_logits label_smoothing"),
        "CategoricalCrossentropy": (
            "categorical_crossentropy",
            "name dtype from_logits label_smoothing axis",
        ),
        "CategoricalHinge": ("categorical_hinge", ""),
        "Hinge": ("hinge", ""),
        "KLDivergence": ("kl_divergence", ""),
        "LogCoshError": ("log_cosh", "", "logcosh"),
        "MeanAbsoluteError": ("mean_absolute_error", ""),
        "MeanAbsolutePercentageError": ("mean_absolute_percentage_error", ""),
        "MeanSquaredError": ("mean_squared_error", ""),
        "MeanSquaredLogarithmicError": ("mean_squared_logarithmic_error", ""),
        "Poisson": ("poisson", ""),
        "SparseCategoricalCrossentropy": (
            "sparse_categorical_crossentropy",
            "name dtype from_logits ignore_class axis",
        ),
        "SquaredHinge": ("squared_hinge", ""),
    },
}


def _made(
    name: str, direction: str, fn: "Callable | str", order: str, *shown: str
) -> type[MeanMetricWrapper]:
    fn = LOSSES.get(fn, fn)
    other = {"name": shown[0]} if shown else {}
    return class_of(fn, name, MeanMetricWrapper, order, __name__, _direction=direction, **other)


CLASSES = {
    name: _made(name, direction, *row) for direction, rows in TABLE.items() for name, row in rows.items()
}
globals().update(CLASSES)
register(RootMeanSquaredError, *CLASSES.values())

# the losses that `keras.metrics` shows as functions too
SHARED = (
    "binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy "
    "categorical_hinge hinge huber kl_divergence log_cosh mean_absolute_error mean_absolute_percentage_error "
    "mean_squared_error mean_squared_logarithmic_error poisson sparse_categorical_crossentropy squared_hinge"
).split()
OWN = (
    "accuracy binary_accuracy categorical_accuracy concordance_correlation cosine_proximity cosine_similarity "
    "pearson_correlation sparse_categorical_accuracy sparse_top_k_categorical_accuracy top_k_categorical_accuracy"
).split()
globals().update({name: by_era(LOSSES[name], __name__) for name in SHARED})
FUNCTIONS = {name: globals()[name] for name in [*SHARED, *OWN]}
registry.family("metric functions", FUNCTIONS)
without_class = FUNCTIONS.keys() - registry.FAMILIES["metrics"].keys()
registry.family("metrics", {name: FUNCTIONS[name] for name in without_class} | {"cosine": cosine_proximity})

__all__ = sorted(
    {*FUNCTIONS, *CLASSES, "MeanMetricWrapper", "RootMeanSquaredError"} - {"accuracy", "cosine_similarity"}
)
