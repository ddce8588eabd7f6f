"""Functions on arrays that only Keras 1 had, in its module."""

import numpy as np

from .. import config
from ..eras import border
from .conv_utils import conv_input_length, conv_output_length

__all__ = [
    "accuracy",
    "binary_logloss",
    "categorical_probas_to_classes",
    "conv_input_length",
    "conv_output_length",
    "convert_kernel",
    "multiclass_logloss",
    "probas_to_classes",
]


def categorical_probas_to_classes(p) -> np.ndarray:
    """The place of the largest number in each row."""
    return np.argmax(p, axis=1)


def probas_to_classes(y_pred) -> np.ndarray:
    """The class of each row: the place of the largest number, or whether a single one is over 0.5.

    Example:
        >>> probas_to_classes(np.array([[0.2], [0.9]])).tolist()
        [0, 1]
    """
    y_pred = np.asarray(y_pred)
    if y_pred.ndim > 1 and y_pred.shape[1] > 1:
        return categorical_probas_to_classes(y_pred)
    return (y_pred.reshape(len(y_pred)) > 0.5).astype(int)


def accuracy(p, y) -> float:
    """The share of rows that are the same in both."""
    return np.mean([np.all(a == b) for a, b in zip(p, y, strict=True)])


def binary_logloss(p, y) -> float:
    """`-mean(y log p + (1 - y) log(1 - p))`, with p held between 1e-15 and 1 - 1e-15."""
    p, y = np.clip(p, 1e-15, 1 - 1e-15), np.asarray(y)
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / len(y)


def multiclass_logloss(p, y) -> float:
    """`-mean(log p[i, y[i] - 1])`: labels count from 1."""
    return -np.mean(np.log([row[label - 1] for row, label in zip(p, y, strict=True)]))


@border.method("convert_kernel")
def convert_kernel(kernel, data_format: str | None = None) -> np.ndarray:
    """A convolution kernel of Theano for TensorFlow, or the other way round: turned about in all spatial axes.

    Args:
        kernel: array of 4 or 5 axes.
        data_format: 'channels_first' for `(filters, channels, ...)`, 'channels_last' for `(..., channels, filters)`.

    Raises ValueError for another number of axes.
    """
    kernel = np.asarray(kernel)
    if kernel.ndim not in (4, 5):
        raise ValueError(f"convert_kernel: a kernel has 4 or 5 axes; this one has the shape {kernel.shape}")
    first = config.standardize_data_format(data_format) == "channels_first"
    return np.flip(kernel, tuple(range(2, kernel.ndim) if first else range(kernel.ndim - 2))).copy()
