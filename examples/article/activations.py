"""Activations: as an argument, as a layer, as a function."""

import numpy as np
from keras.activations import linear, relu, sigmoid, softmax, softplus, tanh
from keras.layers.advanced_activations import LeakyReLU, PReLU
from keras.layers.core import Activation, Dense
from keras.models import Sequential

np.random.seed(1337)
x = np.random.normal(size=(6, 4))

for name in ("softmax", "softplus", "softsign", "relu", "tanh", "sigmoid", "hard_sigmoid", "linear"):
    inside = Sequential()
    inside.add(Dense(5, activation=name, input_dim=4))
    beside = Sequential()
    beside.add(Dense(5, input_dim=4))
    beside.add(Activation(name))
    beside.set_weights(inside.get_weights())
    assert np.allclose(inside.predict(x), beside.predict(x), atol=1e-6), name
    print("%-13s %s" % (name, np.round(inside.predict(x)[0], 3)))

# Until Keras 3, hard_sigmoid(x) was 0.2 x + 0.5 between 0 and 1.
model = Sequential()
model.add(Activation("hard_sigmoid", input_shape=(3,)))
assert np.allclose(model.predict(np.array([[-3.0, 1.0, 3.0]])), [[0.0, 0.7, 1.0]])

# A function is as good as its name.
for function in (linear, relu, sigmoid, softmax, softplus, tanh):
    model = Sequential()
    model.add(Dense(5, input_dim=4, activation=function))
    assert model.predict(x).shape == (6, 5)

# Those with something to learn or to choose are layers.
model = Sequential()
model.add(Dense(8, input_dim=4, init="uniform"))
model.add(PReLU())
model.add(Dense(8, init="uniform"))
model.add(LeakyReLU(alpha=0.05))
model.add(Dense(1))
model.compile(loss="mse", optimizer="sgd")
y = x.sum(axis=1)
before = model.evaluate(x, y, verbose=0)
model.fit(x, y, nb_epoch=20, batch_size=2, verbose=0)
print("loss %.3f -> %.3f" % (before, model.evaluate(x, y, verbose=0)))
assert model.evaluate(x, y, verbose=0) < before
print("done")
