"""Boston housing: 506 tracts with 13 numbers each, and the median value of homes. (Harrison & Rubinfeld 1978)

One of its columns treats the share of black residents as something that sets prices: data to learn about data from,
not to build on.
"""

from . import housing
from .sources import GOOGLE, Source, fetch

__all__ = ["load_data"]

SOURCES = [
    Source(
        "boston_housing.npz",
        f"{GOOGLE}boston_housing.npz",
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    )
]


def load_data(
    path: str | None = None, test_split: float = 0.2, seed: int = 113, *, origin: str | None = None
):
    """`(x_train, y_train), (x_test, y_test)`: numbers `(n, 13)`, and values in 1,000 dollars `(n,)`.

    Args:
        path: name in the cache, or path, of the file.
        test_split: the part that is for testing.
        seed: of the order.
        origin: URL of a file in the same format instead.
    """
    return housing.load(fetch(SOURCES, path, origin), None, test_split, seed)
