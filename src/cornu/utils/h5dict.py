"""HDF5 groups and dicts as one kind of store, and HDF5 files in memory: what Keras 2 saved models through."""

import io
import os
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np

__all__ = ["H5Dict", "h5dict", "load_from_binary_h5py", "save_to_binary_h5py"]

CHUNK = 64512  # bytes an HDF5 attribute may have


def _h5():
    import h5py  # imported here, since it takes a tenth of a second

    return h5py


class H5Dict:
    """A store of arrays, words and further stores by name, in an HDF5 file or group, or in a dict.

    Arrays are datasets, anything else attributes; long lists are split over `name0`, `name1`... A name that holds
    nothing yet becomes a store of its own when it is asked for.

    Args:
        path: of a file; or an open HDF5 group, or a dict.
        mode: 'r', 'w' or 'a', as files are opened; 'w' empties a dict.

    Raises TypeError for another kind of `path`, KeyError where an array stands under the name already, and ValueError
    for what would change a store that was opened to be read.

    Example:
        >>> store = H5Dict({}, "w")
        >>> store["layers"]["names"] = ["a", "b"]
        >>> store["layers"]["names"], "weights" in store
        (['a', 'b'], False)
    """

    def __init__(self, path, mode: str = "a"):
        if not self.is_supported_type(path):
            raise TypeError(f"H5Dict: the path of a file, a group of one or a dict; got {path!r}")
        self._is_file = isinstance(path, str | os.PathLike)
        self.data = _h5().File(path, mode) if self._is_file else path
        self.read_only = mode == "r"
        if isinstance(path, dict):
            if mode == "w":
                path.clear()
            path["_is_group"] = True

    @staticmethod
    def is_supported_type(path) -> bool:
        """Whether a store can be made of it."""
        return isinstance(path, str | os.PathLike | dict) or isinstance(path, _h5().Group)

    def _may_change(self, name) -> None:
        if self.read_only:
            raise ValueError(f"H5Dict: {name!r} cannot be written, the store was opened to be read")

    def __setitem__(self, name, value) -> None:
        self._may_change(name)
        if isinstance(self.data, dict):
            self.data[_word(name)] = value
        elif name in self.data:
            raise KeyError(f"H5Dict: there is a group or an array {name!r} already")
        elif isinstance(value, np.ndarray | np.generic):
            self.data.create_dataset(name, data=value)
        elif isinstance(value, list | tuple):
            self._set_list(name, [each.encode() if isinstance(each, str) else each for each in value])
        else:
            self.data.attrs[name] = value

    def _set_list(self, name: str, values: list) -> None:
        long = [each for each in values if isinstance(each, bytes) and len(each) > CHUNK]
        if long:
            raise RuntimeError(
                f"H5Dict: an attribute has at most {CHUNK} bytes; {long[0][:40]!r}... has more"
            )
        array = np.asarray(values)
        if array.nbytes <= CHUNK:
            self.data.attrs[name] = array
            return
        rows = max(1, CHUNK // array[0].nbytes)
        for number, start in enumerate(range(0, len(array), rows)):
            self.data.attrs[f"{name}{number}"] = array[start : start + rows]

    def __getitem__(self, name) -> Any:
        if isinstance(self.data, dict):
            name = _word(name)
            if name not in self.data:
                self._may_change(name)
                self.data[name] = {"_is_group": True}
            value = self.data[name]
            return H5Dict(value) if isinstance(value, dict) and value.get("_is_group") else value
        if name in self.data.attrs:
            value = self.data.attrs[name]
            return value.tolist() if isinstance(value, np.ndarray) and value.dtype.kind == "S" else value
        if name in self.data:
            value = self.data[name]
            return np.asarray(value) if isinstance(value, _h5().Dataset) else H5Dict(value)
        if f"{name}0" in self.data.attrs:
            return self._joined(name)
        self._may_change(name)
        return H5Dict(self.data.create_group(name))

    def _joined(self, name: str) -> list:
        found, number = [], 0
        while f"{name}{number}" in self.data.attrs:
            found += [each.decode() for each in self.data.attrs[f"{name}{number}"]]
            number += 1
        return found

    def get(self, name, default=None):
        """What is under a name, or something else where nothing is."""
        return self[name] if name in self else default

    def __contains__(self, name) -> bool:
        return name in self.data or not isinstance(self.data, dict) and name in self.data.attrs

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator:
        return iter(self.data)

    iter = __iter__

    def __getattr__(self, name: str):
        """Whatever else the file, group or dict has."""
        return getattr(vars(self)["data"], name)

    def close(self) -> None:
        """Write what is not written yet, and close the file where this opened it."""
        if not isinstance(self.data, dict):
            self.data.file.flush()
        if self._is_file:
            self.data.close()

    def __enter__(self) -> "H5Dict":
        return self

    def __exit__(self, *_) -> None:
        self.close()


h5dict = H5Dict


def _word(name) -> str:
    return name.decode() if isinstance(name, bytes) else name


def load_from_binary_h5py(load_function: Callable, stream: IO[bytes]):
    """What `load_function` returns for an open HDF5 file, read from a stream of its bytes."""
    with _h5().File(io.BytesIO(stream.read()), "r") as file:
        return load_function(file)


def save_to_binary_h5py(save_function: Callable, stream: IO[bytes]):
    """Let `save_function` write into an HDF5 file in memory, and put its bytes into a stream; returns what it does."""
    image = io.BytesIO()
    with _h5().File(image, "w") as file:
        result = save_function(file)
    stream.write(image.getvalue())
    return result
