"""Metric functions of Keras 1.0-1.2.2 without a successor: numbers of one batch, whose mean says little about all.

`y_true` and `y_pred` lie between 0 and 1, are rounded, and may have any one shape.
"""

from .. import config, registry
from ..ops import numpy as ops
from ..pairs import elementwise


def _round(y):
    return ops.round(ops.clip(y, 0, 1))


def _share(part, whole):
    return ops.sum(part) / (ops.sum(whole) + config.epsilon())


@elementwise(broadcast=False)
def precision(y_true, y_pred):
    """`true positives / predicted positives` of one batch.

    Example:
        >>> round(float(precision([1, 0, 1], [0.9, 0.8, 0.1])), 4)
        0.5
    """
    return _share(_round(y_true * y_pred), _round(y_pred))


@elementwise(broadcast=False)
def recall(y_true, y_pred):
    """`true positives / positives` of one batch.

    Example:
        >>> round(float(recall([1, 0, 1], [0.9, 0.8, 0.1])), 4)
        0.5
    """
    return _share(_round(y_true * y_pred), _round(y_true))


def fbeta_score(y_true, y_pred, beta: float = 1):
    """`(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)` of one batch.

    Args:
        beta: how many times recall counts as much as precision.

    Raises ValueError for a negative `beta`.

    Example:
        >>> round(float(fbeta_score([1, 0, 1], [0.9, 0.8, 0.1], beta=2)), 4)
        0.5
    """
    if beta < 0:
        raise ValueError(f"fbeta_score: `beta` is at least 0 (precision alone); got {beta}")
    p, r = precision(y_true, y_pred), recall(y_true, y_pred)
    return (1 + beta**2) * (p * r) / (beta**2 * p + r + config.epsilon())


def fmeasure(y_true, y_pred):
    """`2 * precision * recall / (precision + recall)` of one batch.

    Example:
        >>> round(float(fmeasure([1, 0, 1], [0.9, 0.8, 0.1])), 4)
        0.5
    """
    return fbeta_score(y_true, y_pred, beta=1)


@elementwise(broadcast=False)
def matthews_correlation(y_true, y_pred):
    """`(tp * tn - fp * fn) / sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))` of one batch (Matthews 1975).

    Example:
        >>> round(float(matthews_correlation([1, 0, 1, 0], [0.9, 0.1, 0.8, 0.7])), 4)
        0.5774
    """
    y_true, y_pred = _round(y_true), _round(y_pred)
    tp, tn = ops.sum(y_true * y_pred), ops.sum((1 - y_true) * (1 - y_pred))
    fp, fn = ops.sum((1 - y_true) * y_pred), ops.sum(y_true * (1 - y_pred))
    scale = ops.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return (tp * tn - fp * fn) / (scale + config.epsilon())


FUNCTIONS = {fn.__name__: fn for fn in (fbeta_score, fmeasure, matthews_correlation, precision, recall)}
registry.family("metrics of era 1", FUNCTIONS)
registry.family("metric functions", FUNCTIONS)

__all__ = sorted(FUNCTIONS)
