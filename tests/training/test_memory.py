"""Training and predicting again and again takes no more memory than doing it once."""

import gc
import os

import numpy as np
import pytest

import cornu
from cornu import layers

GROWTH_MB = 4


def resident_mb() -> float:
    """What the process holds in memory now."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads the memory from /proc")
@pytest.mark.parametrize(
    "what, warm, calls",
    [("fit", 50, 200), ("predict", 200, 2_000)],
)
def test_memory_stays_flat(what, warm, calls):
    x = np.random.default_rng(0).normal(size=(64, 10)).astype("float32")
    y = x[:, :2].argmax(1)
    model = cornu.Sequential([cornu.Input((10,)), layers.Dense(64, "tanh"), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    call = {
        "fit": lambda: model.fit(x, y, batch_size=32, epochs=1, verbose=0),
        "predict": lambda: model.predict(x, verbose=0),
    }[what]
    for _ in range(warm):
        call()
    before = resident_mb()
    for _ in range(calls):
        call()
    assert resident_mb() - before < GROWTH_MB
