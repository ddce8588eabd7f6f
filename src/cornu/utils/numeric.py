"""Labels, vectors and sequences of numbers as the arrays that a network takes."""

from collections.abc import Iterable

import numpy as np

from .. import config
from ..eras import border
from ..ops import arrays, nn

ONE_HOT = {1: "float64", 2: "float32", 3: "float64"}  # types of one-hot rows


@border.method("to_categorical")
def to_categorical(x, num_classes: int | None = None, dtype=None):
    """Labels as one-hot rows: 1 at the place of the class, 0 elsewhere.

    Args:
        x: whole numbers from 0, of any shape `(...)` or `(..., 1)`.
        num_classes: length of a row; one more than the largest label if None.
        dtype: data type of the rows; float64, in era 2 float32.

    Returns an array `(..., num_classes)`, in era 1 always `(size, num_classes)`.
    Raises ValueError for labels that are no whole numbers or out of range.

    Example:
        >>> to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if arrays.is_tensor(x) and num_classes:
        return nn.one_hot(x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x, num_classes, dtype=dtype)
    era, given = config.era(), np.asarray(x)
    labels = given.astype("int64")
    if given.dtype.kind == "f" and (labels != given).any():
        raise ValueError(f"to_categorical: labels are whole numbers; got {given[labels != given].flat[0]}")
    lowest, highest = (labels.min(), labels.max()) if labels.size else (0, 0)
    classes = num_classes or int(highest) + 1
    if lowest < 0 or highest >= classes:
        raise ValueError(
            f"to_categorical: {classes} classes have the labels 0 to {classes - 1}; got {lowest} to {highest}"
        )
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    if era == 1:
        shape = (labels.size,)
    rows = np.zeros((labels.size, classes), dtype or ONE_HOT[era])
    rows[np.arange(labels.size), labels.reshape(-1)] = 1
    return rows.reshape(*shape, classes)


@border.method("normalize")
def normalize(x, axis: int = -1, order: float = 2):
    """`x / norm(x)`, norms of that order along `axis`; where the norm is 0, `x` stays.

    Args:
        x: array.
        axis: the axis of a vector.
        order: 1, 2, ... or `numpy.inf`.

    Example:
        >>> normalize([[3.0, 4.0]]).tolist()
        [[0.6, 0.8]]
    """
    if arrays.is_tensor(x):
        return nn.normalize(x, axis=axis, order=order)
    norm = np.linalg.norm(np.atleast_1d(x), order, axis, keepdims=True)
    return np.asarray(x) / np.where(norm == 0, 1, norm)


def pad_sequences(
    sequences: Iterable, maxlen: int | None = None, dtype="int32", padding: str = "pre",
    truncating: str = "pre", value: float | str = 0.0,
) -> np.ndarray:  # fmt: skip
    """Sequences of different lengths as rows of one array.

    Args:
        sequences: list of sequences `(length, ...)` that differ in the length only.
        maxlen: length of a row; that of the longest sequence if None.
        dtype: data type of the array.
        padding: whether short ones are filled up before ('pre') or after ('post') what they have.
        truncating: whether long ones lose their beginning ('pre') or their end ('post').
        value: what fills up.

    Returns an array `(len(sequences), maxlen, ...)`.
    Raises ValueError for what is no list of sequences and for sequences whose items have different shapes.

    Example:
        >>> pad_sequences([[1], [2, 3]]).tolist()
        [[0, 1], [2, 3]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} is 'pre' or 'post'; got {side!r}")
    sequences = list(sequences)
    for index, each in enumerate(sequences):
        if not hasattr(each, "__len__"):
            raise ValueError(f"pad_sequences: every item is a sequence; item {index} is {each!r}")
    if isinstance(value, str) and not (dtype is object or np.dtype(dtype).kind in "OSU"):
        raise ValueError(f"pad_sequences: {value!r} cannot fill an array of {dtype}; give dtype=object")
    rows = [np.asarray(each, dtype) for each in sequences]
    shapes = {index: row.shape[1:] for index, row in enumerate(rows) if len(row)}
    shape = next(iter(shapes.values()), ())
    for index, other in shapes.items():
        if other != shape:
            raise ValueError(
                f"pad_sequences: items of sequence {index} have the shape {other}, others {shape}"
            )
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    padded = np.full((len(rows), length, *shape), value, dtype)
    for target, row in zip(padded, rows, strict=True):
        kept = row[-length:] if truncating == "pre" else row[:length]
        if len(kept) and length:
            target[slice(-len(kept), None) if padding == "pre" else slice(len(kept))] = kept
    return padded
