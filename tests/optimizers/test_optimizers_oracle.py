"""Every optimizer changes weights and state as Keras 3's does; schedules give its rates."""

import inspect
import os

import jax
import numpy as np
import pytest
from optimizer_cases import CASES, CROSSED, STEPS, WEIGHTS, label

from cornu import optimizers
from cornu.optimizers import schedules
from cornu.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of these tests")
pytestmark = pytest.mark.oracle
NAMES = "kernel", "bias"


def theirs(optimizer, constraint=None):
    weights = [keras.Variable(w, name=name) for w, name in zip(WEIGHTS, NAMES, strict=True)]
    for weight in weights:
        weight.constraint = constraint
    optimizer.build(weights)
    values, state = [w.value for w in weights], [cell.value for cell in optimizer.variables]
    for grads in STEPS:
        values, state = optimizer.stateless_apply(state, list(map(jax.numpy.asarray, grads)), values)
    return values, state


def ours(optimizer, constraint=None):
    weights = [Variable(w, name=name, constraint=constraint) for w, name in zip(WEIGHTS, NAMES, strict=True)]
    optimizer.build(weights)
    values, state = [w.value for w in weights], [cell.value for cell in optimizer.variables]
    for grads in STEPS:
        values, state = optimizer.update(grads, values, state)
    return values, state


def agree(ours, theirs, rtol=1e-5):
    for own, other in zip(ours, theirs, strict=True):
        assert len(own) == len(other)
        for a, b in zip(own, other, strict=True):
            assert a.dtype == b.dtype or a.size == 1
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("name, settings", CASES + CROSSED, ids=map(label, CASES + CROSSED))
def test_four_updates(name, settings):
    made = getattr(optimizers, name)(**settings), getattr(keras.optimizers, name)(**settings)
    agree(ours(made[0]), theirs(made[1]), 1e-4 if name == "Muon" else 1e-5)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_defaults_are_those_of_keras_3(name):
    own, other = getattr(optimizers, name)(), getattr(keras.optimizers, name)()
    made, wanted = own.get_config(), other.get_config()
    assert made.keys() == wanted.keys()
    for key in made.keys() - {"name"}:
        assert made[key] == pytest.approx(wanted[key]), key


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_positions_are_those_of_keras_3(name):
    """Arguments without names, up to the name of the optimizer, mean the same."""
    first = inspect.signature(getattr(keras.optimizers, name)).parameters.values()
    names = [p.name for p in first][: [p.name for p in first].index("clipnorm") + 1]
    special = {"learning_rate_power": -0.5, "nesterov": True, "amsgrad": True, "centered": True}
    values = [special.get(key, 0.5 + i / 64) for i, key in enumerate(names)]
    own, other = getattr(optimizers, name)(*values), getattr(keras.optimizers, name)(*values)
    made, wanted = own.get_config(), other.get_config()
    assert {k: made[k] for k in wanted if k != "name"} == {k: wanted[k] for k in wanted if k != "name"}


def test_constraints_come_last():
    settings = {"learning_rate": 0.1, "use_ema": True}
    half = lambda w: 0.5 * w  # noqa: E731
    agree(ours(optimizers.SGD(**settings), half), theirs(keras.optimizers.SGD(**settings), half))


def test_excluded_from_weight_decay():
    own, other = optimizers.AdamW(0.01), keras.optimizers.AdamW(0.01)
    for each in (own, other):
        each.exclude_from_weight_decay(var_names=["bias"])
    agree(ours(own), theirs(other))


def test_learning_rate_by_schedule_and_by_function():
    own = optimizers.Adam(schedules.ExponentialDecay(0.1, 2, 0.5))
    other = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5))
    agree(ours(own), theirs(other))
    agree(ours(optimizers.SGD(lambda: 0.3)), theirs(keras.optimizers.SGD(lambda: 0.3)))


def test_loss_scale():
    settings = {"initial_scale": 4.0, "dynamic_growth_steps": 3}
    own = optimizers.LossScaleOptimizer(optimizers.Adam(0.01), **settings)
    other = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), **settings)
    agree(ours(own), theirs(other))
    assert float(own.initial_scale) == 4.0 and own.get_config().keys() == other.get_config().keys()


def test_multi():
    def make(module):
        by_path = module.OptimizerMap(module.Adam(0.01), {"bias": module.SGD(0.1, momentum=0.9)})
        return module.MultiOptimizer(by_path, loss_scale_factor=2.0)

    agree(ours(make(optimizers)), theirs(make(keras.optimizers)))


SCHEDULES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9, "staircase": True},
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10], "values": [1.0, 0.5, 0.1]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "power": 0.5}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "power": 2.0, "cycle": True}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "alpha": 0.1}),
    (
        "CosineDecay",
        {"initial_learning_rate": 0.01, "decay_steps": 20, "warmup_target": 0.1, "warmup_steps": 5},
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5, "m_mul": 0.8}),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 5, "t_mul": 1.0, "alpha": 0.2},
    ),
]


@pytest.mark.parametrize("name, settings", SCHEDULES, ids=map(label, SCHEDULES))
def test_schedules(name, settings):
    own = getattr(schedules, name)(**settings)
    other = getattr(keras.optimizers.schedules, name)(**settings)
    for step in (0, 1, 3, 4, 6, 7, 9, 10, 11, 14, 18, 19, 26, 40):
        np.testing.assert_allclose(own(step), other(step), rtol=1e-4, atol=1e-7)
    assert own.get_config() == other.get_config()
    made = schedules.serialize(own), keras.optimizers.schedules.serialize(other)
    assert made[0] == made[1]
    again = schedules.deserialize(made[0])
    assert type(again) is type(own) and again.get_config() == own.get_config()


def test_keras_3_reads_our_configuration_and_we_read_its():
    own = optimizers.SGD(schedules.CosineDecay(0.1, 10), momentum=0.5, weight_decay=0.1)
    other = keras.optimizers.deserialize(optimizers.serialize(own))
    back = optimizers.deserialize(keras.optimizers.serialize(other))
    for each in (other, back):
        assert each.momentum == 0.5 and each.weight_decay == 0.1
        assert type(each._learning_rate).__name__ == "CosineDecay"
