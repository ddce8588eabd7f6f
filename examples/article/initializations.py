"""Initializations: by name, as functions, and of one's own."""

import numpy as np
from keras import initializations
from keras.initializations import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    identity,
    lecun_uniform,
    normal,
    one,
    orthogonal,
    uniform,
    zero,
)
from keras.layers.core import Dense
from keras.models import Sequential

np.random.seed(1337)

# By name.
print("%-15s %8s %8s %8s" % ("init", "mean", "std", "max"))
for init in (
    "uniform",
    "lecun_uniform",
    "normal",
    "identity",
    "orthogonal",
    "zero",
    "one",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
):
    model = Sequential()
    model.add(Dense(200, init=init, input_dim=200))
    W = model.layers[0].get_weights()[0]
    print("%-15s %8.4f %8.4f %8.4f" % (init, W.mean(), W.std(), W.max()))
    if init == "uniform":
        assert abs(W).max() <= 0.05 and abs(W.std() - 0.05 / np.sqrt(3)) < 1e-3
    if init == "orthogonal":
        assert np.allclose(W.dot(W.T), 1.1**2 * np.eye(200), atol=1e-4)
    if init == "glorot_normal":
        assert abs(W.std() - np.sqrt(2.0 / 400)) < 1e-3 and abs(W).max() > 3 * W.std()

# As functions.
for function in (
    uniform,
    normal,
    lecun_uniform,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    orthogonal,
    identity,
    zero,
    one,
):
    model = Sequential()
    model.add(Dense(30, init=function, input_dim=30))
    assert initializations.get(function.__name__) is function
    W = model.layers[0].get_weights()[0]
    assert W.shape == (30, 30) and (W != 0).any() == (function is not zero)


# Of one's own.
def my_init(shape, name=None):
    return initializations.normal(shape, scale=0.01, name=name)


model = Sequential()
model.add(Dense(64, init=my_init, input_dim=100))
assert abs(model.get_weights()[0].std() - 0.01) < 1e-3
model.add(Dense(64, init=uniform))
model.compile(loss="mse", optimizer="sgd")
print("done")
