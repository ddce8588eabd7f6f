"""Sequences: against Keras's own functions, which are those of Keras 1 and 2, and against their formulas."""

import os
import random

import numpy as np
import pytest

import cornu
from cornu.preprocessing import sequence

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="the oracle is Keras 3 on JAX")
old = pytest.importorskip("keras.src.legacy.preprocessing.sequence")

RAGGED = [[1], [2, 3], [], [4, 5, 6, 7]]
PAIRS = [[[1, 2]], [[3, 4], [5, 6]]]


@pytest.mark.parametrize(
    "given",
    [
        {"sequences": RAGGED},
        {"sequences": RAGGED, "maxlen": 2},
        {"sequences": RAGGED, "maxlen": 3, "padding": "post", "truncating": "post", "value": -1},
        {"sequences": RAGGED, "maxlen": 6, "dtype": "float32", "value": 0.5},
        {"sequences": PAIRS, "padding": "post"},
        {"sequences": PAIRS, "maxlen": 1, "truncating": "post"},
        {"sequences": [["a"], ["b", "cd"]], "dtype": object, "value": "none"},
        {"sequences": [["a"], ["b", "cd"]], "dtype": "<U4", "value": "none"},
        {"sequences": [np.arange(3), np.arange(5)], "maxlen": 4},
    ],
    ids=str,
)
def test_pad_sequences_as_keras(given):
    ours, theirs = sequence.pad_sequences(**given), keras.utils.pad_sequences(**given)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_pad_sequences_of_nothing():
    assert sequence.pad_sequences([]).shape == (0, 0)
    assert sequence.pad_sequences([[1, 2]], maxlen=0).shape == (1, 0)
    assert cornu.utils.pad_sequences(iter(RAGGED)).shape == (4, 4)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"sequences": [1, 2]}, "item 0 is 1"),
        ({"sequences": RAGGED, "padding": "left"}, "padding is 'pre' or 'post'"),
        ({"sequences": RAGGED, "truncating": "left"}, "truncating is"),
        ({"sequences": [[[1, 2]], [[1, 2, 3]]]}, r"sequence 1 have the shape \(3,\), others \(2,\)"),
        ({"sequences": RAGGED, "value": "a"}, "dtype=object"),
    ],
)
def test_pad_sequences_refuses(given, said):
    with pytest.raises(ValueError, match=said):
        sequence.pad_sequences(**given)


def test_sampling_table():
    table = sequence.make_sampling_table(1000, 1e-3)
    np.testing.assert_allclose(table, old.make_sampling_table(1000, 1e-3))
    rank = 500
    frequency = 1 / (rank * (np.log(rank) + 0.577) + 0.5 - 1 / (12 * rank))
    np.testing.assert_allclose(table[rank], min(1, (frequency / 1e-3) ** -0.5))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"window_size": 1, "negative_samples": 0},
        {"negative_samples": 2.5, "shuffle": False},
        {"categorical": True},
        {"sampling_table": np.linspace(0, 1, 10)},
        {"seed": 3},
    ],
    ids=str,
)
def test_skipgrams_as_keras(given):
    words = [3, 1, 0, 4, 1, 5, 9, 2, 6, 5]
    drawn = []
    for function in (sequence.skipgrams, old.skipgrams):
        random.seed(1)
        drawn.append(function(words, 10, **given))
    assert drawn[0] == drawn[1]


def test_skipgrams_of_nothing():
    assert sequence.skipgrams([0, 0], 5) == ([], [])


SERIES = np.arange(40.0).reshape(20, 2)
TARGETS = np.arange(20)


@pytest.mark.parametrize(
    "given",
    [
        {"length": 3},
        {"length": 4, "sampling_rate": 2, "batch_size": 5},
        {"length": 2, "stride": 3, "batch_size": 2},
        {"length": 2, "start_index": 4, "end_index": 12, "reverse": True, "batch_size": 3},
        {"length": 2, "shuffle": True, "batch_size": 4},
    ],
    ids=str,
)
def test_windows_as_keras(given):
    ours = sequence.TimeseriesGenerator(SERIES, TARGETS, **given)
    theirs = old.TimeseriesGenerator(SERIES, TARGETS, **given)
    assert len(ours) == len(theirs) > 0
    for index in range(len(ours)):
        batches = []
        for generator in (ours, theirs):
            np.random.seed(index)
            batches.append(generator[index])
        for a, b in zip(*batches, strict=True):
            np.testing.assert_array_equal(a, b)


def test_windows_as_json():
    made = sequence.TimeseriesGenerator(SERIES, TARGETS, 4, stride=2, start_index=1, batch_size=3)
    again = sequence.timeseries_generator_from_json(made.to_json())
    assert again.get_config() == made.get_config() and len(again) == len(made)
    for a, b in zip(made[1], again[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"targets": TARGETS[1:], "length": 2}, "data has 20 steps, targets have 19"),
        ({"targets": TARGETS, "length": 20}, "no window of 20 steps"),
    ],
)
def test_windows_refused(given, said):
    with pytest.raises(ValueError, match=said):
        sequence.TimeseriesGenerator(SERIES, **given)


def test_windows_in_fit():
    model = cornu.Sequential([cornu.layers.Flatten(input_shape=(3, 2)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    windows = sequence.TimeseriesGenerator(SERIES / 40, TARGETS / 20.0, 3, batch_size=4)
    history = model.fit(windows, epochs=2, verbose=0)
    assert history.params["steps"] == len(windows) and np.isfinite(history.history["loss"]).all()
