"""Texts as lists of numbers, the more frequent words having the smaller ones: what IMDB and Reuters share."""

from collections.abc import Sequence

import numpy as np

from .. import config

Texts = list[list[int]]


def ragged(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """An array of lists."""
    made = np.empty(len(rows), object)
    made[:] = rows
    return made


def shuffled(size: int, random) -> list[int]:
    """The numbers from 0 on in another order."""
    order = list(range(size))
    random.shuffle(order)
    return order


def numbered(texts, start_char: int | None, index_from: int) -> Texts:
    """Texts whose words have numbers from `index_from` on, after `start_char` if there is one."""
    if start_char is None:
        return [[word + index_from for word in text] for text in texts]
    return [[start_char, *(word + index_from for word in text)] for text in texts]


def shorter(texts: Texts, labels, maxlen: int | None) -> tuple[Texts, list]:
    """The texts, and their labels, that have fewer than `maxlen` words; all if that is None.

    Raises ValueError where there is none.
    """
    kept = [row for row, text in enumerate(texts) if not maxlen or len(text) < maxlen]
    if texts and not kept:
        raise ValueError(f"No text has fewer than {maxlen} words: give a larger maxlen")
    return [texts[row] for row in kept], [labels[row] for row in kept]


def frequent(texts: Texts, num_words: int | None, skip_top: int, oov_char: int | None) -> Texts:
    """Texts in which words outside `skip_top <= word < num_words` are `oov_char`.

    Where that is None they are left out; in Keras 1, and in era 1, it is the words within that are left out.
    """
    limit = num_words or max(map(max, texts))
    if oov_char is not None:
        return [[word if skip_top <= word < limit else oov_char for word in text] for text in texts]
    kept = config.era() > 1
    return [[word for word in text if (skip_top <= word < limit) == kept] for text in texts]
