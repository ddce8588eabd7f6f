"""Preprocessing: sequences and text."""

import numpy as np
from keras.layers.core import Dense
from keras.layers.embeddings import Embedding
from keras.layers.recurrent import LSTM
from keras.models import Sequential
from keras.preprocessing import sequence, text
from keras.preprocessing.sequence import make_sampling_table, pad_sequences, skipgrams
from keras.preprocessing.text import Tokenizer, one_hot, text_to_word_sequence

np.random.seed(1337)

# Sequences.
print(pad_sequences([[1, 2, 3], [4], []], maxlen=4))
assert (pad_sequences([[1, 2, 3], [4]]) == [[1, 2, 3], [0, 0, 4]]).all()
assert (pad_sequences([[1, 2, 3]], maxlen=2) == [[2, 3]]).all()
assert (pad_sequences([[1, 2, 3]], maxlen=2, truncating="post") == [[1, 2]]).all()
assert (sequence.pad_sequences([[1]], maxlen=3, padding="post", value=9) == [[1, 9, 9]]).all()

couples, labels = skipgrams([1, 2, 3, 4], vocabulary_size=10, window_size=1, negative_samples=1.0)
assert len(couples) == len(labels) == 12 and sum(labels) == 6
table = make_sampling_table(10)
assert table.shape == (10,) and (table <= 1).all()

# Text.
lines = ["The horn of the rhinoceros.", "A horn, a drum; a flute!", "The drum is loud", "the flute is not"]
assert text_to_word_sequence(lines[0]) == ["the", "horn", "of", "the", "rhinoceros"]
assert len(one_hot(lines[0], n=50)) == 5 and all(0 < i < 50 for i in one_hot(lines[0], n=50))

tokenizer = Tokenizer(nb_words=8)
tokenizer.fit_on_texts(lines)
print(sorted(tokenizer.word_index, key=tokenizer.word_index.get)[:5])
assert tokenizer.word_index["the"] == 1 and tokenizer.word_counts["horn"] == 2
sequences = tokenizer.texts_to_sequences(lines)
assert max(map(max, sequences)) < 8
for mode in ("binary", "count", "freq", "tfidf"):
    matrix = tokenizer.texts_to_matrix(lines, mode=mode)
    assert matrix.shape == (4, 8)
assert text.Tokenizer is Tokenizer

# Both, before a network: is it about a drum?
X = pad_sequences(sequences, maxlen=5)
y = np.array([1.0 if "drum" in line else 0.0 for line in lines])
model = Sequential()
model.add(Embedding(8, 4, input_length=5, mask_zero=True))
model.add(LSTM(8))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam")
before = model.evaluate(X, y, verbose=0)
model.fit(X, y, nb_epoch=20, batch_size=2, verbose=0)
print("loss %.3f -> %.3f" % (before, model.evaluate(X, y, verbose=0)))
assert model.evaluate(X, y, verbose=0) < before
print("done")
