"""Arrays in files, and a question before one is overwritten."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..writing import replacing
from .h5dict import H5Dict, h5dict, load_from_binary_h5py, save_to_binary_h5py

__all__ = [
    "H5Dict",
    "HDF5Matrix",
    "ask_to_proceed_with_overwrite",
    "h5dict",
    "load_array",
    "load_from_binary_h5py",
    "save_array",
    "save_to_binary_h5py",
]


def _h5():
    try:
        import h5py  # imported here, since it takes a tenth of a second
    except ImportError:
        raise ImportError("HDF5 files need h5py: pip install h5py") from None
    return h5py


class HDF5Matrix:
    """A dataset in an HDF5 file in the place of an array: rows are read when they are asked for.

    Args:
        datapath: path of the file.
        dataset: name of the dataset in it.
        start, end: its first row, and the one after its last; all if not given.
        normalizer: function that changes what is read.

    Raises FileNotFoundError and KeyError for what is not there, IndexError for rows beyond it.

    Example:
        >>> save_array(np.arange(12).reshape(4, 3), "numbers.h5")
        >>> rows = HDF5Matrix("numbers.h5", "data", start=1, normalizer=lambda x: x / 10)
        >>> rows.shape, rows[0].tolist()
        ((3, 3), [0.3, 0.4, 0.5])
    """

    refs: dict[str, Any] = {}  # the open files
    is_in_file = True  # to `fit`, which reads its rows batch by batch

    def __init__(
        self, datapath: str | os.PathLike, dataset: str, start: int = 0, end: int | None = None,
        normalizer: Callable[[np.ndarray], np.ndarray] | None = None,
    ):  # fmt: skip
        path = os.fspath(datapath)
        if not os.path.exists(path):
            raise FileNotFoundError(f"{path}: there is no such file")
        if not self.refs.get(path):
            self.refs[path] = _h5().File(path, "r")
        file = self.refs[path]
        if dataset not in file:
            raise KeyError(f"{path} has no dataset {dataset!r}; it has {', '.join(file)}")
        self.data, self.start, self.normalizer = file[dataset], start, normalizer
        self.end = len(self.data) if end is None else end
        if not 0 <= self.start <= self.end <= len(self.data):
            raise IndexError(f"{dataset} has the rows 0 to {len(self.data)}; got start={start}, end={end}")
        self._like = self.data if normalizer is None else normalizer(self.data[start : start + 1])

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key):
        rows, *rest = key if isinstance(key, tuple) else (key,)
        read = self._read(rows)
        read = read[(slice(None) if np.ndim(read) == self.data.ndim else Ellipsis, *rest)] if rest else read
        return read if self.normalizer is None else self.normalizer(read)

    def _read(self, rows):
        if rows is None:
            raise TypeError(f"{self.data.name}: rows are numbers, slices or lists of numbers; got None")
        if isinstance(rows, slice):
            if rows.stop is not None and rows.stop > len(self):
                raise IndexError(f"{self.data.name} has {len(self)} rows here; got {rows}")
            numbers = range(*rows.indices(len(self)))
            if numbers.step == 1:
                return self.data[self.start + numbers.start : self.start + numbers.stop]
            rows = np.array(numbers, int)
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(int)
        if rows.size and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"{self.data.name} has {len(self)} rows here; got {rows.min()} to {rows.max()}")
        rows = rows % max(len(self), 1) + self.start
        if not rows.ndim:
            return self.data[int(rows)]
        unique, back = np.unique(rows, return_inverse=True)  # HDF5 reads rows in order, each once
        return self.data[unique][back]

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._like.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        return self._like.dtype

    @property
    def ndim(self) -> int:
        return self._like.ndim

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


def save_array(array, name: str | os.PathLike) -> None:
    """Write an array: `.npy` and `.npz` are NumPy's, any other name means HDF5.

    Args:
        array: what to write.
        name: path.
    """
    ending = os.path.splitext(os.fspath(name))[1]
    with replacing(name) as file:
        if ending == ".npy":
            np.save(file, array)
        elif ending == ".npz":
            np.savez(file, data=array)
        else:
            with _h5().File(file, "w") as h5:
                h5["data"] = np.asarray(array)


def load_array(name: str | os.PathLike) -> np.ndarray:
    """The array that `save_array`, of this library or of Keras 1, wrote."""
    with open(name, "rb") as file:
        zipped = file.read(2) in (b"PK", b"\x93N")
    if not zipped:
        with _h5().File(name, "r") as file:
            return file["data"][()]
    found = np.load(name, allow_pickle=False)
    return found if isinstance(found, np.ndarray) else found["data"]


def ask_to_proceed_with_overwrite(filepath: str | os.PathLike) -> bool:
    """Ask whether a file may be overwritten, until the answer is y or n."""
    answer = input(f"[WARNING] {filepath} already exists - overwrite? [y/n]").strip().lower()
    while answer not in ("y", "n"):
        answer = input('Enter "y" (overwrite) or "n" (cancel).').strip().lower()
    return answer == "y"
