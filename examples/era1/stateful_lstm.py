"""A slow wave, read in pieces: stacked LSTMs carry their states from batch to batch until they are reset."""

import numpy as np
from keras.layers import Dense, LSTM
from keras.models import Sequential

np.random.seed(1337)
tsteps, batch_size, epochs, lahead = 1, 25, 6, 1


def gen_cosine_amp(amp=100, period=25, x0=0, xn=1000, step=1, k=0.0001):
    """A cosine whose amplitude falls, as (samples, 1, 1)."""
    cos = np.zeros(((xn - x0) * step, 1, 1))
    for i in range(len(cos)):
        idx = x0 + i * step
        cos[i, 0, 0] = amp * np.cos(idx / (2 * np.pi * period)) * np.exp(-k * idx)
    return cos / amp


cos = gen_cosine_amp()
expected_output = np.zeros((len(cos), 1))
for i in range(len(cos) - lahead):
    expected_output[i, 0] = np.mean(cos[i + 1 : i + lahead + 1])

model = Sequential()
model.add(LSTM(20, batch_input_shape=(batch_size, tsteps, 1), return_sequences=True, stateful=True))
model.add(LSTM(20, return_sequences=False, stateful=True))
model.add(Dense(1))
model.compile(loss="mse", optimizer="rmsprop")
assert model.stateful

losses = []
for i in range(epochs):
    history = model.fit(cos, expected_output, batch_size=batch_size, verbose=0, nb_epoch=1, shuffle=False)
    losses.append(history.history["loss"][0])
    model.reset_states()
print("losses:", ["%.4f" % each for each in losses])
assert losses[-1] < losses[0]

once = model.predict(cos, batch_size=batch_size)
twice = model.predict(cos, batch_size=batch_size)
model.reset_states()
again = model.predict(cos, batch_size=batch_size)
print(
    "the states last: %.4f; reset, they are gone: %.4f"
    % (np.abs(once - twice).max(), np.abs(once - again).max())
)
assert np.abs(once - twice).max() > 1e-4 and np.allclose(once, again, atol=1e-6)
assert model.layers[0].states[0].get_value().shape == (batch_size, 20)
print("done")
