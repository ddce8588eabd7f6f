"""Metrics of yes and no: counts of right and wrong predictions at thresholds, and what follows from them."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from .. import config, scope
from ..dtypes import as_array
from ..ops import numpy as ops
from ..pairs import fits, same_rank, spread
from .metric import Metric, register

LOW = -1e10  # the score of what is not among the best `top_k`
KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
RATIOS = {  # each is the first divided by the sum of both
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
}


def ratio(part, rest):
    """`part / (part + rest)`, 0 where there is nothing."""
    return ops.divide_no_nan(part, part + rest)


def count(
    y_true, y_pred, thresholds: Sequence[float], weights=None, by_label: bool = False
) -> dict[str, jax.Array]:
    """Weights of true and false positives and negatives at each threshold, by the names in KINDS.

    Args:
        y_true: labels, 0 is no and all else is yes.
        y_pred: scores of the same shape; yes where they are above the threshold.
        thresholds: T numbers.
        weights: of the same shape, or broadcasting to it.
        by_label: whether the last axis is kept: counts are `(T, labels)`, else `(T,)`.

    Example:
        >>> count(np.array([0, 1]), np.array([0.3, 0.8]), [0.5, 0.9])["true_positives"].tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = as_array(y_true), as_array(y_pred)
    labels = y_pred.shape[-1] if by_label else 1
    weights = jnp.broadcast_to(jnp.asarray(1.0 if weights is None else weights, y_pred.dtype), y_pred.shape)
    yes, y_pred, weights = (x.reshape(-1, labels) for x in (y_true != 0, y_pred, weights))
    thresholds = np.asarray(thresholds, y_pred.dtype)
    order = np.argsort(thresholds)
    back = np.argsort(order)
    bins = jnp.searchsorted(thresholds[order], y_pred, side="left")  # how many thresholds a score exceeds

    def split(weights):
        filled = jnp.zeros((len(order) + 1, labels), weights.dtype).at[bins, jnp.arange(labels)].add(weights)
        above, below = jnp.cumsum(filled[::-1], 0)[-2::-1], jnp.cumsum(filled, 0)[:-1]
        return [side[back] if by_label else side[back, 0] for side in (above, below)]

    (tp, fn), (fp, tn) = split(jnp.where(yes, weights, 0)), split(jnp.where(yes, 0, weights))
    return dict(zip(KINDS, (tp, fp, tn, fn), strict=True))


class Confusion(Metric):
    """A metric that keeps some of the four counts at thresholds."""

    kept: tuple[str, ...] = KINDS
    top_k: int | None = None
    class_id: int | None = None
    label_weights = None
    by_label = False
    bounded = False  # whether scores are probabilities, and cut to that

    def start(self, thresholds: Sequence[float], labels: int | None = None) -> None:
        """Make the cells for these thresholds (and labels)."""
        self.levels = [float(each) for each in thresholds]
        shape = (len(self.levels),) if labels is None else (len(self.levels), labels)
        for kind in self.kept:
            setattr(self, kind, self.add_variable(shape, "zeros", name=kind))

    def held(self, *kinds: str) -> list[jax.Array]:
        """The counts of these kinds."""
        return [getattr(self, kind).value for kind in kinds]

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        y_true, y_pred = as_array(y_true), as_array(y_pred).astype(config.floatx())
        shapes = y_true.shape, y_pred.shape
        y_true, y_pred = same_rank(y_true, y_pred)
        if not fits(y_true.shape, y_pred.shape):
            raise ValueError(
                f"{self.name}: y_true of shape {shapes[0]} does not fit y_pred of shape {shapes[1]}"
            )
        weights = 1 if sample_weight is None else as_array(sample_weight).astype(y_pred.dtype)
        weights = spread(weights, y_pred)
        if self.label_weights is not None and not self.by_label:
            weights = weights * as_array(self.label_weights)
        y_pred = jnp.clip(y_pred, 0, 1) if self.bounded else y_pred
        y_pred = y_pred if self.top_k is None else _only_top(y_pred, self.top_k)
        if self.class_id is not None:
            if y_pred.ndim < 2:
                raise ValueError(
                    f"{self.name}: with `class_id`, y_pred has shape (batch, classes); got {shapes[1]}"
                )
            weights = jnp.broadcast_to(weights, y_pred.shape)
            y_true, y_pred, weights = (x[..., self.class_id] for x in (y_true, y_pred, weights))
        found = count(y_true, y_pred, self.levels, weights, self.by_label)
        for kind in self.kept:
            getattr(self, kind).assign_add(found[kind])


def _only_top(y_pred, k: int):
    """Scores with LOW in place of all but the k largest of each row."""
    places = jax.lax.top_k(y_pred, k)[1]
    return jnp.where(jax.nn.one_hot(places, y_pred.shape[-1], dtype=bool).any(-2), y_pred, LOW)


def levels_of(metric: str, thresholds, default: float) -> list[float]:
    """Thresholds as a list; ValueError for what is not between 0 and 1."""
    if thresholds is None:
        return [default]
    levels = list(thresholds) if isinstance(thresholds, list | tuple | np.ndarray) else [thresholds]
    if not all(isinstance(each, int | float | np.number) and 0 <= each <= 1 for each in levels):
        raise ValueError(f"{metric}: thresholds lie between 0 and 1; got {thresholds}")
    return levels


class Thresholded(Confusion):
    """A metric read at the user's own thresholds: `result` is a scalar for one, an array for several."""

    def start(self, thresholds, labels: int | None = None) -> None:
        self.init_thresholds = None if thresholds is None else np.asarray(thresholds).tolist()
        self.thresholds = levels_of(type(self).__name__, thresholds, 0.5 if self.top_k is None else LOW)
        super().start(self.thresholds)

    def shown(self, values):
        return values[0] if len(self.thresholds) == 1 else values

    def get_config(self) -> dict:
        return {**super().get_config(), "thresholds": self.init_thresholds}


# ---- counts ------------------------------------------------------------------------------------


class _Count(Thresholded):
    def __init__(self, thresholds=None, name: str | None = None, dtype=None):
        super().__init__(dtype=dtype, name=name)
        self.start(thresholds)

    def result(self):
        return self.shown(*self.held(*self.kept))


def _count_class(name: str, kind: str) -> type[Metric]:
    said = kind.replace("_", " ")
    doc = f"""The weight of all {said}.

    Args:
        thresholds: a number from 0 to 1, or a list of them, above which a score is a yes; 0.5 if None.
        name, dtype: as in `Metric`.

    Raises ValueError for other thresholds, and when shapes don't fit.

    Example:
        >>> float({name}()([0, 1, 1, 0], [0.1, 0.7, 0.2, 0.8]))
        1.0
    """
    return type(name, (_Count,), {"kept": (kind,), "__doc__": doc, "__module__": __name__})


FalseNegatives = _count_class("FalseNegatives", "false_negatives")
FalsePositives = _count_class("FalsePositives", "false_positives")
TrueNegatives = _count_class("TrueNegatives", "true_negatives")
TruePositives = _count_class("TruePositives", "true_positives")


# ---- ratios ------------------------------------------------------------------------------------


class _Ratio(Thresholded):
    _direction = "up"

    def __init__(
        self,
        thresholds=None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype=None,
    ):
        super().__init__(dtype=dtype, name=name)
        self.top_k, self.class_id = top_k, class_id
        self.start(thresholds)

    def result(self):
        return self.shown(ratio(*self.held(*self.kept)))


class Precision(_Ratio):
    """`true positives / (true positives + false positives)`.

    Args:
        thresholds: a number from 0 to 1, or a list of them, above which a score is a yes; 0.5 if None, and with
            `top_k` every score among the best.
        top_k: only this many of the largest scores of a sample count as a yes.
        class_id: the class to look at, all if None.
        name, dtype: as in `Metric`.

    Raises ValueError for other thresholds, and when shapes don't fit.

    Example:
        >>> float(Precision()([0, 1, 1], [0.9, 0.8, 0.1]))
        0.5
    """

    kept = RATIOS["precision"]


class Recall(_Ratio):
    """`true positives / (true positives + false negatives)`.

    Args:
        thresholds, top_k, class_id: as in `Precision`.
        name, dtype: as in `Metric`.

    Raises ValueError for other thresholds, and when shapes don't fit.

    Example:
        >>> float(Recall()([0, 1, 1], [0.9, 0.8, 0.1]))
        0.5
    """

    kept = RATIOS["recall"]


# ---- one ratio where another is high enough ----------------------------------------------------


class _Best(Confusion):
    """The largest `wanted` ratio among the thresholds at which `given` is at least a value."""

    _direction = "up"
    bounded = True
    wanted = given = ""

    def begin(self, value: float, num_thresholds: int, class_id: int | None) -> None:
        own = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{own}: `{self.given}` lies between 0 and 1; got {value}")
        if num_thresholds <= 0:
            raise ValueError(f"{own}: `num_thresholds` is at least 1; got {num_thresholds}")
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        setattr(self, self.given, value)
        self.thresholds = [0.5] if num_thresholds == 1 else even(num_thresholds)
        self.start(self.thresholds)

    def result(self):
        wanted, given = (ratio(*self.held(*RATIOS[each])) for each in (self.wanted, self.given))
        if self._era == 2:  # the first threshold that comes closest counted (Keras 2.3.1)
            return wanted[jnp.argmin(jnp.abs(given - self.value))]
        return jnp.max(jnp.where(given >= self.value, wanted, 0))


def even(count: int) -> list[float]:
    """Numbers from 0 to 1 at equal distances."""
    if scope.call.room is not None:
        scope.call.room.take((count,), "thresholds")
    return [i / (count - 1) for i in range(count)]


class SensitivityAtSpecificity(_Best):
    """The best sensitivity at thresholds whose specificity is at least `specificity`.

    Args:
        specificity: from 0 to 1.
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: the class to look at, all if None.
        name, dtype: as in `Metric`.

    Raises ValueError for numbers out of range, and when shapes don't fit.

    Example:
        >>> float(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    wanted, given = "sensitivity", "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype=None,
    ):
        super().__init__(dtype=dtype, name=name)
        self.begin(specificity, num_thresholds, class_id)


class SpecificityAtSensitivity(_Best):
    """The best specificity at thresholds whose sensitivity is at least `sensitivity`.

    Args:
        sensitivity: from 0 to 1.
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.

    Example:
        >>> float(SpecificityAtSensitivity(0.4)([0, 0, 1, 1, 1], [0, 0.3, 0.2, 0.3, 0.8]))
        0.5
    """

    wanted, given = "specificity", "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype=None,
    ):
        super().__init__(dtype=dtype, name=name)
        self.begin(sensitivity, num_thresholds, class_id)


class PrecisionAtRecall(_Best):
    """The best precision at thresholds whose recall is at least `recall`.

    Args:
        recall: from 0 to 1.
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.

    Example:
        >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    wanted, given = "precision", "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype=None,
    ):
        super().__init__(dtype=dtype, name=name)
        self.begin(recall, num_thresholds, class_id)


class RecallAtPrecision(_Best):
    """The best recall at thresholds whose precision is at least `precision`.

    Args:
        precision: from 0 to 1.
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.

    Example:
        >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.5
    """

    wanted, given = "recall", "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype=None,
    ):
        super().__init__(dtype=dtype, name=name)
        self.begin(precision, num_thresholds, class_id)


register(FalseNegatives, FalsePositives, Precision, PrecisionAtRecall, Recall, RecallAtPrecision)
register(SensitivityAtSpecificity, SpecificityAtSensitivity, TrueNegatives, TruePositives)

__all__ = [
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "PrecisionAtRecall",
    "Recall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "TrueNegatives",
    "TruePositives",
]
