"""Metrics: as functions on arrays, and while training."""

import numpy as np
from keras import metrics
from keras.layers.core import Dense
from keras.models import Sequential
from keras.optimizers import SGD
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

np.random.seed(1337)
X, y = load_breast_cancer(return_X_y=True)
X = scale(X).astype("float32")
order = np.random.permutation(len(X))
X, y = X[order], y[order].astype("float32").reshape(-1, 1)
train_x, train_y, test_x, test_y = X[:450], y[:450], X[450:], y[450:]

model = Sequential()
model.add(Dense(input_dim=30, output_dim=8, init="uniform", activation="relu"))
model.add(Dense(output_dim=1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer=SGD(lr=0.05, momentum=0.9), metrics=["accuracy", "mse"])
history = model.fit(train_x, train_y, nb_epoch=10, batch_size=32, verbose=0)
print("keys:", sorted(history.history))
assert sorted(history.history) == ["acc", "loss", "mean_squared_error"]

predict = model.predict(test_x)
accuracy = metrics.binary_accuracy(test_y, predict)
print("binary accuracy: %.3f" % float(accuracy))
assert np.ndim(accuracy) == 0
assert np.isclose(float(accuracy), ((predict > 0.5) == test_y).mean())
assert float(accuracy) > 0.9

classes = model.predict_classes(test_x, verbose=0)
print("classes:", classes.shape, classes[:5].ravel())
assert classes.shape == (119, 1) and set(np.unique(classes)) <= {0, 1}
assert np.isclose((classes == test_y).mean(), float(accuracy))

loss, acc, mse = model.evaluate(test_x, test_y, verbose=0)
assert np.isclose(acc, float(accuracy), atol=1e-6)
assert np.isclose(mse, float(metrics.mean_squared_error(test_y, predict)), atol=1e-6)

onehot = np.eye(3)[[0, 1, 2, 2]]
guess = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
assert np.isclose(float(metrics.categorical_accuracy(onehot, guess)), 0.75)
assert np.isclose(float(metrics.top_k_categorical_accuracy(onehot, guess, k=2)), 0.75)
print("done")
