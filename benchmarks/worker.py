"""The process that measures one workload in one library: `python -m benchmarks.worker SIDE GIVEN TASK WORKLOAD ...`.

It prints one line of JSON.
"""

import json
import os
import resource
import sys
import time

import numpy as np

from . import sides
from .workloads import WORKLOADS, data

EPOCHS = 6  # the first compiles; the others count
PASSES = 6  # of predict over the data; the first compiles
ROWS, PATIENCE_S = 1_000, 2.0  # calls with one row, or as many as fit into the time


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def train(side, x, y, steps: int) -> dict:
    """Milliseconds a step of each epoch but the first, seconds to the first from the start of the process."""
    moments: list[float] = []
    losses = side.fit(x, y, EPOCHS, lambda: moments.append(time.monotonic()))
    return {
        "ms": list(np.diff(moments) / steps * 1e3),
        "first_s": moments[0] - float(os.environ["BEGAN"]),
        "losses": losses,
        "peak_mb": peak_mb(),
    }


def predict(side, x, steps: int) -> dict:
    """Milliseconds a batch of each pass over the data but the first."""
    times = []
    for _ in range(PASSES):
        start = time.perf_counter()
        side.predict(x)
        times.append((time.perf_counter() - start) / steps * 1e3)
    return {"ms": times[1:], "peak_mb": peak_mb()}


def row(side, x) -> dict:
    """Milliseconds a call with one row, in ten parts."""
    one = x[:1]
    side.predict(one)
    start, times, calls = time.perf_counter(), [], 0
    while calls < ROWS and time.perf_counter() - start < PATIENCE_S:
        began = time.perf_counter()
        side.predict(one)
        times.append((time.perf_counter() - began) * 1e3)
        calls += 1
    parts = np.array_split(times, min(10, calls))
    return {"ms": [float(part.mean()) for part in parts], "peak_mb": peak_mb(), "calls": calls}


def measure(side_name: str, given: str, name: str, *parts: str) -> dict:
    """The parts that are asked for: train, predict, row."""
    workload = WORKLOADS[name]
    side = getattr(sides, side_name)(given, workload)
    x, y = side.prepare(*data(workload))
    results = {}
    if "train" in parts:
        results["train"] = train(side, x, y, workload.steps)
    if "predict" in parts:
        results["predict"] = predict(side, x, workload.steps)
        results["row"] = row(side, x)
    return results


def losses(side_name: str, given: str, name: str, steps: str, weights: str) -> dict:
    """Losses of single steps without dropout, from the weights in a file, which the first to come writes."""
    workload, steps = WORKLOADS[name], int(steps)
    side = getattr(sides, side_name)(given, workload, rate=0.0, exact=True)
    x, y = side.prepare(*data(workload, steps))
    if os.path.exists(weights):
        with np.load(weights) as file:
            side.load([file[str(number)] for number in range(len(file.files))])
    else:
        np.savez(weights, **{str(number): each for number, each in enumerate(side.weights())})
    batches = [slice(at, at + workload.batch) for at in range(0, len(x), workload.batch)]
    made = [side.fit(x[rows], y[rows], 1, shuffle=False)[0] for rows in batches]
    return {"losses": made, "outputs": side.predict(x[: workload.batch]).tolist()}


def images(module: str, size: str) -> dict:
    """Milliseconds an image of each pass but the first, with the usual changes at random."""
    import importlib

    size = int(size)
    count = 1024 if size < 100 else 64
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, size, size, 3)).astype("float32")
    generator = importlib.import_module(module).ImageDataGenerator(
        rotation_range=20,
        width_shift_range=0.1,
        height_shift_range=0.1,
        shear_range=10,
        zoom_range=0.1,
        horizontal_flip=True,
        rescale=1 / 255,
    )
    batches, times = generator.flow(x, np.zeros(count), batch_size=32), []
    for _ in range(PASSES):
        start = time.perf_counter()
        for _ in range(len(batches)):
            next(batches)
        times.append((time.perf_counter() - start) / count * 1e3)
    return {"ms": times[1:], "peak_mb": peak_mb()}


def main(side: str, given: str, *rest: str) -> dict:
    if side == "images":
        return images(given, *rest)
    if side == "machine":
        from . import machine

        return machine.measure()
    task, *rest = rest
    return {"measure": measure, "losses": losses}[task](side, given, *rest)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
