"""Reading a row of symbols of unknown places: recurrent layers, and a loss that sums over all alignments."""

import numpy as np
from keras import backend as K
from keras.layers import GRU, Activation, Dense, Input, Lambda, TimeDistributed
from keras.models import Model
from keras.optimizers import Adam

np.random.seed(1337)
letters, longest, time, height = 4, 3, 14, 5
glyphs = np.random.uniform(0, 1, (letters, 2, height)) > 0.5  # each letter is two columns wide


def paint(count):
    """Pictures (count, time, height) of words of one to three letters, with gaps of any width."""
    X = np.random.normal(0, 0.05, (count, time, height)).astype("float32")
    y = np.zeros((count, longest))
    lengths = np.random.randint(1, longest + 1, (count, 1))
    for n in range(count):
        at = 0
        for i in range(lengths[n, 0]):
            at += np.random.randint(1, 3)
            y[n, i] = np.random.randint(letters)
            X[n, at : at + 2] += glyphs[int(y[n, i])]
            at += 2
    return X, y, lengths


def ctc_lambda_func(args):
    y_pred, labels, input_length, label_length = args
    return K.ctc_batch_cost(labels, y_pred, input_length, label_length)


input_data = Input(name="the_input", shape=(time, height))
inner = GRU(16, return_sequences=True, init="he_normal")(input_data)
inner = TimeDistributed(Dense(letters + 1))(inner)
y_pred = Activation("softmax", name="softmax")(inner)

labels = Input(name="the_labels", shape=[longest], dtype="float32")
input_length = Input(name="input_length", shape=[1], dtype="int64")
label_length = Input(name="label_length", shape=[1], dtype="int64")
loss_out = Lambda(ctc_lambda_func, output_shape=(1,), name="ctc")(
    [y_pred, labels, input_length, label_length]
)

model = Model(input=[input_data, labels, input_length, label_length], output=[loss_out])
model.compile(loss={"ctc": lambda y_true, y_pred: y_pred}, optimizer=Adam(lr=0.01, clipnorm=5))
test_func = K.function([input_data], [y_pred])

X, y, lengths = paint(256)
inputs = {"the_input": X, "the_labels": y, "input_length": np.full((256, 1), time), "label_length": lengths}
history = model.fit(inputs, {"ctc": np.zeros(256)}, batch_size=32, nb_epoch=12, verbose=0)
print("loss", [round(float(each), 2) for each in history.history["loss"][::3]])
assert history.history["loss"][-1] < 0.7 * history.history["loss"][0]

out = test_func([X])[0]
assert np.allclose(out.sum(-1), 1, atol=1e-4)
decoded = K.get_value(K.ctc_decode(out, input_length=np.full(256, time), greedy=True)[0][0])
words = [[label for label in row if label != -1] for row in decoded]
wanted = [list(row[: length[0]]) for row, length in zip(y, lengths)]
right = np.mean([word == want for word, want in zip(words, wanted)])
print("words read without a fault: %.2f" % right)
print("done")
