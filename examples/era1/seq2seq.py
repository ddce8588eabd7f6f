"""Sums, character by character: '12+7' is read by one LSTM and written by another, '19'."""

import numpy as np
from keras import layers
from keras.layers import Activation, Dense, RepeatVector, TimeDistributed
from keras.models import Sequential

np.random.seed(1337)
INVERT, DIGITS, HIDDEN_SIZE, BATCH_SIZE = True, 1, 64, 32
MAXLEN = DIGITS + 1 + DIGITS
RNN = layers.LSTM


class CharacterTable(object):
    """Characters as one-hot rows, and back."""

    def __init__(self, chars):
        self.chars = sorted(set(chars))
        self.char_indices = dict((c, i) for i, c in enumerate(self.chars))
        self.indices_char = dict((i, c) for i, c in enumerate(self.chars))

    def encode(self, C, num_rows):
        x = np.zeros((num_rows, len(self.chars)))
        for i, c in enumerate(C):
            x[i, self.char_indices[c]] = 1
        return x

    def decode(self, x, calc_argmax=True):
        if calc_argmax:
            x = x.argmax(axis=-1)
        return "".join(self.indices_char[i] for i in x)


chars = "0123456789+ "
ctable = CharacterTable(chars)
questions, expected = [], []
for a in range(10):
    for b in range(10):
        query = "{}+{}".format(a, b).ljust(MAXLEN)
        questions.append(query[::-1] if INVERT else query)
        expected.append(str(a + b).ljust(DIGITS + 1))

x = np.array([ctable.encode(each, MAXLEN) for each in questions], dtype=bool)
y = np.array([ctable.encode(each, DIGITS + 1) for each in expected], dtype=bool)
indices = np.arange(len(y))
np.random.shuffle(indices)
x, y = x[indices], y[indices]

model = Sequential()
model.add(RNN(HIDDEN_SIZE, input_shape=(MAXLEN, len(chars))))
model.add(RepeatVector(DIGITS + 1))
for _ in range(1):
    model.add(RNN(HIDDEN_SIZE, return_sequences=True))
model.add(TimeDistributed(Dense(len(chars))))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.summary()

for iteration in range(1, 4):
    history = model.fit(x, y, batch_size=BATCH_SIZE, nb_epoch=25, verbose=0)
    ind = np.random.randint(0, len(x))
    preds = model.predict_classes(x[ind : ind + 1], verbose=0)
    q, correct, guess = (
        ctable.decode(x[ind]),
        ctable.decode(y[ind]),
        ctable.decode(preds[0], calc_argmax=False),
    )
    print("iteration", iteration, "accuracy %.3f" % history.history["acc"][-1])
    print("  Q", q[::-1] if INVERT else q, "T", correct, "-", guess)
assert history.history["acc"][-1] > 0.5
print("done")
