"""Fashion-MNIST: 60,000 + 10,000 pictures of clothes in 10 classes, 28 x 28 pixels. (Xiao et al. 2017)"""

import os

from ..utils import files
from . import readers
from .sources import GOOGLE

__all__ = ["load_data"]

FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def load_data(*, origin: str | None = None):
    """`(x_train, y_train), (x_test, y_test)`: images `(n, 28, 28)` of bytes, and classes `(n,)`.

    Args:
        origin: URL of a folder with files of the same names and format instead.

    Raises OSError where they cannot be downloaded.
    """
    folder, base = os.path.join("datasets", "fashion-mnist"), (origin or GOOGLE).rstrip("/")
    names = [f"{name}-ubyte.gz" for name in FILES]
    paths = [files.get_file(fname=name, origin=f"{base}/{name}", cache_subdir=folder) for name in names]
    x_train, y_train, x_test, y_test = map(readers.read_idx, paths)
    return (x_train, y_train), (x_test, y_test)
