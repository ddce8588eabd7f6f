"""MNIST: 60,000 + 10,000 handwritten digits of 28 x 28 pixels. (LeCun et al. 1998)"""

from .. import config
from . import readers
from .sources import AMAZON, GOOGLE, Source, fetch

__all__ = ["load_data"]

_NPZ = [
    Source(
        "mnist.npz",
        f"{GOOGLE}mnist.npz",
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    )
]
_IMAGES = f"{AMAZON}img-datasets/"
SOURCES = {
    1: [Source("mnist.pkl.gz", f"{_IMAGES}mnist.pkl.gz"), *_NPZ],
    2: [*_NPZ, Source("mnist.npz", f"{_IMAGES}mnist.npz", "8a61469f7ea1b51cbae51d4f78837e45")],
    3: _NPZ,
}


def load_data(path: str | None = None, *, origin: str | None = None):
    """`(x_train, y_train), (x_test, y_test)`: images `(n, 28, 28)` of bytes, and digits `(n,)`.

    Args:
        path: name in the cache, or path, of the file.
        origin: URL of a file in the same format instead.

    Raises OSError where nothing can be downloaded.
    """
    path = fetch(SOURCES[config.era()], path, origin)
    if not readers.is_npz(path):
        return readers.read_pickle(path, encoding="bytes")
    data = readers.read_npz(path)
    return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])
