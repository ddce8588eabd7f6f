"""Rows of numbers and a price, shuffled and parted: what the two housing datasets share."""

import numpy as np

from . import readers


def load(path: str, rows: int | None, test_split: float, seed: int):
    """`(x_train, y_train), (x_test, y_test)` of the first rows in a file, in an order that follows from a seed.

    Raises ValueError for a `test_split` that is no fraction.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split is a fraction from 0 to 1; got {test_split}")
    data = readers.read_npz(path)
    x, y = data["x"][:rows], data["y"][:rows]
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y, at = x[order], y[order], int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])
