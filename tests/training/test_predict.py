"""`predict` over many batches gives what the batches give one by one."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.training import loop

X = np.random.default_rng(0).normal(size=(2 * loop.STACK * 4 + 7, 8, 3)).astype("float32")


def dense():
    return cornu.Sequential([cornu.Input((8, 3)), layers.Dense(4, "tanh"), layers.Flatten(), layers.Dense(2)])


def convolution():
    return cornu.Sequential([cornu.Input((8, 3)), layers.Conv1D(4, 3), layers.GlobalMaxPooling1D()])


def two_outputs():
    inputs = cornu.Input((8, 3))
    return cornu.Model(inputs, {"a": layers.LSTM(4)(inputs), "b": layers.BatchNormalization()(inputs)})


def flat(tree) -> list:
    return [tree[name] for name in sorted(tree)] if isinstance(tree, dict) else [tree]


@pytest.mark.parametrize("make", [dense, convolution, two_outputs])
@pytest.mark.parametrize("rows", [1, 4, loop.STACK * 4, len(X)])
def test_whatever_the_number_of_batches(make, rows):
    model = make()
    at_once, parts = model.predict(X[:rows], batch_size=4, verbose=0), []
    for start in range(0, rows, 4):
        parts.append(flat(model.predict_on_batch(X[start : min(start + 4, rows)])))
    for whole, pieces in zip(flat(at_once), zip(*parts, strict=True), strict=True):
        np.testing.assert_allclose(whole, np.concatenate(pieces), rtol=1e-6, atol=1e-6)


def test_the_short_way_for_what_was_predicted_before_sees_what_changed(monkeypatch):
    model, x, looked = dense(), X[:1], []
    expected = lambda: np.asarray(model(x))  # noqa: E731
    first = model.predict(x, verbose=0)
    np.testing.assert_allclose(first, expected(), rtol=1e-6)
    monkeypatch.setattr(type(model), "_check_inputs", lambda self, x: looked.append(1) or x)
    again = model.predict(x, verbose=0)
    assert np.array_equal(again, first) and not looked
    again[:] = 0  # it is the caller's own
    assert np.array_equal(model.predict_on_batch(x), first) and not looked

    model.layers[-1].set_weights([weight + 1 for weight in model.layers[-1].get_weights()])
    np.testing.assert_allclose(model.predict(x, verbose=0), expected(), rtol=1e-6)
    assert not looked
    model.predict(X[:2], verbose=0)
    assert looked  # of another shape


@pytest.mark.parametrize("compiled", [True, False])
def test_layers_that_are_added_or_taken_off_count_at_once(compiled):
    model, x = dense(), X[:4]
    if compiled:
        model.compile("sgd", "mse")
    model.predict(x, verbose=0)
    model.add(layers.Dense(5))
    assert model.predict(x, verbose=0).shape == model.predict_on_batch(x).shape == (4, 5)
    model.pop()
    model.pop()
    np.testing.assert_allclose(model.predict(x, verbose=0), np.asarray(model(x)), rtol=1e-6)
    whole = cornu.Model(model.inputs, model.outputs)
    whole.predict(x, verbose=0)
    whole.outputs = [model.layers[0].output]  # as programs of 2016 took the top off
    assert whole.predict(x, verbose=0).shape == (4, 8, 4)


def test_steps_end_it_early():
    assert dense().predict(X, batch_size=4, steps=loop.STACK + 3, verbose=0).shape == (
        4 * (loop.STACK + 3),
        2,
    )


def test_random_outputs_differ_from_batch_to_batch():
    class Noise(layers.Layer):
        def call(self, x):
            return x + cornu.random.normal(x.shape)

    model = cornu.Sequential([cornu.Input((1,)), Noise()])
    made = model.predict(np.zeros((loop.STACK * 4 * 2, 1)), batch_size=4, verbose=0)
    assert len(np.unique(made)) == len(made)


def test_callbacks_are_told_each_batch():
    class Told(cornu.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.batches = []

        def on_predict_batch_end(self, batch, logs=None):
            self.batches.append((batch, len(logs["outputs"])))

    told = Told()
    dense().predict(X, batch_size=4, verbose=0, callbacks=[told])
    assert told.batches == [(i, min(4, len(X) - 4 * i)) for i in range(-(-len(X) // 4))]


def test_nothing_compiles_again_for_data_of_another_length(monkeypatch):
    model, traced = dense(), []
    model.predict(X, batch_size=4, verbose=0)
    call = model.layers[0].call
    monkeypatch.setattr(model.layers[0], "call", lambda x: traced.append(x.shape) or call(x))
    model.predict(X[: loop.STACK * 4 + 4 + 7 - 4], batch_size=4, verbose=0)
    assert not traced
