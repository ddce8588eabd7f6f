"""Scores of whole columns, gathered over batches: R2, F-beta and F1."""

from collections.abc import Sequence

import jax.numpy as jnp

from .. import config
from ..dtypes import as_array
from ..pairs import same_rank, spread
from .metric import Metric, register


class ColumnMetric(Metric):
    """Cells with one number for each column of `(batch, columns)`, made when the first batch is seen.

    `cells` names them; `width` is their shape, None before.
    """

    cells: tuple[str, ...] = ()
    width: tuple[int, ...] | None = None

    def build(self, y_true_shape: Sequence, y_pred_shape: Sequence) -> None:
        """Make the cells for targets and outputs of these shapes; ValueError unless both have two axes."""
        if len(y_true_shape) != 2 or len(y_pred_shape) != 2 or y_true_shape[-1] != y_pred_shape[-1]:
            raise ValueError(
                f"{type(self).__name__} compares arrays of shape (batch, columns); "
                f"got y_true of shape {tuple(y_true_shape)} and y_pred of shape {tuple(y_pred_shape)}"
            )
        if self.width is None:
            self.width = self.shape_for(y_pred_shape[-1])
            for name in self.cells:
                setattr(self, name, self.add_variable(self.width, "zeros", name=name))

    def shape_for(self, columns: int) -> tuple[int, ...]:
        return (columns,)

    def columns(self, y_true, y_pred, sample_weight) -> tuple:
        """The three as arrays of the same shape, the cells being made."""
        y_true, y_pred = same_rank(*(as_array(y).astype(self.dtype) for y in (y_true, y_pred)))
        self.build(y_true.shape, y_pred.shape)
        weights = jnp.ones((), self.dtype) if sample_weight is None else as_array(sample_weight)
        return y_true, y_pred, jnp.broadcast_to(spread(weights.astype(self.dtype), y_true), y_true.shape)


class R2Score(ColumnMetric):
    """`1 - sum((y_true - y_pred) ** 2) / sum((y_true - mean(y_true)) ** 2)`, column by column.

    Args:
        class_aggregation: 'uniform_average' (mean of the columns), 'variance_weighted_average', or None (all of them).
        num_regressors: number of predictors, for the adjusted score `1 - (1 - R2) * (n - 1) / (n - p - 1)`, n the
            number of values seen; 0, or fewer values than that needs: not adjusted.
        name, dtype: as in `Metric`.

    Raises ValueError for another aggregation, and for arrays that are not `(batch, columns)`.

    Example:
        >>> round(float(R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])), 4)
        0.5
    """

    _direction = "up"
    cells = ("squared_sum", "sum", "total_mse", "count")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype=None,
    ):
        super().__init__(dtype=dtype, name=name)
        known = "uniform_average", "variance_weighted_average", None
        if class_aggregation not in known:
            raise ValueError(f"R2Score: `class_aggregation` is one of {known}; got {class_aggregation!r}")
        if num_regressors < 0:
            raise ValueError(f"R2Score: `num_regressors` is at least 0; got {num_regressors}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        y_true, y_pred, weights = self.columns(y_true, y_pred, sample_weight)
        self.sum.assign_add(jnp.sum(y_true * weights, 0))
        self.squared_sum.assign_add(jnp.sum(y_true**2 * weights, 0))
        self.total_mse.assign_add(jnp.sum((y_true - y_pred) ** 2 * weights, 0))
        self.count.assign_add(jnp.sum(weights, 0))
        self.num_samples.assign_add(y_true.size)

    def result(self):
        total = self.squared_sum.value - self.sum.value * (self.sum.value / self.count.value)
        score = 1 - self.total_mse.value / total
        score = jnp.where(jnp.isinf(score), 0, score)
        if self.class_aggregation == "uniform_average":
            score = jnp.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = jnp.sum(total * score) / jnp.sum(total)
        if not self.num_regressors:
            return score
        n = self.num_samples.value
        free = n - self.num_regressors - 1
        return jnp.where(free > 0, 1 - (1 - score) * (n - 1) / jnp.where(free > 0, free, 1), score)


AVERAGES = None, "micro", "macro", "weighted"


class FBetaScore(ColumnMetric):
    """`(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)`, class by class.

    Args:
        average: None (a score for each class), 'micro' (all classes in one count), 'macro' (their mean) or 'weighted'
            (their mean by how often they occur).
        beta: float above 0: how many times recall counts as much as precision.
        threshold: above it, between 0 and 1, a prediction stands for its class; None: the largest one does.
        name, dtype: as in `Metric`.

    Raises ValueError for other arguments, and for arrays that are not `(batch, classes)`.

    Example:
        >>> score = FBetaScore()([[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]])
        >>> [round(each, 4) for each in score.tolist()]
        [0.6667, 0.0]
    """

    _direction = "up"
    cells = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype=None,
    ):
        super().__init__(dtype=dtype, name=name)
        own = type(self).__name__
        if average not in AVERAGES:
            raise ValueError(f"{own}: `average` is one of {AVERAGES}; got {average!r}")
        if not isinstance(beta, float) or beta <= 0:
            raise ValueError(f"{own}: `beta` is a float above 0; got {beta!r}")
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ValueError(
                f"{own}: `threshold` is a float above 0 and at most 1, or None; got {threshold!r}"
            )
        self.average, self.beta, self.threshold = average, beta, threshold

    def shape_for(self, columns: int) -> tuple[int, ...]:
        return () if self.average == "micro" else (columns,)

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        y_true, y_pred, weights = self.columns(y_true, y_pred, sample_weight)
        if self.threshold is None:
            chosen = (y_pred >= jnp.max(y_pred, -1, keepdims=True)) & (jnp.abs(y_pred) > 1e-9)
        else:
            chosen = y_pred > self.threshold
        chosen = chosen.astype(self.dtype)
        axis = None if self.average == "micro" else 0
        self.true_positives.assign_add(jnp.sum(chosen * y_true * weights, axis))
        self.false_positives.assign_add(jnp.sum(chosen * (1 - y_true) * weights, axis))
        self.false_negatives.assign_add(jnp.sum((1 - chosen) * y_true * weights, axis))
        self.intermediate_weights.assign_add(jnp.sum(y_true * weights, axis))

    def result(self):
        epsilon, hits = config.epsilon(), self.true_positives.value
        precision = hits / (hits + self.false_positives.value + epsilon)
        recall = hits / (hits + self.false_negatives.value + epsilon)
        score = precision * recall / (self.beta**2 * precision + recall + epsilon) * (1 + self.beta**2)
        if self.average == "weighted":
            shares = self.intermediate_weights.value
            return jnp.sum(score * (shares / (jnp.sum(shares) + epsilon)))
        return score if self.average is None else jnp.mean(score)


class F1Score(FBetaScore):
    """`2 * precision * recall / (precision + recall)`, class by class.

    Args:
        average, threshold: as in `FBetaScore`.
        name, dtype: as in `Metric`.

    Example:
        >>> float(F1Score("macro")([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]).round(4))
        1.0
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype=None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)


register(R2Score, FBetaScore, F1Score)

__all__ = ["F1Score", "FBetaScore", "R2Score"]
