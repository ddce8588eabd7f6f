"""Texts as words, and words as numbers."""

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import config
from ..base import Configurable

__all__ = [
    "Tokenizer",
    "base_filter",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
TABLES = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")  # what a Tokenizer learns
NUMBERED = ("index_docs", "index_word")  # those whose keys are numbers


def base_filter() -> str:
    """The characters that are taken out of texts, as Keras 1.0 asked for them."""
    return FILTERS


def text_to_word_sequence(
    text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text.

    Args:
        text: one text.
        filters: characters that end a word and are left out.
        lower: whether to make the text lower case.
        split: what stands between two words.

    Example:
        >>> text_to_word_sequence("To be, or not to be")
        ['to', 'be', 'or', 'not', 'to', 'be']
    """
    text = text.lower() if lower else text
    words = text.translate(str.maketrans(dict.fromkeys(filters, split))).split(split)
    return [word for word in words if word]


def hashing_trick(
    text: str, n: int, hash_function: Callable[[str], int] | str | None = None, filters: str = FILTERS,
    lower: bool = True, split: str = " ", analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:  # fmt: skip
    """The words of a text as numbers from 1 to n - 1, by their hash; different words may meet.

    Args:
        text: one text.
        n: one more than the largest number.
        hash_function: from a word to an int; 'md5' is the same in every run, `hash` (None) is not.
        filters, lower, split: as in `text_to_word_sequence`.
        analyzer: function that splits the text instead.

    Example:
        >>> hashing_trick("to be or not to be", 10, "md5")
        [5, 3, 5, 3, 5, 3]
    """
    if hash_function is None:
        hash_function = (lambda word: abs(hash(word))) if config.era() == 1 else hash
    elif hash_function == "md5":
        hash_function = _md5
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [hash_function(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def one_hot(
    text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:  # fmt: skip
    """The words of a text as numbers from 1 to n - 1: `hashing_trick` with Python's `hash`."""
    return hashing_trick(text, n, None, filters, lower, split, analyzer)


# what a word that occurs c times is worth in a row: mode -> (c, words of the row, idf of the word)
MODES = {
    "binary": lambda count, words, idf: 1,
    "count": lambda count, words, idf: count,
    "freq": lambda count, words, idf: count / words,
    "tfidf": lambda count, words, idf: (1 + np.log(count)) * idf,
}


class Tokenizer(Configurable):
    """Numbers the words of texts, the most frequent first, and turns texts into lists or rows of these numbers.

    0 is the number of no word. A second call of a `fit` method adds to what is known; in era 1 it counts texts anew.

    Args:
        num_words: only words with smaller numbers are used; all if None.
        filters, lower, split: as in `text_to_word_sequence`.
        char_level: whether every character is a word.
        oov_token: word that stands for unknown ones; it gets the number 1. They are left out if None.
        analyzer: function that splits a text instead.
        document_count: how many texts have been seen.

    Attributes:
        word_counts, word_docs: how often each word occurs, and in how many texts.
        word_index, index_word: the number of each word, and back.
        index_docs: in how many texts each number occurs.

    Example:
        >>> words = Tokenizer()
        >>> words.fit_on_texts(["to be or not to be", "be it so"])
        >>> words.texts_to_sequences(["not to be"])
        [[4, 2, 1]]
    """

    def __init__(
        self, num_words: int | None = None, filters: str = FILTERS, lower: bool = True, split: str = " ",
        char_level: bool = False, oov_token: str | None = None,
        analyzer: Callable[[str], list[str]] | None = None, document_count: int = 0,
    ):  # fmt: skip
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.document_count = document_count
        self.word_counts: dict[str, int] = {}
        self.word_docs: dict[str, int] = collections.defaultdict(int)
        self.index_docs: dict[int, int] = collections.defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: str | Sequence[str]) -> Sequence[str]:
        """The words of one text; a list is one that has been split."""
        if self.char_level or isinstance(text, list):
            if not self.lower or self._era == 1:  # which left characters as they were
                return text
            return [word.lower() for word in text]
        if self.analyzer:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def _forget_texts(self) -> None:
        if self._era == 1:
            self.document_count = 0
            self.index_docs.clear()

    def fit_on_texts(self, texts: Iterable[str | list[str]]) -> None:
        """Learn the words of some texts (or lists of words)."""
        self._forget_texts()
        for text in texts:
            words = self._words(text)
            self.document_count += 1
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        known = sorted(self.word_counts, key=self.word_counts.get, reverse=True)
        known = known if self.oov_token is None else [self.oov_token, *known]
        self.word_index = {word: number for number, word in enumerate(known, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        self.index_docs.update({self.word_index[word]: count for word, count in self.word_docs.items()})

    def fit_on_sequences(self, sequences: Iterable[Iterable[int]]) -> None:
        """Learn in how many sequences each number occurs."""
        self._forget_texts()
        for numbers in sequences:
            self.document_count += 1
            for number in set(numbers):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Iterable[str | list[str]]) -> list[list[int]]:
        """The numbers of the words of each text; unknown words are left out, or the `oov_token`."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[str | list[str]]) -> Iterator[list[int]]:
        """The same, text by text."""
        for text in texts:
            yield self._known(map(self.word_index.get, self._words(text)))

    def _known(self, numbers: Iterable[int | None]) -> list[int]:
        """Numbers that count, with the `oov_token`'s in place of the others, or without these."""
        unknown = self.word_index.get(self.oov_token)
        limit = self.num_words or np.inf
        known = (unknown if number is None or number >= limit else number for number in numbers)
        return [number for number in known if number is not None]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Texts of the words that have these numbers."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """The same, sequence by sequence."""
        for numbers in sequences:
            found = self._known(number if number in self.index_word else None for number in numbers)
            yield " ".join(self.index_word[number] for number in found)

    def texts_to_matrix(self, texts: Iterable[str | list[str]], mode: str = "binary") -> np.ndarray:
        """A row a text, a column a number: `sequences_to_matrix` of `texts_to_sequences`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: str = "binary") -> np.ndarray:
        """A row a sequence, a column a number.

        Args:
            sequences: lists of numbers.
            mode: what a number that occurs c times in a row of n counts: 'binary' 1, 'count' c, 'freq' c / n, 'tfidf'
                `(1 + log c) log(1 + texts / (1 + texts with it))`.

        Returns an array `(len(sequences), num_words)`, of one column more than there are words if that is None.
        Raises ValueError for another mode, and where nothing is known of the columns or the texts.
        """
        if mode not in MODES:
            raise ValueError(f"Tokenizer: mode is one of {', '.join(MODES)}; got {mode!r}")
        if not self.num_words and not self.word_index:
            raise ValueError(
                "Tokenizer: how many words are there? Call fit_on_texts first, or give num_words"
            )
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: 'tfidf' needs texts to have been seen: call a fit method first")
        columns = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), columns))
        for row, numbers in zip(matrix, sequences, strict=True):
            for number, count in collections.Counter(numbers).items():
                if number < columns:
                    texts = self.index_docs.get(number, 0)
                    idf = np.log(1 + self.document_count / (1 + texts))
                    row[number] = MODES[mode](count, len(numbers), idf)
        return matrix

    def get_config(self) -> dict[str, Any]:
        """The arguments, and what was learned as JSON."""
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        learned = {name: json.dumps(getattr(self, name)) for name in TABLES}
        return {name: getattr(self, name) for name in names} | learned

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Tokenizer":
        """A tokenizer from what `get_config` returned."""
        made = cls(**{name: value for name, value in config.items() if name not in TABLES})
        for name in TABLES:
            table = json.loads(config[name])
            if name in NUMBERED:
                table = {int(key): value for key, value in table.items()}
            getattr(made, name).update(table)
        return made

    def to_json(self, **kwargs) -> str:
        """The whole tokenizer as JSON, for `tokenizer_from_json`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """A tokenizer from what `to_json` returned."""
    return Tokenizer.from_config(json.loads(json_string)["config"])
