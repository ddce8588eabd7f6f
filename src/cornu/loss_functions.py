"""Loss functions: `(y_true, y_pred, ...)` to one value a sample, the last axis reduced.

`y_true` and `y_pred` are arrays, cells, symbols or nested lists of shape `(batch, ..., n)`; a last axis of 1 may be
missing in one of the two. Shapes that cannot belong together raise ValueError. The classes are in `losses`.
"""

import warnings
from collections.abc import Callable

from . import config, scope
from .ops import nn
from .ops import numpy as ops
from .pairs import elementwise, floats, labels_for

# ---- regression --------------------------------------------------------------------------------


@elementwise
def mean_squared_error(y_true, y_pred):
    """`mean((y_true - y_pred) ** 2)`.

    Example:
        >>> mean_squared_error([[0, 1]], [[1, 1]]).tolist()
        [0.5]
    """
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@elementwise
def mean_absolute_error(y_true, y_pred):
    """`mean(|y_true - y_pred|)`.

    Example:
        >>> mean_absolute_error([[0, 1]], [[1, 3]]).tolist()
        [1.5]
    """
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@elementwise
def mean_absolute_percentage_error(y_true, y_pred):
    """`100 * mean(|y_true - y_pred| / max(|y_true|, epsilon))`, in percent.

    Example:
        >>> mean_absolute_percentage_error([[2, 4]], [[1, 4]]).tolist()
        [25.0]
    """
    scale = ops.maximum(ops.abs(y_true), config.epsilon())
    return 100 * ops.mean(ops.abs((y_true - y_pred) / scale), axis=-1)


@elementwise
def mean_squared_logarithmic_error(y_true, y_pred):
    """`mean((log(1 + y_true) - log(1 + y_pred)) ** 2)`, both at least epsilon.

    Example:
        >>> round(float(mean_squared_logarithmic_error([[0, 1]], [[1, 1]])[0]), 4)
        0.2402
    """
    y_true, y_pred = (ops.log(ops.maximum(y, config.epsilon()) + 1) for y in (y_true, y_pred))
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@elementwise
def cosine_similarity(y_true, y_pred, axis: int = -1):
    """`-sum(y_true / |y_true| * y_pred / |y_pred|)`: -1 for the same direction, 1 for the opposite one.

    Args:
        axis: the axis of a vector's components.

    Example:
        >>> cosine_similarity([[0, 2]], [[0, 5]]).tolist()
        [-1.0]
    """
    return -ops.sum(nn.normalize(y_true, axis) * nn.normalize(y_pred, axis), axis=axis)


def cosine_proximity(y_true, y_pred):
    """`-mean(y_true / |y_true| * y_pred / |y_pred|)` in era 1; from era 2 on `cosine_similarity`, which sums."""
    negative = cosine_similarity(y_true, y_pred)
    return negative / ops.shape(y_pred)[-1] if config.era() == 1 else negative


@elementwise
def huber(y_true, y_pred, delta: float = 1.0):
    """Mean of `error ** 2 / 2` where `|error| <= delta`, else `delta * |error| - delta ** 2 / 2` (Huber 1964).

    Args:
        delta: where the square turns into a line.

    Example:
        >>> huber([[0, 0]], [[1, 3]]).tolist()
        [1.5]
    """
    error = ops.abs(y_pred - y_true)
    return ops.mean(ops.where(error <= delta, error**2 / 2, delta * error - delta**2 / 2), axis=-1)


@elementwise
def log_cosh(y_true, y_pred):
    """`mean(log(cosh(y_pred - y_true)))`: a square near zero, a line far from it.

    Example:
        >>> round(float(log_cosh([[0, 0]], [[0, 1]])[0]), 4)
        0.2169
    """
    error = y_pred - y_true
    return ops.mean(error + nn.softplus(-2 * error) - ops.log(2.0), axis=-1)


# ---- hinges ------------------------------------------------------------------------------------


def _signs(y_true):
    """Labels 0 and 1 as -1 and 1, which Keras does since 2.3; before, labels were taken as given."""
    if config.era() == 1:
        return y_true
    binary = ops.all(ops.logical_or(y_true == 0, y_true == 1))
    return ops.where(binary, 2 * y_true - 1, y_true)


@elementwise
def hinge(y_true, y_pred):
    """`mean(max(1 - y_true * y_pred, 0))`, labels -1 and 1 (but for era 1 also 0 and 1).

    Example:
        >>> hinge([[-1, 1]], [[0.5, 2]]).tolist()
        [0.75]
    """
    return ops.mean(ops.maximum(1 - _signs(y_true) * y_pred, 0), axis=-1)


@elementwise
def squared_hinge(y_true, y_pred):
    """`mean(max(1 - y_true * y_pred, 0) ** 2)`, labels -1 and 1 (but for era 1 also 0 and 1).

    Example:
        >>> squared_hinge([[-1, 1]], [[0.5, 2]]).tolist()
        [1.125]
    """
    return ops.mean(ops.square(ops.maximum(1 - _signs(y_true) * y_pred, 0)), axis=-1)


@elementwise
def categorical_hinge(y_true, y_pred):
    """`max(0, 1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred))`, targets one-hot.

    Example:
        >>> categorical_hinge([[0, 1]], [[0.5, 0.25]]).tolist()
        [1.25]
    """
    own, others = ops.sum(y_true * y_pred, axis=-1), ops.max((1 - y_true) * y_pred, axis=-1)
    return ops.maximum(others - own + 1, 0)


# ---- probabilities -----------------------------------------------------------------------------


@elementwise
def kl_divergence(y_true, y_pred):
    """`sum(y_true * log(y_true / y_pred))`, both between epsilon and 1 (Kullback & Leibler 1951).

    Example:
        >>> round(float(kl_divergence([[0.5, 0.5]], [[0.25, 0.75]])[0]), 4)
        0.1438
    """
    y_true, y_pred = (ops.clip(y, config.epsilon(), 1) for y in (y_true, y_pred))
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


@elementwise
def poisson(y_true, y_pred):
    """`mean(y_pred - y_true * log(y_pred + epsilon))`.

    Example:
        >>> poisson([[1, 2]], [[1, 1]]).round(4).tolist()
        [1.0]
    """
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


@elementwise(broadcast=False)
def binary_crossentropy(
    y_true, y_pred, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
):
    """`mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))`.

    Args:
        from_logits: whether `y_pred` holds log-odds, else probabilities.
        label_smoothing: how far, from 0 to 1, labels are moved towards 1/2.
        axis: the axis to average over.

    Example:
        >>> round(float(binary_crossentropy([[0, 1]], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_true = y_true * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else y_true
    return ops.mean(nn.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


@elementwise(broadcast=False)
def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
):
    """Mean of the binary cross-entropy times `(1 - p) ** gamma`, p what was given to the truth (Lin et al. 2017).

    Args:
        apply_class_balancing: whether `alpha` applies.
        alpha: weight of class 1; class 0 has `1 - alpha`.
        gamma: how little easy samples count.
        from_logits: whether `y_pred` holds log-odds, else probabilities.
        label_smoothing: how far, from 0 to 1, labels are moved towards 1/2.
        axis: the axis to average over.

    Example:
        >>> round(float(binary_focal_crossentropy([[0, 1]], [[0.5, 0.5]])[0]), 4)
        0.1733
    """
    y_true = y_true * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else y_true
    y_pred = nn.sigmoid(y_pred) if from_logits else y_pred
    missing = 1 - y_true * y_pred - (1 - y_true) * (1 - y_pred)
    losses = ops.power(missing, gamma) * nn.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        losses = losses * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return ops.mean(losses, axis=axis)


def _smooth(y_true, label_smoothing: float, axis: int):
    """One-hot targets moved towards equal probabilities."""
    if y_true.shape[axis] == 1:
        message = (
            "categorical cross-entropy of a single class is always 0; for two classes use binary_crossentropy"
        )
        warnings.warn(message, SyntaxWarning, stacklevel=4)
    if not label_smoothing:
        return y_true
    return y_true * (1 - label_smoothing) + label_smoothing / y_true.shape[axis]


@elementwise(broadcast=False)
def categorical_crossentropy(
    y_true, y_pred, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
):
    """`-sum(y_true * log(y_pred))`, targets one-hot or probabilities.

    Args:
        from_logits: whether `y_pred` holds unnormalised log-probabilities, else probabilities, scaled to sum to 1.
        label_smoothing: how far, from 0 to 1, targets are moved towards equal probabilities.
        axis: the axis of the classes.

    Example:
        >>> round(float(categorical_crossentropy([[0, 1]], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    return nn.categorical_crossentropy(_smooth(y_true, label_smoothing, axis), y_pred, from_logits, axis)


@elementwise(broadcast=False)
def categorical_focal_crossentropy(
    y_true,
    y_pred,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
):
    """`-sum(alpha * (1 - y_pred) ** gamma * y_true * log(y_pred))` (Lin et al. 2017).

    Args:
        alpha: a factor, or one for each class.
        gamma: how little easy samples count.
        from_logits: whether `y_pred` holds unnormalised log-probabilities, else probabilities, scaled to sum to 1.
        label_smoothing: how far, from 0 to 1, targets are moved towards equal probabilities.
        axis: the axis of the classes.

    Example:
        >>> round(float(categorical_focal_crossentropy([[0, 1]], [[0.5, 0.5]])[0]), 4)
        0.0433
    """
    y_true = _smooth(y_true, label_smoothing, axis)
    y_pred = nn.softmax(y_pred, axis) if from_logits else y_pred
    y_pred = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    y_pred = ops.clip(y_pred, config.epsilon(), 1 - config.epsilon())
    alpha = ops.convert_to_tensor(alpha, y_pred.dtype)
    return -ops.sum(alpha * ops.power(1 - y_pred, gamma) * y_true * ops.log(y_pred), axis=axis)


def sparse_categorical_crossentropy(
    y_true, y_pred, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
):
    """`-log(y_pred[y_true])`, targets integer labels of shape `(batch, ...)` or `(batch, ..., 1)`.

    Args:
        from_logits: whether `y_pred` holds unnormalised log-probabilities, else probabilities, scaled to sum to 1.
        ignore_class: a label that does not count: its loss is 0, and a mask says so.
        axis: the axis of the classes.

    Example:
        >>> round(float(sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_pred = floats(y_pred)
    labels = labels_for("sparse_categorical_crossentropy", y_true, y_pred, axis)
    if ignore_class is None:
        return nn.sparse_categorical_crossentropy(labels, y_pred, from_logits, axis)
    counts = labels != ignore_class
    losses = nn.sparse_categorical_crossentropy(ops.where(counts, labels, 0), y_pred, from_logits, axis)
    losses = ops.where(counts, losses, 0)
    scope.set_mask(losses, counts)
    return losses


def categorical_generalized_cross_entropy(y_true, y_pred, q: float = 0.5):
    """`(1 - y_pred[y_true] ** q) / q`, which forgives wrong integer labels (Zhang & Sabuncu 2018).

    Args:
        q: near 0 it is the cross-entropy, near 1 the absolute error.

    Example:
        >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]]).tolist()
        [1.0]
    """
    if not 0 < q < 1:
        raise ValueError(f"categorical_generalized_cross_entropy: `q` lies between 0 and 1; got {q!r}")
    y_pred = floats(y_pred)
    labels = labels_for("categorical_generalized_cross_entropy", y_true, y_pred)
    p = ops.sum(y_pred * nn.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype), axis=-1)
    return (1 - ops.power(p, q)) / q


def ctc(y_true, y_pred):
    """`-log P(y_true | y_pred)` over all alignments (Graves et al. 2006).

    Args:
        y_true: integer labels `(batch, length)`, padded with 0, which is also the blank.
        y_pred: unnormalised log-probabilities `(batch, time, classes)`.

    Raises ValueError for other ranks.

    Example:
        >>> round(float(ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]])[0]), 4)
        0.2877
    """
    labels, y_pred = ops.cast(y_true, "int32"), floats(y_pred)
    if len(labels.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError(
            "ctc: y_true holds labels of shape (batch, length) and y_pred scores of shape (batch, time, classes); "
            f"got {labels.shape} and {y_pred.shape}"
        )
    times = ops.sum(ops.ones_like(y_pred[:, :, 0], "int32"), axis=-1)
    return nn.ctc_loss(labels, y_pred, ops.sum(labels != 0, axis=-1), times)


# ---- overlap and similarity --------------------------------------------------------------------


@elementwise
def dice(y_true, y_pred, axis=None):
    """`1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred) + epsilon)` (Dice 1945).

    Args:
        axis: the axes to sum over, all if None.

    Example:
        >>> round(float(dice([[1, 1]], [[1, 0]])), 4)
        0.3333
    """
    both, sizes = ops.sum(y_true * y_pred, axis), ops.sum(y_true, axis) + ops.sum(y_pred, axis)
    return 1 - 2 * both / (sizes + config.epsilon())


@elementwise
def tversky(y_true, y_pred, alpha: float = 0.5, beta: float = 0.5, axis=None):
    """`1 - both / (both + alpha * only_true + beta * only_predicted + epsilon)` (Salehi et al. 2017).

    Args:
        alpha: weight of what is true and was not predicted.
        beta: weight of what was predicted and is not true.
        axis: the axes to sum over, all if None.

    Example:
        >>> round(float(tversky([[1, 1]], [[1, 0]])), 4)
        0.3333
    """
    both = ops.sum(y_true * y_pred, axis)
    only_true, only_predicted = ops.sum((1 - y_pred) * y_true, axis), ops.sum(y_pred * (1 - y_true), axis)
    return 1 - both / (both + alpha * only_true + beta * only_predicted + config.epsilon())


def circle(
    y_true,
    y_pred,
    ref_labels=None,
    ref_embeddings=None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
):
    """`log(1 + sum(exp(-gamma * a_p * (margin - d_p))) * sum(exp(gamma * a_n * (1 - margin - d_n))))`.

    d is the cosine distance to others of the same class (p) and of another (n); `a_p = margin + d_p` and
    `a_n = 1 + margin - d_n` let far-off pairs count more (Sun et al. 2020, "Circle loss").

    Args:
        y_true: integer labels `(batch,)` or `(batch, 1)`.
        y_pred: embeddings of length 1, `(batch, n)`.
        ref_labels: labels to compare with; `y_true` if None.
        ref_embeddings: embeddings to compare with; `y_pred` if None.
        remove_diagonal: whether a sample is not compared with itself.
        gamma: scale.
        margin: how far apart the classes are to be.

    Example:
        >>> circle([0, 1], [[1.0, 0.0], [0.0, 1.0]]).tolist()
        [0.0, 0.0]
    """
    y_pred = floats(y_pred)
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    others = labels if ref_labels is None else ops.reshape(ops.cast(ref_labels, "int32"), (-1, 1))
    anchors = y_pred if ref_embeddings is None else floats(ref_embeddings)
    distances = ops.maximum(1 - ops.matmul(y_pred, ops.transpose(anchors)), 0)
    same = labels == ops.transpose(others)
    rivals = ops.logical_not(same)
    if remove_diagonal:  # row numbers are counted, since the sizes of symbols may not be known
        rows, columns = (ops.cumsum(ops.ones_like(each), axis=0) for each in (labels, others))
        same = ops.logical_and(same, rows != ops.transpose(columns))
    pull = -gamma * (margin + distances) * (margin - distances)
    push = gamma * ops.maximum(1 + margin - distances, 0) * (1 - margin - distances)
    losses = nn.softplus(_log_sum_exp(pull, same) + _log_sum_exp(push, rivals))
    scope.set_mask(losses, losses > 0)
    return losses


def _log_sum_exp(x, counts):
    """`log(sum(exp(x)))` of each row, over what counts; a large negative number, so that gradients stay finite."""
    x = ops.where(counts, x, -1e30)
    top = ops.stop_gradient(ops.max(x, axis=1, keepdims=True))
    return ops.log(ops.sum(ops.exp(x - top), axis=1)) + top[:, 0]


__all__ = (
    "binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy "
    "categorical_generalized_cross_entropy categorical_hinge circle cosine_proximity cosine_similarity ctc dice "
    "hinge huber kl_divergence log_cosh mean_absolute_error mean_absolute_percentage_error mean_squared_error "
    "mean_squared_logarithmic_error poisson sparse_categorical_crossentropy squared_hinge tversky"
).split()
FUNCTIONS: dict[str, Callable] = {name: globals()[name] for name in __all__}
