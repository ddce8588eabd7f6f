"""Layers that hold layers, in `.keras` files: Keras 3 reads ours, we read theirs."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import numpy as np
import pytest

import cornu

keras = pytest.importorskip(
    "keras", reason="Keras 3 is the oracle here; install it with pip install keras==3.15.1"
)
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:__array__ implementation")]

X = np.random.default_rng(0).normal(size=(2, 6, 8)).astype("float32")


def network(of):
    """A model of every layer whose place in files is its own business."""
    make = of.layers
    x = of.Input((6, 8))
    y = make.Bidirectional(make.LSTM(3, return_sequences=True, dropout=0.2))(x)
    y = make.MultiHeadAttention(2, 3, dropout=0.1, use_gate=True)(y, y)
    y = make.GroupQueryAttention(3, 4, 2)(y, y)
    y = make.BatchNormalization()(make.LayerNormalization()(y))
    y = make.RNN([make.LSTMCell(3), make.GRUCell(2)], return_sequences=True)(y)
    y = make.SeparableConv1D(4, 2)(make.TimeDistributed(make.Dense(4))(y))
    y = make.PReLU()(make.Dropout(0.3)(make.SpectralNormalization(make.Dense(3))(y)))
    y = make.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")(make.GroupNormalization(1)(y))
    y = make.Attention(use_scale=True)([y, y])
    return of.Model(x, make.RMSNormalization()(make.SimpleRNN(3)(y)))


def test_files_go_both_ways(tmp_path):
    ours, theirs = network(cornu), network(keras)
    same = lambda one, two: np.testing.assert_allclose(one(X), two(X), rtol=1e-4, atol=1e-5)  # noqa: E731
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    same(ours, theirs)
    theirs.save(tmp_path / "theirs.keras")
    same(cornu.models.load_model(tmp_path / "theirs.keras"), theirs)
    ours.save(tmp_path / "ours.keras")
    same(keras.models.load_model(tmp_path / "ours.keras"), ours)
