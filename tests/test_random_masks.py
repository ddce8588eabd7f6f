"""The draws of dropout masks look random: frequencies, neighbours, keys and bits."""

import jax
import numpy as np
import pytest

from cornu import random

SHAPE = (512, 128)


def masks(count: int, p: float = 0.5, shape=SHAPE) -> np.ndarray:
    keys = jax.random.split(jax.random.key(7), count)
    return np.stack([np.asarray(random.bernoulli(shape, p, key), "float64") for key in keys])


@pytest.mark.parametrize("p", [0.001, 0.2, 0.5, 0.75, 0.999])
def test_each_is_true_as_often_as_it_should(p):
    drawn = masks(16, p)
    deviation = np.sqrt(p * (1 - p))
    for axis in (0, 1, 2):
        others = tuple(set(range(3)) - {axis})
        means = drawn.mean(others)
        draws = drawn.size / len(means)
        assert np.abs(means - p).max() < 5 * deviation / np.sqrt(draws) + 5 / draws  # rare ones come in lumps


def test_neighbours_and_other_keys_say_nothing_about_one():
    drawn = masks(32) * 2 - 1
    limit = 5 / np.sqrt(drawn.size)
    for axis in (0, 1, 2):
        for lag in (1, 2, 3, 8, 16):
            ahead = np.take(drawn, range(lag, drawn.shape[axis]), axis)
            behind = np.take(drawn, range(drawn.shape[axis] - lag), axis)
            assert abs((ahead * behind).mean()) < 1.3 * limit, (axis, lag)


@pytest.mark.parametrize("words", [(0, 1), (1, 0), (2**31, 5)])
def test_keys_of_one_bit_apart(words):
    for bit in (0, 7, 31):
        for place in (0, 1):
            other = np.array(words, "uint32")
            other[place] ^= np.uint32(1 << bit)
            pair = [
                np.asarray(random.bernoulli(SHAPE, 0.5, jax.random.wrap_key_data(data))) * 2.0 - 1
                for data in (np.array(words, "uint32"), other)
            ]
            assert abs((pair[0] * pair[1]).mean()) < 5 / np.sqrt(pair[0].size)


def test_runs_of_eight_are_all_equally_frequent():
    eights = masks(16).reshape(-1, 8) @ 2.0 ** np.arange(8)
    counts = np.bincount(eights.astype(int), minlength=256)
    expected = len(eights) / 256
    chi = ((counts - expected) ** 2 / expected).sum()
    assert 255 - 5 * np.sqrt(510) < chi < 255 + 5 * np.sqrt(510)


def test_zero_and_one_are_certain():
    assert (
        not np.asarray(random.bernoulli(SHAPE, 0.0, 3)).any()
        and np.asarray(random.bernoulli(SHAPE, 1.0, 3)).all()
    )
