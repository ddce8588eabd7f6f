"""Short texts, good or bad: words as numbers, padded, the padding masked, read by an LSTM."""

import numpy as np
from keras.layers import LSTM, Activation, Dense, Dropout, Embedding
from keras.models import Sequential
from keras.preprocessing import sequence
from keras.preprocessing.text import Tokenizer

np.random.seed(1337)
max_features, maxlen, batch_size = 40, 12, 32
good, bad = "great fine lovely moving clever".split(), "dull poor awful tedious silly".split()
plain = "the a film plot cast scene music story end it was and very".split()


def review(label):
    words = list(np.random.choice(plain, np.random.randint(4, 10)))
    words.insert(np.random.randint(len(words)), np.random.choice(good if label else bad))
    return " ".join(words).capitalize() + "."


labels = np.random.randint(0, 2, 500)
texts = [review(label) for label in labels]
tokenizer = Tokenizer(nb_words=max_features)
tokenizer.fit_on_texts(texts)
sequences = tokenizer.texts_to_sequences(texts)
X = sequence.pad_sequences(sequences, maxlen=maxlen)
X_train, X_test, y_train, y_test = X[:400], X[400:], labels[:400], labels[400:]
print(texts[0], "->", X[0])

model = Sequential()
model.add(Embedding(max_features, 16, input_length=maxlen, mask_zero=True, dropout=0.1))
model.add(LSTM(16, dropout_W=0.1, dropout_U=0.1))
model.add(Dropout(0.2))
model.add(Dense(1))
model.add(Activation("sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X_train, y_train, batch_size=batch_size, nb_epoch=8, verbose=0, validation_data=(X_test, y_test))
score, acc = model.evaluate(X_test, y_test, batch_size=batch_size, verbose=0)
print("Test score: %.3f" % score)
print("Test accuracy: %.3f" % acc)
assert acc > 0.9

# More padding in front changes nothing, for it is masked.
longer = sequence.pad_sequences(sequences[400:], maxlen=maxlen)
first = model.predict(longer)
short = Sequential()
short.add(Embedding(max_features, 16, mask_zero=True, weights=model.layers[0].get_weights()))
short.add(LSTM(16, weights=model.layers[1].get_weights()))
short.add(Dense(1, activation="sigmoid", weights=model.layers[3].get_weights()))
assert np.allclose(
    short.predict(sequence.pad_sequences(sequences[400:], maxlen=2 * maxlen)), first, atol=1e-5
)
print("done")
