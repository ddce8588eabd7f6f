"""Reuters: 11,228 news as lists of words, on 46 topics. (Reuters-21578)"""

import numpy as np

from .. import config
from ..eras import border
from . import readers, words
from .sources import AMAZON, GOOGLE, Source, fetch

__all__ = ["get_label_names", "get_word_index", "load_data"]

_NPZ = [
    Source(
        "reuters.npz",
        f"{GOOGLE}reuters.npz",
        "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    )
]
_JSON = [
    Source("reuters_word_index.json", f"{GOOGLE}reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")
]
_TEXTS = f"{AMAZON}text-datasets/"
SOURCES = {
    1: [Source("reuters.pkl", f"{_TEXTS}reuters.pkl"), *_NPZ],
    2: [*_NPZ, Source("reuters.npz", f"{_TEXTS}reuters.npz", "87aedbeb0cb229e378797a632c1997b6")],
    3: _NPZ,
}
INDICES = {
    1: [Source("reuters_word_index.pkl", f"{_TEXTS}reuters_word_index.pkl"), *_JSON],
    2: _JSON,
    3: _JSON,
}
TOPICS = """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude
    nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel
    rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead
"""


@border.method("reuters.load_data")
def load_data(
    path: str | None = None, num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None,
    test_split: float = 0.2, seed: int = 113, start_char: int | None = 1, oov_char: int | None = 2,
    index_from: int = 3, *, origin: str | None = None,
):  # fmt: skip
    """`(x_train, y_train), (x_test, y_test)`: lists of word numbers, and topics; as arrays, in era 1 as lists.

    Args:
        path: name in the cache, or path, of the file.
        num_words: rarer words than these become `oov_char`.
        skip_top: the most frequent words, as many as this, become it too.
        maxlen: only news with fewer words are kept.
        test_split: the part that is for testing.
        seed: of the order.
        start_char: number at the beginning of each text, or None.
        oov_char: number of words that are cut out; None leaves them out.
        index_from: words have numbers from here on.
        origin: URL of a file in the same format instead.

    Raises ValueError where `maxlen` leaves nothing, OSError where nothing can be downloaded.
    """
    era, path = config.era(), fetch(SOURCES[config.era()], path, origin)
    if readers.is_npz(path):
        data = readers.read_npz(path)
        x, y = data["x"], data["y"]
    else:
        x, y = readers.read_pickle(path)
    random = np.random.RandomState(seed)
    if era == 1:  # which set NumPy's own random numbers
        np.random.seed(seed)
        random = np.random
    order = words.shuffled(len(x), random)
    x = words.numbered([x[i] for i in order], start_char, index_from)
    x, y = words.shorter(x, [y[i] for i in order], maxlen)
    x = words.frequent(x, num_words, skip_top, oov_char)
    at = int(len(x) * (1 - test_split))
    x, y = (x, y) if era == 1 else (words.ragged(x), np.array(y))
    return (x[:at], y[:at]), (x[at:], y[at:])


def get_word_index(path: str | None = None, *, origin: str | None = None) -> dict[str, int]:
    """The number of each word, from 1 on; in the data they are higher by `index_from`."""
    return readers.read_words(fetch(INDICES[config.era()], path, origin))


def get_label_names() -> tuple[str, ...]:
    """The topics in the order of their labels.

    Example:
        >>> get_label_names()[3]
        'earn'
    """
    return tuple(TOPICS.split())
