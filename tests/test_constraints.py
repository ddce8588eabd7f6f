"""Constraints give Keras's numbers; applied twice they change nothing more."""

import os

import numpy as np
import pytest

from cornu import constraints
from cornu.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")
W = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
CASES = [
    ("MaxNorm", ()),
    ("MaxNorm", (0.5, 1)),
    ("max_norm", (0.5, [0, 1])),
    ("NonNeg", ()),
    ("non_neg", ()),
    ("UnitNorm", ()),
    ("unit_norm", ((0, 1),)),
    ("MinMaxNorm", ()),
    ("min_max_norm", (0.5, 1.0, 0.5, 2)),
]


@pytest.mark.oracle
@pytest.mark.parametrize("name, args", CASES)
def test_numbers_and_configurations_of_keras_3(name, args):
    keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of this test")
    own, other = getattr(constraints, name)(*args), getattr(keras.constraints, name)(*args)
    np.testing.assert_allclose(own(Variable(W)), other(W), rtol=1e-5)
    assert own.get_config() == other.get_config()
    again = constraints.deserialize(constraints.serialize(own))
    assert type(again) is type(own) and again.get_config() == own.get_config()


@pytest.mark.oracle
def test_names_of_keras_3():
    keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of this test")
    assert {name for name in dir(keras.constraints) if not name.startswith("_")} == set(constraints.__all__)


@pytest.mark.parametrize("name, args", [case for case in CASES if case[0] != "min_max_norm"])
def test_what_is_allowed_stays(name, args):
    once = getattr(constraints, name)(*args)(W)
    np.testing.assert_allclose(getattr(constraints, name)(*args)(once), once, rtol=1e-5)


def test_what_get_takes():
    assert constraints.get(None) is None
    assert constraints.get(np.abs) is np.abs
    assert constraints.get("non_neg")(np.array([-1.0, 2.0])).tolist() == [0.0, 2.0]
    assert constraints.get({"name": "MaxNorm", "m": 3, "axis": 0}).max_value == 3
    with pytest.raises(ValueError, match="Did you mean 'max_norm'"):
        constraints.get("maxnrm")
