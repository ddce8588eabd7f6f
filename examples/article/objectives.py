"""Objectives: by name and as functions; a model is compiled with one after the other."""

import numpy as np
from keras import objectives
from keras.layers.core import Activation, Dense
from keras.models import Sequential
from keras.utils import np_utils
from sklearn.datasets import load_iris

np.random.seed(1337)
X, y = load_iris(return_X_y=True)
X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype("float32")
Y = np_utils.to_categorical(y, 3)

model = Sequential()
model.add(Dense(8, input_dim=4, init="uniform", activation="tanh"))
model.add(Dense(3))
model.add(Activation("softmax"))

# Twice in a row, with different objectives.
model.compile(loss="mean_squared_error", optimizer="sgd")
model.compile(loss="mean_absolute_error", optimizer="sgd")
first = model.evaluate(X, Y, verbose=0)
assert np.isclose(first, abs(model.predict(X) - Y).mean(), atol=1e-6)
model.compile(loss="mean_squared_error", optimizer="sgd")
assert np.isclose(model.evaluate(X, Y, verbose=0), ((model.predict(X) - Y) ** 2).mean(), atol=1e-6)

for loss in (
    "mean_squared_error",
    "mse",
    "mean_absolute_error",
    "mae",
    "mean_absolute_percentage_error",
    "mape",
    "mean_squared_logarithmic_error",
    "msle",
    "squared_hinge",
    "hinge",
    "binary_crossentropy",
    "categorical_crossentropy",
    "kullback_leibler_divergence",
    "poisson",
    "cosine_proximity",
):
    model.compile(loss=loss, optimizer="sgd")
    value = model.train_on_batch(X, Y)
    print("%-32s %12.4f" % (loss, value))
    assert np.isfinite(value)

model.compile(loss="sparse_categorical_crossentropy", optimizer="sgd")
sparse = model.evaluate(X, y.reshape(-1, 1), verbose=0)
model.compile(loss=objectives.categorical_crossentropy, optimizer="sgd")
assert np.isclose(sparse, model.evaluate(X, Y, verbose=0), atol=1e-5)


def my_objective(y_true, y_pred):
    return objectives.mean_squared_error(y_true, y_pred) + objectives.mean_absolute_error(y_true, y_pred)


model.compile(loss=my_objective, optimizer="sgd")
predicted = model.predict(X)
expected = ((predicted - Y) ** 2).mean() + abs(predicted - Y).mean()
assert np.isclose(model.evaluate(X, Y, verbose=0), expected, atol=1e-6)
print("done")
