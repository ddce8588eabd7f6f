"""Training step by step as Keras 2.3.1: from the same weights, over the same batches, the same losses.

Recorded from Keras 2.3.1 by the programs below: on TensorFlow 1.15, and with Adam on Theano 1.0.5. On TensorFlow 1.15
Adam's steps are not the same from one run to the next, since it is open there whether `iterations` is read before or
after it is counted up.
"""

import numpy as np
import pytest

import cornu
from cornu import Sequential, layers


def numbers(shape, step):
    return (np.arange(np.prod(shape)).reshape(shape) * step % 17 / 8.0 - 1).astype("float32")


def images():
    return Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", input_shape=(6, 6, 2)),
            layers.MaxPooling2D(2),
            layers.Conv2D(3, (3, 3), activation="relu", padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def sequences(kind):
    return lambda: Sequential([kind(4, input_shape=(3, 2)), layers.Dense(3, activation="softmax")])


GRU, LSTM, RNN = map(sequences, (layers.GRU, layers.LSTM, layers.SimpleRNN))
LOSSES = [  # the mean of each epoch
    (images, "rmsprop", [1.124469, 1.110446, 1.101082, 1.09201]),
    (GRU, "rmsprop", [1.101033, 1.098879, 1.097932, 1.097203]),
    (GRU, "adam", [1.100582, 1.099278, 1.098603, 1.098012]),
    (LSTM, "adam", [1.125583, 1.124679, 1.124207, 1.1238]),
    (RNN, "rmsprop", [1.14792, 1.144995, 1.143604, 1.14252]),
]


@pytest.mark.parametrize(("build", "optimizer", "losses"), LOSSES)
def test_losses_of_training(build, optimizer, losses):
    cornu.set_era(2)
    model = build()
    model.compile(optimizer, "categorical_crossentropy")
    model.set_weights([0.4 * numbers(w.shape, 5 + 2 * i) for i, w in enumerate(model.get_weights())])
    x, y = numbers((12, *model.input_shape[1:]), 7), np.eye(3)[np.arange(12) % 3]
    history = model.fit(x, y, epochs=4, batch_size=5, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], losses, atol=3e-6)
