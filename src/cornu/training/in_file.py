"""Arrays that stay in their file while a model trains on them: their rows are read batch by batch."""

from collections.abc import Callable

import numpy as np

NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32"}


def is_in_file(x) -> bool:
    """Whether it is a dataset of h5py or an HDF5Matrix, and not an array."""
    return type(x).__module__.partition(".")[0] == "h5py" or getattr(x, "is_in_file", False)


def taker(rows: slice) -> Callable:
    """What takes rows next to each other of an array; those of a file stay there."""
    return lambda leaf: leaf.part(rows) if isinstance(leaf, InFile) else leaf[rows]


def whole(x):
    """An array as it is, or all rows of one in a file."""
    return x[:] if isinstance(x, InFile) else x


class InFile:
    """Rows of a file in the place of an array: some of them are read when they are asked for.

    Args:
        source: has `shape` and `dtype`, and gives rows for a slice, or for numbers in rising order.
        wide: whether numbers of 64 bits stay so.
        start, end: the first row, and the one after the last.
    """

    def __init__(self, source, wide: bool = False, start: int = 0, end: int | None = None):
        self.source, self.wide, self.start = source, wide, start
        self.end = source.shape[0] if end is None else end
        kind = np.dtype(source.dtype)
        self.dtype = np.dtype(kind if wide else NARROW.get(kind.name, kind))
        self.shape = (self.end - self.start, *source.shape[1:])
        self.ndim, self.nbytes = len(self.shape), int(np.prod(self.shape)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def part(self, rows: slice) -> "InFile":
        """Rows next to each other, still in the file."""
        start, end, _ = rows.indices(len(self))
        return InFile(self.source, self.wide, self.start + start, self.start + end)

    def __getitem__(self, rows) -> np.ndarray:
        if isinstance(rows, slice):
            start, end, step = rows.indices(len(self))
            read = self.source[self.start + start : self.start + end][::step]
        else:
            numbers, back = np.unique(np.asarray(rows) + self.start, return_inverse=True)
            read = self.source[numbers][back]  # HDF5 reads rows in order, each once
        return np.asarray(read, self.dtype)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)
