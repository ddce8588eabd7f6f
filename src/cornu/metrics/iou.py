"""Intersection over union of classes, from a confusion matrix that is gathered over batches."""

import warnings
from collections.abc import Sequence

import jax.numpy as jnp

from .. import config
from ..dtypes import as_array, is_float
from ..pairs import spread
from .metric import Metric, register


class IoU(Metric):
    """`true positives / (true positives + false positives + false negatives)`, mean over some classes.

    Classes that never occurred don't count.

    Args:
        num_classes: how many classes there are; other labels don't count.
        target_class_ids: labels of the classes to average over.
        name: word for messages and logs; made from the class if None.
        dtype: data type to count in; int32 if None (in era 2 the default float type). For weights that are no ints, a
            float type.
        ignore_class: a label that doesn't count.
        sparse_y_true, sparse_y_pred: whether they hold labels; else a score for each class.
        axis: the axis of the classes where they do not.

    Raises ValueError for a label beyond `num_classes`, and when shapes don't fit.

    Example:
        >>> round(float(IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype=None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(dtype=dtype or (config.floatx() if self._era == 2 else "int32"), name=name)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"{type(self).__name__}: class {max(target_class_ids)} is not among the {num_classes} classes "
                f"(0 to {num_classes - 1})"
            )
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        y_true, y_pred = as_array(y_true), as_array(y_pred)
        y_true = y_true if self.sparse_y_true else jnp.argmax(y_true, self.axis)
        y_pred = y_pred if self.sparse_y_pred else jnp.argmax(y_pred, self.axis)
        weights = as_array(1 if sample_weight is None else sample_weight)
        if y_true.size != y_pred.size:
            raise ValueError(
                f"{self.name}: y_true of shape {y_true.shape} and y_pred of shape {y_pred.shape} "
                "hold different numbers of labels"
            )
        if is_float(weights.dtype) and not is_float(self.dtype):
            warnings.warn(
                f'{self.name} counts in {self.dtype}: float weights are cut to ints. Give it dtype="float32"',
                stacklevel=2,
            )
        weights = jnp.broadcast_to(spread(weights.astype(self.dtype), y_true), y_true.shape).ravel()
        y_true, y_pred = (y.astype("int32").ravel() for y in (y_true, y_pred))
        counts = (y_true >= 0) & (y_true < self.num_classes) & (y_pred >= 0) & (y_pred < self.num_classes)
        if self.ignore_class is not None:
            counts &= y_true != self.ignore_class
        weights = jnp.where(counts, weights, 0)
        cells = jnp.where(counts, y_true, 0), jnp.where(counts, y_pred, 0)
        self.total_cm.assign(self.total_cm.value.at[cells].add(weights))

    def result(self):
        matrix = self.total_cm.value.astype("float32")
        both = jnp.diag(matrix)[jnp.array(self.target_class_ids)]
        either = (matrix.sum(0) + matrix.sum(1) - jnp.diag(matrix))[jnp.array(self.target_class_ids)]
        occurred = either > 1e-9
        share = jnp.where(occurred, both / (either + config.epsilon()), 0)
        return share.sum() / (occurred.sum() + config.epsilon())


class BinaryIoU(IoU):
    """Intersection over union of two classes, where `y_pred >= threshold` stands for class 1.

    Args:
        target_class_ids: [0], [1], or both.
        threshold: of predictions; targets are labels.
        name, dtype: as in `IoU`.

    Example:
        >>> round(float(BinaryIoU([1])([0, 1, 1], [0.2, 0.6, 0.1])), 4)
        0.5
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype=None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        super().update_state(y_true, as_array(y_pred) >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """Intersection over union, mean over all classes.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: as in `IoU`.

    Example:
        >>> round(float(MeanIoU(2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype=None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        classes = range(num_classes)
        super().__init__(num_classes, classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """Intersection over union for one-hot targets, mean over some classes.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class, sparse_y_pred, axis: as in `IoU`.

    Example:
        >>> float(OneHotIoU(2, [0])([[1, 0], [0, 1]], [[0.7, 0.3], [0.4, 0.6]]).round(4))
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype=None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """Intersection over union for one-hot targets, mean over all classes.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_pred, axis: as in `IoU`.

    Example:
        >>> float(OneHotMeanIoU(2)([[1, 0], [0, 1]], [[0.7, 0.3], [0.4, 0.6]]).round(4))
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype=None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)


register(IoU, BinaryIoU, MeanIoU, OneHotIoU, OneHotMeanIoU)

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]
