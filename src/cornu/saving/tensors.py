"""Weights in the format of the package safetensors: names and arrays, and nothing that could run."""

from typing import IO

import numpy as np

from .. import safety
from . import hdf5, objects


def _package():
    try:
        import safetensors.numpy  # imported here, since few need it
    except ModuleNotFoundError:
        raise ImportError(
            "Files of this kind need the package safetensors: pip install 'cornu[safetensors]'"
        ) from None
    return safetensors.numpy


def write(file: IO[bytes], model) -> None:
    """A model's weights, each under its path in a `.weights.h5` file: `layers/dense/vars/0`."""
    arrays = {
        f"{path}vars/{name}": np.ascontiguousarray(array).reshape(np.shape(array))
        for path, _, store in hdf5.stores(model)
        for name, array in store.items()
    }
    file.write(_package().save(arrays, {"format": "keras", "keras_version": objects.VERSION}))


def arrays(path) -> dict[str, np.ndarray]:
    """Name and array of everything in a file.

    Raises ValueError for what is no such file.
    """
    package = _package()
    try:
        return package.load_file(path)
    except (OSError, ValueError, KeyError, package.SafetensorError) as error:
        raise safety.UnsafeFile(f"{path} is no safetensors file that can be read: {error}") from None


def read(path, model, skip_mismatch: bool = False) -> None:
    """Read what `write` wrote; checked before the first weight changes."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays(path).items():
        place, _, key = name.rpartition("/")
        found.setdefault(place, {})[key] = array
    ordered = {
        place: dict(sorted(store.items(), key=lambda pair: hdf5.number(pair[0])))
        for place, store in found.items()
    }
    hdf5.read_stores(lambda place: ordered.get(f"{place}vars", {}), model, skip_mismatch=skip_mismatch)
