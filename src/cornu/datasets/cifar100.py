"""CIFAR-100: 50,000 + 10,000 photographs of 32 x 32 pixels in 100 classes, or 20 larger ones. (Krizhevsky 2009)"""

from . import cifar

__all__ = ["load_data"]

ARCHIVE = "cifar-100-python.tar.gz"
HASH = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
PARTS = {"train": ["train"], "test": ["test"]}
MODES = ("fine", "coarse")


def load_data(label_mode: str = "fine", *, origin: str | None = None):
    """`(x_train, y_train), (x_test, y_test)`: images `(n, 32, 32, 3)` or `(n, 3, 32, 32)` of bytes, classes `(n, 1)`.

    Args:
        label_mode: 'fine' for 100 classes, 'coarse' for 20.
        origin: URL of an archive in the same format instead.

    Raises ValueError for another mode, OSError where it cannot be downloaded.
    """
    if label_mode not in MODES:
        raise ValueError(f"label_mode is one of {', '.join(MODES)}; got {label_mode!r}")
    return cifar.load("cifar-100-python", ARCHIVE, HASH, origin, PARTS, f"{label_mode}_labels")
