"""How Keras 2.3 weighed the values of a loss, for programs that reach below its losses."""

from .. import config
from ..ops import numpy as ops

__all__ = [
    "Reduction",
    "broadcast_weights",
    "compute_weighted_loss",
    "reduce_weighted_loss",
    "squeeze_or_expand_dimensions",
]


class Reduction:
    """The words for what becomes of a loss's values."""

    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All words."""
        return cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE

    @classmethod
    def validate(cls, key: str) -> None:
        """ValueError for any other word."""
        if key not in cls.all():
            raise ValueError(f"A reduction is one of {', '.join(map(repr, cls.all()))}; got {key!r}")


def squeeze_or_expand_dimensions(y_pred, y_true=None, sample_weight=None) -> tuple:
    """Predictions, targets and weights without a last axis of 1 that the others lack.

    Returns `(y_pred, y_true)`, or all three where weights are given: they get a last axis of 1 that they lack.
    """
    if y_true is not None:
        more = ops.ndim(y_pred) - ops.ndim(y_true)
        if more == 1 and ops.shape(y_pred)[-1] == 1:
            y_pred = ops.squeeze(y_pred, -1)
        elif more == -1 and ops.shape(y_true)[-1] == 1:
            y_true = ops.squeeze(y_true, -1)
    if sample_weight is None:
        return y_pred, y_true
    rank, more = ops.ndim(sample_weight), ops.ndim(y_pred) - ops.ndim(sample_weight)
    if rank == 1 and more == -1:
        y_pred = ops.expand_dims(y_pred, -1)
    elif rank and more == -1:
        sample_weight = ops.squeeze(sample_weight, -1)
    elif rank and more == 1:
        sample_weight = ops.expand_dims(sample_weight, -1)
    return y_pred, y_true, sample_weight


def broadcast_weights(values, sample_weight):
    """Weights of the values' shape: axes may be missing at their end, or be 1.

    Raises ValueError where they do not fit.
    """
    shape, wanted = tuple(ops.shape(sample_weight)), tuple(ops.shape(values))
    pairs = zip(shape, wanted, strict=False)
    if len(shape) > len(wanted) or any(None not in (m, n) and m not in (1, n) for m, n in pairs):
        raise ValueError(f"Weights of shape {shape} do not go with values of shape {wanted}")
    for _ in wanted[len(shape) :]:
        sample_weight = ops.expand_dims(sample_weight, -1)
    return sample_weight + ops.zeros_like(values)


def reduce_weighted_loss(weighted_losses, reduction: str = Reduction.SUM_OVER_BATCH_SIZE):
    """The values as they are ('none'), their sum, or their mean ('sum_over_batch_size')."""
    reduce = {Reduction.NONE: lambda x: x, Reduction.SUM: ops.sum, Reduction.SUM_OVER_BATCH_SIZE: ops.mean}
    return reduce[reduction](weighted_losses)


def compute_weighted_loss(
    losses, sample_weight=None, reduction: str = Reduction.SUM_OVER_BATCH_SIZE, name: str | None = None
):
    """`reduce(sample_weight * losses)`.

    Args:
        losses: values, one a sample (and step).
        sample_weight: a number, or weights that fit the values.
        reduction: 'none', 'sum' or 'sum_over_batch_size', a mean over all values whatever their weights.
        name: accepted.

    Raises ValueError for another reduction, and for weights that do not fit. (Keras 2.3.1)

    Example:
        >>> float(compute_weighted_loss(ops.array([2.0, 4.0]), [1.0, 0.0]))
        1.0
    """
    Reduction.validate(reduction)
    dtype = ops.dtype(losses)
    losses, weights = (
        ops.cast(x, config.floatx()) for x in (losses, 1.0 if sample_weight is None else sample_weight)
    )
    losses, _, weights = squeeze_or_expand_dimensions(losses, None, weights)
    return ops.cast(reduce_weighted_loss(broadcast_weights(losses, weights) * losses, reduction), dtype)
