"""What a workload must do at least: its products, its memory traffic, its random numbers."""

import math
from typing import NamedTuple

from . import workloads
from .workloads import Workload

FLOAT = 4  # bytes
MASKS = ("Dropout",)
MADE_OF_PRODUCTS = ("Dense", "Conv2D")
PASSES = {"sgd": 5, "rmsprop": 5, "adam": 7}  # reads and writes of the optimizer: slope, weight, slots


class Costs(NamedTuple):
    """Of one sample forward, and of one training step."""

    forward: float  # flops of matrix products and convolutions
    train_flops: float
    train_bytes: float
    random: float
    dispatches: float = 1


def products(layer) -> float:
    """Flops of the matrix products of a layer for one sample; a multiply and an add are two."""
    kind = type(layer).__name__
    if kind in MADE_OF_PRODUCTS:
        return 2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
    if kind == "LSTM":
        steps, features = layer.input.shape[1:]
        return 2 * 4 * layer.units * (features + layer.units) * steps
    if kind == "MultiHeadAttention":
        _, steps, width = layer.output.shape
        return 2 * (4 * width * width * steps + 2 * steps * steps * width)
    return 0


def count(workload: Workload, keras) -> Costs:
    """Backward is twice forward, but the first layer need not send slopes to the data."""
    model = workload.model(keras, 1.0)
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    forward = [products(layer) for layer in layers]
    saved = forward[0]  # of an embedding this is 0, as it must be
    weights = sum(math.prod(each.shape) for each in model.trainable_weights)
    made = sum(math.prod(layer.output.shape[1:]) for layer in layers)
    drawn = sum(math.prod(layer.output.shape[1:]) for layer in layers if type(layer).__name__ in MASKS)
    return Costs(
        forward=sum(forward),
        train_flops=workload.batch * (3 * sum(forward) - saved),
        # each output is written, read again on the way back, and met by a slope that is written and read
        train_bytes=FLOAT * (PASSES[workload.optimizer] * weights + 4 * workload.batch * made),
        random=workload.batch * drawn,
    )


def parts(workload: Workload, machine: dict, keras) -> dict[str, float]:
    """Least milliseconds of each part of a training step on this machine, were there nothing else."""
    costs = count(workload, keras)
    return {
        "products": costs.train_flops / machine["gflops"] / 1e6,
        "memory": costs.train_bytes / machine["gb_s"] / 1e6,
        "random": costs.random * machine["random_ns"] / 1e6,
    }


def line(name: str, ms: float, machine: dict, keras) -> str:
    """What the time of a step consists of, in one sentence."""
    workload = workloads.WORKLOADS[name]
    least, costs = parts(workload, machine, keras), count(workload, keras)
    shares = ", ".join(f"{part} {value:.3g} ms ({value / ms:.0%})" for part, value in least.items() if value)
    rest = ms - sum(least.values())
    return (
        f"{name}: {ms:.3g} ms a step. At the ceiling: {shares}; the rest is {rest:.3g} ms ({rest / ms:.0%}). "
        f"{costs.train_flops / 1e9:.3g} Gflop a step at {costs.train_flops / ms / 1e6:.3g} Gflop/s is "
        f"{costs.train_flops / ms / 1e6 / machine['gflops']:.0%} of what a large product reaches here."
    )
