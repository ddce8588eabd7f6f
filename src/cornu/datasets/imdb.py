"""IMDB: 25,000 + 25,000 reviews of films as lists of words, good (1) or bad (0). (Maas et al. 2011)"""

import numpy as np

from .. import config
from ..eras import border
from . import readers, words
from .sources import AMAZON, GOOGLE, Source, fetch

__all__ = ["get_word_index", "load_data"]

_NPZ = [
    Source(
        "imdb.npz",
        f"{GOOGLE}imdb.npz",
        "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    )
]
_JSON = [Source("imdb_word_index.json", f"{GOOGLE}imdb_word_index.json", "bfafd718b763782e994055a2d397834f")]
_TEXTS = f"{AMAZON}text-datasets/"
SOURCES = {
    1: [
        Source("imdb_full.pkl", f"{_TEXTS}imdb_full.pkl", "d091312047c43cf9e4e38fef92437263"),
        *_NPZ,
    ],
    2: [*_NPZ, Source("imdb.npz", f"{_TEXTS}imdb.npz", "599dadb1135973df5b59232a0e9a887c")],
    3: _NPZ,
}
INDICES = {
    1: [
        Source("imdb_word_index.pkl", f"{_TEXTS}imdb_word_index.pkl", "72d94b01291be4ff843198d3b0e1e4d7"),
        *_JSON,
    ],
    2: _JSON,
    3: _JSON,
}


@border.method("imdb.load_data")
def load_data(
    path: str | None = None, num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None,
    seed: int = 113, start_char: int | None = 1, oov_char: int | None = 2, index_from: int = 3, *,
    origin: str | None = None,
):  # fmt: skip
    """`(x_train, y_train), (x_test, y_test)`: arrays of lists of word numbers, and arrays of labels.

    Args:
        path: name in the cache, or path, of the file.
        num_words: rarer words than these become `oov_char`.
        skip_top: the most frequent words, as many as this, become it too.
        maxlen: only reviews with fewer words are kept. In eras 1 and 2 the rest is then parted where all were.
        seed: of the order.
        start_char: number at the beginning of each review, or None.
        oov_char: number of words that are cut out; None leaves them out.
        index_from: words have numbers from here on.
        origin: URL of a file in the same format instead.

    Raises ValueError where `maxlen` leaves nothing, OSError where nothing can be downloaded.
    """
    era = config.era()
    (x_train, y_train), (x_test, y_test) = _read(fetch(SOURCES[era], path, origin))
    if era == 1:  # which set NumPy's own random numbers
        np.random.seed(seed)
        train = words.shuffled(len(x_train), np.random)
        np.random.seed(seed * 2)
        test = words.shuffled(len(x_test), np.random)
    else:
        random = np.random.RandomState(seed)
        train, test = (words.shuffled(len(each), random) for each in (x_train, x_test))
    parts = []
    for x, y, order in ((x_train, y_train, train), (x_test, y_test, test)):
        x, y = words.numbered([x[i] for i in order], start_char, index_from), [y[i] for i in order]
        parts.append(words.shorter(x, y, maxlen if era == 3 else None))
    (x_train, y_train), (x_test, y_test) = parts
    at = len(x_train)
    x, y = words.shorter(x_train + x_test, y_train + y_test, maxlen if era < 3 else None)
    x, y = words.ragged(words.frequent(x, num_words, skip_top, oov_char)), np.array(y)
    return (x[:at], y[:at]), (x[at:], y[at:])


def _read(path: str):
    if not readers.is_npz(path):
        return readers.read_pickle(path)
    data = readers.read_npz(path)
    return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])


def get_word_index(path: str | None = None, *, origin: str | None = None) -> dict[str, int]:
    """The number of each word, from 1 on; in the data they are higher by `index_from`."""
    return readers.read_words(fetch(INDICES[config.era()], path, origin))
