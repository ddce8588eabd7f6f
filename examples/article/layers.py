"""Layers: core, convolutional, recurrent, advanced activations, normalization, embeddings."""

import numpy as np
from keras.layers.advanced_activations import ELU, LeakyReLU, PReLU, SReLU, ThresholdedReLU
from keras.layers.convolutional import Convolution1D, Convolution2D, MaxPooling1D, MaxPooling2D
from keras.layers.core import Activation, Dense, Dropout, Flatten, RepeatVector, Reshape
from keras.layers.embeddings import Embedding
from keras.layers.normalization import BatchNormalization
from keras.layers.recurrent import GRU, LSTM, SimpleRNN
from keras.models import Sequential
from keras.utils import np_utils
from sklearn.datasets import load_digits

np.random.seed(1337)

# Core: input_dim and output_dim.
model = Sequential()
model.add(Dense(input_dim=3, output_dim=5))
model.add(Dropout(0.25))
model.add(RepeatVector(4))
model.add(Reshape((20,)))
model.compile(loss="mse", optimizer="sgd")
print("core:", model.output_shape, [w.shape for w in model.get_weights()])
assert model.predict(np.ones((2, 3))).shape == (2, 20)

# Convolutional: digits, read as channels first.
digits = load_digits()
X = digits.images.astype("float32")[:600].reshape(-1, 1, 8, 8) / 16.0
Y = np_utils.to_categorical(digits.target[:600], 10)

model = Sequential()
model.add(Convolution2D(16, 3, 3, border_mode="same", dim_ordering="th", input_shape=(1, 8, 8)))
model.add(BatchNormalization(axis=1))
model.add(Activation("relu"))
model.add(MaxPooling2D(pool_size=(2, 2), dim_ordering="th"))
model.add(Flatten())
model.add(Dense(64))
model.add(LeakyReLU(alpha=0.1))
model.add(Dropout(0.2))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X[:500], Y[:500], batch_size=32, nb_epoch=8, verbose=0)
loss, accuracy = model.evaluate(X[500:], Y[500:], verbose=0)
print("convolutional: accuracy %.3f" % accuracy)
assert accuracy > 0.8

# Recurrent, after an embedding: does the word 7 occur?
words = np.random.randint(1, 20, (400, 12))
seen = (words == 7).any(axis=1).astype("float32")
for rnn in (SimpleRNN, GRU, LSTM):
    model = Sequential()
    model.add(Embedding(20, 8, input_length=12))
    model.add(rnn(16, return_sequences=False))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="rmsprop")
    first = model.evaluate(words, seen, verbose=0)
    model.fit(words, seen, batch_size=32, nb_epoch=3, verbose=0)
    last = model.evaluate(words, seen, verbose=0)
    print("%s: loss %.3f -> %.3f" % (rnn.__name__, first, last))
    assert last < first

# One-dimensional convolution over the same words.
model = Sequential()
model.add(Embedding(20, 8, input_length=12))
model.add(Convolution1D(nb_filter=16, filter_length=3, border_mode="valid", subsample_length=1))
model.add(MaxPooling1D(pool_length=10))
model.add(Flatten())
model.add(Dense(1, activation="sigmoid"))
assert model.output_shape == (None, 1)

# Advanced activations are layers of their own.
x = np.array([[-2.0, -1.0, 0.0, 0.5, 2.0]])
for layer in (LeakyReLU(alpha=0.3), PReLU(), ELU(alpha=1.0), ThresholdedReLU(theta=1.0), SReLU()):
    model = Sequential()
    layer_in = Dense(5, input_dim=5)
    model.add(layer_in)
    model.add(layer)
    layer_in.set_weights([np.eye(5), np.zeros(5)])
    print("%-16s %s" % (layer.__class__.__name__, np.round(model.predict(x)[0], 3)))
print("done")
