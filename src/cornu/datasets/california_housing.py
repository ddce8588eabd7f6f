"""California housing: 20,640 blocks with 8 numbers each, and the median value of houses. (Pace & Barry 1997)"""

from . import housing
from .sources import GOOGLE, Source, fetch

__all__ = ["load_data"]

SOURCES = [
    Source(
        "california_housing.npz",
        f"{GOOGLE}california_housing.npz",
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    )
]
ROWS = {"large": None, "small": 600}


def load_data(
    version: str = "large", path: str | None = None, test_split: float = 0.2, seed: int = 113, *,
    origin: str | None = None,
):  # fmt: skip
    """`(x_train, y_train), (x_test, y_test)`: numbers `(n, 8)`, and values in dollars `(n,)`.

    Args:
        version: 'large', or 'small' for the first 600 rows.
        path: name in the cache, or path, of the file.
        test_split: the part that is for testing.
        seed: of the order.
        origin: URL of a file in the same format instead.

    Raises ValueError for another version.
    """
    if version not in ROWS:
        raise ValueError(f"version is one of {', '.join(ROWS)}; got {version!r}")
    return housing.load(fetch(SOURCES, path, origin), ROWS[version], test_split, seed)
