"""CIFAR-10: 50,000 + 10,000 photographs of 32 x 32 pixels in 10 classes. (Krizhevsky 2009)"""

from . import cifar

__all__ = ["load_data"]

ARCHIVE = "cifar-10-python.tar.gz"
HASH = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
PARTS = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}


def load_data(*, origin: str | None = None):
    """`(x_train, y_train), (x_test, y_test)`: images `(n, 32, 32, 3)` or `(n, 3, 32, 32)` of bytes, classes `(n, 1)`.

    Args:
        origin: URL of an archive in the same format instead.

    Raises OSError where it cannot be downloaded.
    """
    return cifar.load("cifar-10-batches-py", ARCHIVE, HASH, origin, PARTS, "labels")
