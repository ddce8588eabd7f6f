"""The words of Keras 2.3's metrics, for programs that name them."""

from enum import StrEnum

from ..ops import maths, nn
from ..ops import numpy as ops

__all__ = ["AUCCurve", "AUCSummationMethod", "ConfusionMatrix", "NEG_INF", "Reduction", "filter_top_k"]

NEG_INF = -1e10  # the score of what is not among the best


class Reduction:
    """How the values of a metric become one."""

    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
    WEIGHTED_MEAN = "weighted_mean"


class ConfusionMatrix(StrEnum):
    """What is counted of answers of yes and no."""

    TRUE_POSITIVES = "tp"
    FALSE_POSITIVES = "fp"
    TRUE_NEGATIVES = "tn"
    FALSE_NEGATIVES = "fn"


class AUCCurve(StrEnum):
    """The curve under which an area is measured."""

    ROC = "ROC"
    PR = "PR"

    @classmethod
    def from_str(cls, key: str) -> "AUCCurve":
        """The curve of that name, in capital or small letters; ValueError for another."""
        return cls(key.upper())


class AUCSummationMethod(StrEnum):
    """How heights between thresholds are taken."""

    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"

    @classmethod
    def from_str(cls, key: str) -> "AUCSummationMethod":
        """The method of that name, in capital or small letters; ValueError for another."""
        return cls(key.lower())


def filter_top_k(x, k: int):
    """The `k` largest scores of each row, and `NEG_INF` in the place of all others.

    Example:
        >>> filter_top_k(ops.array([1.0, 3.0, 2.0]), 2).tolist()
        [-10000000000.0, 3.0, 2.0]
    """
    best = ops.sum(nn.one_hot(maths.top_k(x, k, sorted=False)[1], ops.shape(x)[-1]), axis=-2)
    return x * best + NEG_INF * (1 - best)
