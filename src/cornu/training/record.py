"""Plain data and arrays in an archive, and back, bit for bit: no code is in it, and none is run to read it."""

import base64
import json
import zipfile
from typing import Any

import jax
import numpy as np


def dump(tree, archive: zipfile.ZipFile, prefix: str = "") -> None:
    """Write numbers, text, bytes, arrays, and lists, tuples and dicts of them.

    Args:
        tree: what to write.
        archive: open for writing.
        prefix: what the names of its members begin with: `tree.json`, and `0.npy`, `1.npy`... for the arrays.

    Raises TypeError for anything else.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> with zipfile.ZipFile(file, "w") as archive:
        ...     dump({"step": 3, "pair": (np.arange(2), b"ab")}, archive)
        >>> load(zipfile.ZipFile(file))
        {'step': 3, 'pair': (array([0, 1]), b'ab')}
    """
    arrays: list[np.ndarray] = []
    archive.writestr(f"{prefix}tree.json", json.dumps(_told(tree, arrays)))
    for number, array in enumerate(arrays):
        with archive.open(f"{prefix}{number}.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array(file, array, allow_pickle=False)


def load(archive: zipfile.ZipFile, prefix: str = "") -> Any:
    """What `dump` wrote; arrays are NumPy's.

    Raises KeyError where there is nothing of the kind, zipfile.BadZipFile or ValueError where it is damaged.
    """

    def array(number: int, dtype: str) -> np.ndarray:
        with archive.open(f"{prefix}{number}.npy") as file:
            return np.lib.format.read_array(file, allow_pickle=False).view(dtype)

    return _meant(json.loads(archive.read(f"{prefix}tree.json")), array)


def _told(value, arrays: list):
    """A value as JSON; what JSON has no word for is a dict of one key."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return value
    if isinstance(value, np.generic) and not value.dtype.hasobject:
        return {"number": [value.dtype.name, value.tobytes().hex()]}
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(value)
        if array.dtype.hasobject or array.dtype.names:
            raise TypeError(f"an array of {array.dtype} cannot be written")
        # NumPy's files don't know the types that JAX adds
        plain = array if array.dtype.kind != "V" else array.view(f"uint{8 * array.dtype.itemsize}")
        arrays.append(plain)
        return {"array": [len(arrays) - 1, array.dtype.name if plain is not array else array.dtype.str]}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [_told(each, arrays) for each in value]
    if isinstance(value, tuple):
        return {"tuple": [_told(each, arrays) for each in value]}
    if isinstance(value, dict):
        return {"dict": [[_told(key, arrays), _told(each, arrays)] for key, each in value.items()]}
    raise TypeError(f"{type(value).__name__} is no plain data: it cannot be written")


def _meant(value, array):
    if isinstance(value, list):
        return [_meant(each, array) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "array":
        return array(*held)
    if kind == "number":
        return np.frombuffer(bytes.fromhex(held[1]), held[0])[0]
    if kind == "bytes":
        return base64.b64decode(held)
    if kind == "tuple":
        return tuple(_meant(each, array) for each in held)
    return {_meant(key, array): _meant(each, array) for key, each in held}
