"""The helpers of `keras.engine`, by what they are said to do."""

import itertools

import numpy as np
import pytest

from cornu import losses
from cornu.eras import engine

X = np.arange(12).reshape(6, 2)


def test_batches():
    assert engine.make_batches(5, 2) == [(0, 2), (2, 4), (4, 5)]
    np.random.seed(0)
    shuffled = engine.batch_shuffle(np.arange(11), 3)
    assert sorted(shuffled) == list(range(11)) and list(shuffled[9:]) == [9, 10]
    assert all(list(np.diff(each)) == [1, 1] for each in shuffled[:9].reshape(3, 3))


def test_slices():
    assert engine.slice_X(X, 2, 4).tolist() == X[2:4].tolist()
    assert [each.tolist() for each in engine.slice_X([X, X + 1], [0, 5])] == [
        X[[0, 5]].tolist(),
        (X + 1)[[0, 5]].tolist(),
    ]
    assert engine.slice_X(X, np.array([3])).tolist() == [[6, 7]]


def test_lists():
    assert engine.to_list(3) == [3] and engine.to_list([3]) == [3]
    assert engine.object_list_uid([X, X]) == engine.object_list_uid([X, X]) != engine.object_list_uid(X)


def test_data():
    assert [each.shape for each in engine.standardize_input_data(np.arange(4), ["x"])] == [(4, 1)]
    both = engine.standardize_input_data({"a": X, "b": X[:, 0]}, ["b", "a"], [(None, 1), (None, 2)])
    assert [each.shape for each in both] == [(6, 1), (6, 2)]
    for wrong, words in (
        (({"a": X}, ["b"]), "No data for b; there is some for a"),
        (([X, X], ["a"], None, True, "Error"), "Error: 1 arrays are needed; got 2"),
        ((X, ["a"], [(None, 3)], True, "Error"), r"Error: a needs shape \(None, 3\); got one of \(6, 2\)"),
    ):
        with pytest.raises(ValueError, match=words):
            engine.standardize_input_data(*wrong)


def test_weights():
    y = np.array([[0], [1], [1]])
    assert engine.standardize_weights(y).tolist() == [1, 1, 1]
    assert engine.standardize_weights(y, class_weight={0: 1.0, 1: 3.0}).tolist() == [1, 3, 3]
    assert engine.standardize_weights(y, [1, 2, 3], {0: 9.0}) == [1, 2, 3]
    assert engine.standardize_weights(np.zeros((2, 3, 1)), sample_weight_mode="temporal").shape == (2, 3)
    assert engine.standardize_class_weights({0: 1.0, 1: 2.0}, ["y"]) == [{0: 1.0, 1: 2.0}]
    assert engine.standardize_class_weights({"z": {0: 1.0}}, ["y", "z"]) == [None, {0: 1.0}]
    assert engine.standardize_sample_weights(None, ["y", "z"]) == [None, None]
    assert engine.standardize_sample_weights([X, None], ["y", "z"])[0] is X
    for wrong, words in (
        ((y, [1, 2]), r"take weights of shape \(3,\); got \(2,\)"),
        ((y, None, None, "temporal"), "targets with a time axis"),
        ((y, None, None, "daily"), "None or 'temporal'; got 'daily'"),
    ):
        with pytest.raises(ValueError, match=words):
            engine.standardize_weights(*wrong)


def test_checks():
    engine.check_array_lengths([X], [X[:, 0]], [None])
    with pytest.raises(ValueError, match=r"inputs \[6\], targets \[5\]"):
        engine.check_array_lengths([X], [X[:5]], [])
    engine.check_loss_and_target_compatibility([X], [losses.mean_squared_error], [(None, 2)])
    with pytest.raises(ValueError, match="has shape"):
        engine.check_loss_and_target_compatibility([X], [losses.mean_squared_error], [(None, 3)])


def test_metrics_and_losses():
    assert engine.collect_metrics(None, ["y", "z"]) == [[], []]
    assert engine.collect_metrics(["mae"], ["y", "z"]) == [["mae"], ["mae"]]
    assert engine.collect_metrics({"z": "mae"}, ["y", "z"]) == [[], ["mae"]]
    with pytest.raises(TypeError, match="metrics is a list"):
        engine.collect_metrics("mae", ["y"])
    y, p = np.zeros((3, 2), "float32"), np.array([[1, 1], [2, 2], [3, 3]], "float32")
    loss = engine.weighted_objective(losses.mean_squared_error)
    assert float(loss(y, p, np.array([1.0, 0.0, 2.0]))) == pytest.approx((1 + 2 * 9) / 2)


def test_a_queue_ahead_of_need():
    queued = engine.GeneratorEnqueuer(iter(range(20)))
    queued.start(nb_worker=2, max_q_size=3, wait_time=0.01)
    assert queued.is_running()
    assert sorted(queued.queue.get(timeout=5) for _ in range(20)) == list(range(20))
    queued.stop()
    assert not queued.is_running()
    endless = engine.GeneratorEnqueuer(itertools.count())
    endless.start(max_q_size=2, wait_time=0.01)
    assert endless.queue.get(timeout=5) == 0
    endless.stop(timeout=5)
    assert not endless.is_running()
