"""Sequences: rows of one length, pairs of neighbours for word vectors, windows of a time series."""

import json
import random
from typing import Any

import numpy as np

from ..utils.data import PyDataset
from ..utils.numeric import pad_sequences

__all__ = [
    "TimeseriesGenerator",
    "make_sampling_table",
    "pad_sequences",
    "skipgrams",
    "timeseries_generator_from_json",
]


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """How likely each word is kept, from the most frequent on: `min(1, sqrt(factor / frequency))`.

    By Zipf's law the word of rank r has the frequency `1 / (r (log r + 0.577) + 1/2 - 1/(12 r))`; rank 0, which is
    no word, is treated as rank 1. (Mikolov et al. 2013; Keras 1.2.2)

    Args:
        size: how many words.
        sampling_factor: the frequency above which words are left out.

    Returns an array `(size,)` for `skipgrams`.
    """
    rank = np.maximum(np.arange(size), 1)
    frequency = 1 / (rank * (np.log(rank) + 0.577) + 0.5 - 1 / (12 * rank))
    return np.minimum(1.0, np.sqrt(sampling_factor / frequency))


def skipgrams(
    sequence, vocabulary_size: int, window_size: int = 4, negative_samples: float = 1.0, shuffle: bool = True,
    categorical: bool = False, sampling_table=None, seed: int | None = None,
) -> tuple[list[list[int]], list]:  # fmt: skip
    """Pairs of words that stand near one another, and pairs with a random word.

    Args:
        sequence: list of word numbers; 0 is no word and is left out.
        vocabulary_size: one more than the largest number.
        window_size: how far apart two words may be.
        negative_samples: random pairs for each real one.
        shuffle: whether the pairs come in random order.
        categorical: whether labels are `[0, 1]` and `[1, 0]`, not 1 and 0.
        sampling_table: array of how likely each word is kept, from `make_sampling_table`.
        seed: int for the order; numbers come from Python's `random`.

    Returns `(pairs, labels)`; real pairs have the label 1. (Mikolov et al. 2013)

    Example:
        >>> skipgrams([1, 2], 3, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1]], [1, 1])
    """
    real, chance = ([0, 1], [1, 0]) if categorical else (1, 0)
    pairs: list[list[int]] = []
    for i, word in enumerate(sequence):
        if not word or sampling_table is not None and sampling_table[word] < random.random():
            continue
        near = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        pairs += [[word, sequence[j]] for j in near if j != i and sequence[j]]
    labels = [real] * len(pairs)
    if negative_samples > 0 and pairs:
        words = [word for word, _ in pairs]
        random.shuffle(words)
        count = int(len(pairs) * negative_samples)
        pairs += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]
        labels += [chance] * count
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for each in (pairs, labels):
            random.seed(seed)
            random.shuffle(each)
    return pairs, labels


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a time series, each with the target of the step that follows it.

    Args:
        data: array `(time, ...)`.
        targets: array `(time, ...)` of the same length.
        length: time steps that a window spans.
        sampling_rate: of these, every so-manieth is taken.
        stride: time steps between two windows.
        start_index, end_index: the part of the series that is used; by default all of it.
        shuffle: whether windows are drawn at random.
        reverse: whether a window runs backwards in time.
        batch_size: windows in a batch.

    A batch is `(windows (batch, length / sampling_rate, ...), targets (batch, ...))`.
    Raises ValueError for different lengths and where no window is left.

    Example:
        >>> series = np.arange(5.0)
        >>> x, y = TimeseriesGenerator(series, series, length=2, batch_size=3)[0]
        >>> x.tolist(), y.tolist()
        ([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]], [2.0, 3.0, 4.0])
    """

    def __init__(
        self, data, targets, length: int, sampling_rate: int = 1, stride: int = 1, start_index: int = 0,
        end_index: int | None = None, shuffle: bool = False, reverse: bool = False, batch_size: int = 128,
        **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise ValueError(f"TimeseriesGenerator: data has {len(data)} steps, targets have {len(targets)}")
        self.data, self.targets, self.length = data, targets, length
        self.sampling_rate, self.stride = sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: no window of {length} steps lies between the steps {start_index} and "
                f"{self.end_index}"
            )

    def __len__(self) -> int:
        windows = (self.end_index - self.start_index) // self.stride + 1
        return -(-windows // self.batch_size)

    def __getitem__(self, index: int):
        span = self.batch_size * self.stride
        first = self.start_index + span * index
        rows = np.arange(first, min(first + span, self.end_index + 1), self.stride)
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        windows = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        return windows[:, :: -1 if self.reverse else 1], np.array([self.targets[row] for row in rows])

    def get_config(self) -> dict[str, Any]:
        """All arguments, with data and targets as JSON."""
        return {
            "data": json.dumps(np.asarray(self.data).tolist()),
            "targets": json.dumps(np.asarray(self.targets).tolist()),
            "length": self.length,
            "sampling_rate": self.sampling_rate,
            "stride": self.stride,
            "start_index": self.start_index - self.length,
            "end_index": self.end_index,
            "shuffle": self.shuffle,
            "reverse": self.reverse,
            "batch_size": self.batch_size,
        }

    def to_json(self, **kwargs) -> str:
        """The whole generator as JSON, for `timeseries_generator_from_json`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def timeseries_generator_from_json(json_string: str) -> TimeseriesGenerator:
    """A generator from what `to_json` returned."""
    config = json.loads(json_string)["config"]
    arrays = {name: np.array(json.loads(config.pop(name))) for name in ("data", "targets")}
    return TimeseriesGenerator(**arrays, **config)


def _remove_long_seq(maxlen: int, seq, label) -> tuple[list, list]:
    """The sequences shorter than `maxlen`, and their labels."""
    kept = [(each, mark) for each, mark in zip(seq, label, strict=True) if len(each) < maxlen]
    return [each for each, _ in kept], [mark for _, mark in kept]
