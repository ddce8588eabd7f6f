"""Losses that are no finite numbers: told once with the step, and by `nan_guard` the layer where they begin."""

import warnings

import jax
import numpy as np
import pytest

import cornu
from cornu import layers, ops

X = np.random.default_rng(0).normal(size=(48, 4)).astype("float32")
BAD = X.copy()
BAD[20] = np.nan  # in the third batch


class Log(layers.Layer):
    def call(self, x):
        return ops.log(x)


class Deep(layers.Layer):
    """Layers within a layer."""

    def __init__(self):
        super().__init__(name="deep")
        self.inner, self.log = layers.Dense(3, name="inner"), Log(name="log")

    def call(self, x):
        return self.log(self.inner(x))


def model(*middle, loss="mse", optimizer="sgd", last=None):
    made = cornu.Sequential([cornu.Input((4,)), *middle, last or layers.Dense(1, name="last")])
    made.compile(optimizer, loss)
    return made


def fit(made, x=X, **more):
    return made.fit(x, X[:, :1], batch_size=8, shuffle=False, verbose=0, **more)


def told(made, x=X, **more):
    with pytest.raises(FloatingPointError) as raised, cornu.debug.nan_guard():
        fit(made, x, **more)
    return str(raised.value)


def test_fit_says_it_once_with_the_step():
    each = cornu.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    with pytest.warns(RuntimeWarning, match="the loss is nan, since batch 3 of epoch 1.*nan_guard") as found:
        fit(model(), BAD, epochs=3, callbacks=[each])
    assert len([each for each in found if issubclass(each.category, RuntimeWarning)]) == 1


def test_fit_says_between_which_steps_where_it_did_not_look_at_each():
    with pytest.warns(RuntimeWarning, match="since (one of the batches 2 to 6|batch 3) of epoch 1"):
        fit(model(), BAD)


def test_finite_losses_are_no_news():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model(), epochs=2)
        with cornu.debug.nan_guard():
            fit(model(layers.Dense(3), layers.Dropout(0.2), layers.BatchNormalization()), epochs=2)


def test_the_first_layer_is_named_with_its_numbers():
    said = told(model(layers.Dense(3, name="first"), Log(name="log")))
    assert "since batch 1 of epoch 1" in said and "that of Log 'log', of shape (8, 3)" in said
    assert "Its inputs and weights are finite." in said


def test_numbers_are_those_of_numpy():
    layer, x = Log(name="log"), np.array([[-1.0, 0.0, 1.0, np.e]], "float32")
    with pytest.raises(FloatingPointError, match="of 4 numbers 1 NaN and 1 infinite") as raised:
        with cornu.debug.nan_guard():
            layer(x)
    assert "the others lie from 0 to 1, mean 0.5" in str(raised.value)


def test_data_that_is_not_finite():
    said = told(model(layers.Dense(3, name="first")), BAD)
    assert "since batch 3" in said and "Dense 'first'" in said
    assert "of 24 numbers 3 NaN" in said and "look at the data" in said


def test_weights_that_are_not_finite():
    made = model(layers.Dense(3, name="first"))
    made.layers[0].kernel.assign(np.full((4, 3), np.inf))
    assert "'first'" in (said := told(made)) and "Its weights are not finite since the last update" in said


def test_a_loss_that_is_not_finite():
    said = told(model(loss=lambda y, p: ops.log(-ops.abs(p))))
    assert "All layers return finite numbers" in said


def test_within_layers_and_loops():
    assert "that of Log 'log'" in told(model(Deep()))
    loop = model(layers.Reshape((2, 2)), layers.Bidirectional(layers.GRU(2), name="loop"))
    loop.get_layer("loop").forward_layer.cell.kernel.assign(np.full((2, 6), np.nan))
    said = told(loop)
    assert "GRU" in said and "'loop'" not in said and "weights are not finite" in said


@pytest.mark.parametrize("eagerly", [True, False])
def test_outside_of_fit_the_call_tells(eagerly):
    made = model(layers.Dense(3, name="first"))
    made.compile("sgd", "mse", run_eagerly=eagerly)
    weights = made.get_weights()
    for call in (
        lambda: made.predict(BAD, verbose=0),
        lambda: made.evaluate(BAD, X[:, :1], verbose=0),
        lambda: made.train_on_batch(BAD[16:24], X[16:24, :1]),
        lambda: made.predict_on_batch(BAD[16:24]),
        lambda: made(BAD),
        lambda: made.layers[0](BAD),
    ):
        with cornu.debug.nan_guard():
            for _ in range(2):
                with pytest.raises(FloatingPointError, match="Dense 'first'"):
                    call()
                made.set_weights(weights)
            assert np.isfinite(made.predict(X, verbose=0)).all()  # what was told is over


def test_what_is_compiled_elsewhere_tells_at_the_end_of_the_with():
    layer = layers.Dense(3, name="first")
    layer(X)
    with pytest.raises(FloatingPointError, match="Dense 'first'"):
        with cornu.debug.nan_guard():
            jax.jit(lambda x: layer(x))(BAD)
            passed = True
    assert passed


def test_the_guard_changes_no_number():
    def run():
        cornu.utils.set_random_seed(1)
        return fit(model(layers.Dense(8, "relu"), layers.Dropout(0.5)), epochs=2).history["loss"]

    wanted = run()
    with cornu.debug.nan_guard():
        assert np.allclose(run(), wanted, rtol=1e-6)
    assert run() == wanted
