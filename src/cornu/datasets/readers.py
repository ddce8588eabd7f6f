"""Files of datasets: pickles and NumPy archives, of which nothing but arrays and plain data comes out."""

import gzip
import io
import json
import pickle
import zipfile
from typing import IO, Any

import numpy as np

# what a pickle may name: the pieces of arrays, and containers
_ARRAYS = ("numpy.core.multiarray", "numpy._core.multiarray")
_BUFFERS = ("numpy.core.numeric", "numpy._core.numeric")
ALLOWED = {
    *((module, name) for module in _ARRAYS for name in ("_reconstruct", "scalar")),
    *((module, "_frombuffer") for module in _BUFFERS),
    *(("numpy", name) for name in ("dtype", "ndarray")),
    ("_codecs", "encode"),
    *((module, name) for module in ("builtins", "__builtin__") for name in ("bytearray", "complex", "set")),
}


class Unpickler(pickle.Unpickler):
    """Reads arrays and plain data; refuses whatever else a pickle names, since that could be any code."""

    def find_class(self, module: str, name: str):
        if (module, name) in ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f"The file names {module}.{name}, which is no array and no plain data: it was not read"
        )


def read_pickle(path: str, encoding: str = "ASCII") -> Any:
    """What is in a pickle, which may be compressed by gzip.

    Args:
        encoding: of strings that Python 2 wrote; 'bytes' leaves them as they are.

    Raises pickle.UnpicklingError for one that holds more than arrays and plain data.
    """
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if zipped else open(path, "rb") as file:
        return Unpickler(file, encoding=encoding).load()


def read_npz(path: str) -> dict[str, np.ndarray]:
    """The arrays of a NumPy archive by name, those of lists among them."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name.removesuffix(".npy"): _read_npy(io.BytesIO(archive.read(name))) for name in names}


def _read_npy(file: IO[bytes]) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
    if read(file)[2].hasobject:
        return Unpickler(file).load()
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def read_idx(path: str) -> np.ndarray:
    """The array of bytes in an IDX file compressed by gzip.

    Raises ValueError for another file.
    """
    with gzip.open(path, "rb") as file:
        data = file.read()
    if data[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is no IDX file of bytes")
    axes = data[3]
    shape = np.frombuffer(data, ">u4", axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_words(path: str) -> dict[str, int]:
    """A dictionary of words, as JSON or as a pickle."""
    with open(path, "rb") as file:
        if file.read(1) == b"{":
            file.seek(0)
            return json.load(file)
    return read_pickle(path, encoding="latin1")


def is_npz(path: str) -> bool:
    return zipfile.is_zipfile(path)
