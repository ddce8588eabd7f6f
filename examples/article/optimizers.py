"""Optimizers: as objects with their settings, and by name."""

import numpy as np
from keras.layers.core import Dense
from keras.models import Sequential
from keras.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

np.random.seed(1337)
X, y = load_breast_cancer(return_X_y=True)
X = scale(X).astype("float32")


def network():
    np.random.seed(7)
    model = Sequential()
    model.add(Dense(8, input_dim=30, init="glorot_uniform", activation="tanh"))
    model.add(Dense(1, activation="sigmoid"))
    return model


for optimizer in (
    SGD(lr=0.01, momentum=0.9, decay=0.9, nesterov=False),
    SGD(lr=0.01, momentum=0.9, nesterov=True, clipnorm=1.0),
    Adagrad(lr=0.01, epsilon=1e-6),
    Adadelta(lr=1.0, rho=0.95, epsilon=1e-6),
    RMSprop(lr=0.001, rho=0.9, epsilon=1e-6),
    Adam(lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8),
    Adamax(),
    Nadam(),
    "sgd",
    "adagrad",
    "adadelta",
    "rmsprop",
    "adam",
):
    model = network()
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    before = model.evaluate(X, y, verbose=0)
    model.fit(X, y, batch_size=32, nb_epoch=3, verbose=0)
    after = model.evaluate(X, y, verbose=0)
    name = optimizer if isinstance(optimizer, str) else optimizer.__class__.__name__
    print("%-9s loss %.4f -> %.4f, accuracy %.3f" % (name, before[0], after[0], after[1]))
    assert after[0] < before[0]

# decay: at update t the rate is lr / (1 + decay * t); by hand, on one weight.
model = Sequential()
model.add(Dense(1, input_dim=1, bias=False, weights=[np.array([[2.0]])]))
model.compile(loss="mse", optimizer=SGD(lr=0.01, momentum=0.9, decay=0.9, nesterov=False))
w, v = 2.0, 0.0
for t in range(5):
    model.train_on_batch(np.array([[3.0]]), np.array([[1.0]]))
    v = 0.9 * v - 0.01 / (1.0 + 0.9 * t) * 2 * 3 * (3 * w - 1)
    w = w + v
assert np.allclose(model.get_weights()[0], w, atol=1e-5)
print("done")
