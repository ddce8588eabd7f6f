"""The workloads, written once in Keras 3's spelling, and the worker that times one of them in one library."""

import importlib
import json
import os
import resource
import sys
import time

import numpy as np

EPOCHS = 6  # the first compiles; the median of the others counts


def tiny(keras):
    x, y = data((6400, 10), 2)
    layers = [keras.Input((10,)), keras.layers.Dense(64, "tanh"), keras.layers.Dense(2, "softmax")]
    optimizer = keras.optimizers.SGD(learning_rate=0.01, momentum=0.9, nesterov=True)
    return keras.Sequential(layers), optimizer, x, y, 32


def mlp(keras):
    x, y = data((12800, 784), 10)
    dense, dropout = keras.layers.Dense, keras.layers.Dropout
    layers = [keras.Input((784,)), dense(512, "relu"), dropout(0.2), dense(512, "relu"), dropout(0.2)]
    return keras.Sequential([*layers, dense(10, "softmax")]), "rmsprop", x, y, 128


WORKLOADS = {"tiny": tiny, "mlp": mlp}


def data(shape: tuple[int, ...], classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Learnable rows: the label is the largest of the first features."""
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    return x, x[:, :classes].argmax(1).astype("int32")


def measure(name: str, module: str, epochs: int = EPOCHS) -> dict:
    """Milliseconds a step (median epoch), seconds to the first epoch, peak memory, and the last loss."""
    began = time.perf_counter()
    keras = importlib.import_module(module)
    keras.utils.set_random_seed(0)
    model, optimizer, x, y, batch = WORKLOADS[name](keras)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    seconds, loss = [], None
    for _ in range(epochs):
        start = time.perf_counter()
        loss = model.fit(x, y, batch_size=batch, epochs=1, verbose=0).history["loss"][-1]
        seconds.append(time.perf_counter() - start)
        if len(seconds) == 1:
            first = time.perf_counter() - began
    steps = -(-len(x) // batch)
    return {
        "ms_per_step": float(np.median(seconds[1:]) / steps * 1e3),
        "spread": [min(seconds[1:]) / steps * 1e3, max(seconds[1:]) / steps * 1e3],
        "first_epoch_s": first,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "loss": float(loss),
    }


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    print(json.dumps(measure(sys.argv[1], sys.argv[2])))
