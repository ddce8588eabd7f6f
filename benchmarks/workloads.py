"""The models, written once in Keras 3's spelling for Cornu and for Keras; `torch_models` has them in PyTorch."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

WORDS, LENGTH, WIDTH, HEADS = 20_000, 128, 128, 4
REVIEW = 80  # words that the LSTM reads
BLOCKS = (32, 32, 64, 64, 128)  # filters of the residual blocks; a block that has more halves the image


def tiny(keras, rate: float):
    dense = keras.layers.Dense
    return keras.Sequential([keras.Input((10,)), dense(64, "tanh"), dense(2, "softmax")])


def mlp(keras, rate: float):
    dense, dropout = keras.layers.Dense, keras.layers.Dropout
    layers = [dense(512, "relu"), dropout(0.2 * rate), dense(512, "relu"), dropout(0.2 * rate)]
    return keras.Sequential([keras.Input((784,)), *layers, dense(10, "softmax")])


def cnn(keras, rate: float):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25 * rate),
            layers.Flatten(),
            layers.Dense(128, "relu"),
            layers.Dropout(0.5 * rate),
            layers.Dense(10, "softmax"),
        ]
    )


def lstm(keras, rate: float):
    layers = keras.layers
    stack = [layers.Embedding(WORDS, 128), layers.LSTM(128), layers.Dense(1, "sigmoid")]
    return keras.Sequential([keras.Input((REVIEW,), dtype="int32"), *stack])


def resnet(keras, rate: float):
    layers = keras.layers
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(32, 3, padding="same")(inputs)
    for filters in BLOCKS:
        stride = 1 if filters == x.shape[-1] else 2
        shortcut = x if stride == 1 else layers.Conv2D(filters, 1, strides=2)(x)
        for strides in (stride, 1):
            x = layers.ReLU()(layers.BatchNormalization()(x))
            x = layers.Conv2D(filters, 3, strides=strides, padding="same")(x)
        x = layers.Add()([x, shortcut])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, "softmax")(x))


def transformer(keras, rate: float):
    layers = keras.layers

    class Positions(layers.Layer):
        """Adds a learned vector for each position."""

        def build(self, input_shape):
            self.table = self.add_weight(shape=input_shape[1:], initializer="random_uniform", name="table")

        def call(self, x):
            return x + self.table

    inputs = keras.Input((LENGTH,), dtype="int32")
    x = Positions()(layers.Embedding(WORDS, WIDTH)(inputs))
    for _ in range(2):
        seen = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(x, x)
        x = layers.LayerNormalization()(x + layers.Dropout(0.1 * rate)(seen))
        wide = layers.Dense(WIDTH)(layers.Dense(4 * WIDTH, "relu")(x))
        x = layers.LayerNormalization()(x + layers.Dropout(0.1 * rate)(wide))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(2, "softmax")(x))


class Workload(NamedTuple):
    """A model and how it is trained. `target` is what best peer over Cornu must reach."""

    model: Callable
    batch: int
    steps: int  # an epoch
    optimizer: str
    target: float
    shape: tuple[int, ...]
    classes: int = 2
    words: int = 0  # the inputs are words, numbers below this; or else normal numbers


WORKLOADS = {
    "tiny": Workload(tiny, 32, 500, "sgd", 10, (10,)),
    "mlp": Workload(mlp, 128, 100, "rmsprop", 1.3, (784,), 10),
    "cnn": Workload(cnn, 128, 6, "adam", 1.15, (28, 28, 1), 10),
    "lstm": Workload(lstm, 32, 25, "adam", 1.1, (REVIEW,), words=WORDS),
    "resnet": Workload(resnet, 64, 4, "adam", 1.05, (32, 32, 3), 10),
    "transformer": Workload(transformer, 32, 6, "adam", 1.1, (LENGTH,), words=WORDS),
}
PREDICT_TARGET, ROW_TARGET, AUGMENT_TARGET = 1.2, 5, 3
SGD = {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}


def optimizer(keras, workload: Workload):
    """The optimizer, with the defaults of Keras but for SGD's momentum."""
    return keras.optimizers.SGD(**SGD) if workload.optimizer == "sgd" else workload.optimizer


def loss(workload: Workload) -> str:
    """The LSTM ends in one probability, the others in one for each class."""
    return "binary_crossentropy" if workload.model is lstm else "sparse_categorical_crossentropy"


def data(workload: Workload, steps: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Learnable rows for the steps of an epoch: the class is the place of the largest of the first numbers."""
    rng, rows = np.random.default_rng(0), workload.batch * (steps or workload.steps)
    if workload.words:
        x = rng.integers(0, workload.words, (rows, *workload.shape), "int32")
    else:
        x = rng.normal(size=(rows, *workload.shape)).astype("float32")
    y = x.reshape(rows, -1)[:, : workload.classes].argmax(1)
    return x, y.astype("float32" if workload.model is lstm else "int32")
