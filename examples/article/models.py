"""Models: a Sequential is made layer by layer, compiled, trained, asked."""

import numpy as np
from keras.layers.core import Activation, Dense
from keras.models import Sequential
from keras.optimizers import SGD
from keras.utils import np_utils
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

np.random.seed(1337)

X, y = load_iris(return_X_y=True)
X = scale(X).astype("float32")
order = np.random.permutation(len(X))
X, y = X[order], y[order]
Y = np_utils.to_categorical(y, 3)
X_train, Y_train = X[:120], Y[:120]
X_test, Y_test, y_test = X[120:], Y[120:], y[120:]

model = Sequential()
model.add(Dense(input_dim=4, output_dim=16, init="uniform"))
model.add(Activation("tanh"))
model.add(Dense(input_dim=16, output_dim=3))
model.add(Activation("softmax"))

sgd = SGD(lr=0.1, decay=1e-6, momentum=0.9, nesterov=True)
model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
model.summary()

history = model.fit(X_train, Y_train, batch_size=16, nb_epoch=30, verbose=0, validation_split=0.1)
print("epochs:", len(history.history["loss"]), "keys:", sorted(history.history))

score = model.evaluate(X_test, Y_test, batch_size=16, verbose=0)
print("test loss: %.3f, test accuracy: %.3f" % (score[0], score[1]))

classes = model.predict_classes(X_test, batch_size=16, verbose=0)
proba = model.predict_proba(X_test, batch_size=16, verbose=0)
print("classes:", classes[:10], "right:", int((classes == y_test).sum()), "of", len(y_test))
assert proba.shape == (30, 3) and np.allclose(proba.sum(axis=1), 1, atol=1e-5)
assert score[1] > 0.85

# The same network in one go.
again = Sequential([Dense(16, input_dim=4), Activation("tanh"), Dense(3), Activation("softmax")])
again.set_weights(model.get_weights())
assert np.allclose(again.predict(X_test), proba, atol=1e-6)
print("done")
