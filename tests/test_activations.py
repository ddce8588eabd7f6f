"""Activations give Keras 3's numbers; `hard_sigmoid` and `softmax` mean what the era meant."""

import os

import numpy as np
import pytest

from cornu import activations, config
from cornu.symbol import Symbol

os.environ.setdefault("KERAS_BACKEND", "jax")
X = np.linspace(-8, 8, 66).reshape(3, 22).astype("float32")
FUNCTIONS = [name for name in activations.__all__ if name not in ("get", "serialize", "deserialize")]
ARGUMENTS = {"threshold": [(1.0, -2.0)]}
MORE = [
    ("celu", (0.5,)),
    ("elu", (0.5,)),
    ("gelu", (True,)),
    ("leaky_relu", (0.3,)),
    ("log_softmax", (0,)),
    ("relu", (0.1,)),
    ("relu", (0.1, 4.0)),
    ("relu", (0.1, 4.0, 1.0)),
    ("relu", (0.0, None, 1.0)),
    ("relu", (0.0, 6)),
    ("soft_shrink", (1.0,)),
    ("softmax", (0,)),
    ("squareplus", (1,)),
]
OWN = "hard_sigmoid_steep", "sparsemax"  # Keras 3.15.1's sparsemax of a matrix does not sum to 1
CASES = [(name, ARGUMENTS.get(name, [()])[0]) for name in FUNCTIONS] + MORE


@pytest.mark.oracle
@pytest.mark.parametrize("name, args", [case for case in CASES if case[0] not in OWN])
def test_numbers_of_keras_3(name, args):
    keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of this test")
    own = getattr(activations, name)(X, *args)
    np.testing.assert_allclose(own, getattr(keras.activations, name)(X, *args), rtol=1e-5, atol=1e-6)


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    got = np.asarray(activations.sparsemax(X / 8))
    np.testing.assert_allclose(got.sum(-1), 1, atol=1e-5)
    level = (X / 8 - got)[got > 0].reshape(3, -1)  # what is not 0 is moved by the same amount in a row
    np.testing.assert_allclose(level, level[:, :1].repeat(level.shape[1], 1), atol=1e-5)


@pytest.mark.oracle
def test_names_of_keras_3():
    keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of this test")
    names = {name for name in dir(keras.activations) if not name.startswith("_")}
    assert names == set(activations.__all__) - {"hard_sigmoid_steep"} and len(names) == 35


@pytest.mark.parametrize("name, args", CASES)
def test_symbols_have_the_shape_of_arrays(name, args):
    function = getattr(activations, name)
    symbol = function(Symbol((None, 22)), *args)
    assert symbol.shape[1:] == function(X, *args).shape[1:] and symbol.dtype == "float32"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_files_find_it_again(name):
    function = activations.get(name)
    assert activations.deserialize(activations.serialize(function)) is function


STEEP, FLAT = np.clip(0.2 * X + 0.5, 0, 1), np.clip(X / 6 + 0.5, 0, 1)


@pytest.mark.parametrize("era, wanted", [(1, STEEP), (2, STEEP), (3, FLAT)])
def test_hard_sigmoid_by_era(era, wanted):
    with config.era_scope(era):
        found = activations.get("hard_sigmoid"), activations.hard_sigmoid
        saved = activations.serialize(found[0])
    for each in (*found, activations.deserialize(saved)):  # read back in era 3
        np.testing.assert_allclose(each(X), wanted, atol=1e-6)


def test_softmax_of_era_1_takes_matrices_and_sequences():
    with config.era_scope(1):
        softmax = activations.get("softmax")
    np.testing.assert_allclose(softmax(X), activations.softmax(X))
    assert softmax(X[None]).shape == (1, 3, 22)
    assert activations.serialize(softmax) == "softmax"
    with pytest.raises(ValueError, match=r"matrices and 3-dimensional arrays in era 1; got shape \(22,\)"):
        softmax(X[0])
    assert activations.get("softmax")(X[0]).shape == (22,)


def test_what_get_takes():
    assert activations.get(None) is activations.linear
    assert activations.get(np.tanh) is np.tanh
    assert activations.deserialize("triple", {"triple": np.positive}) is np.positive
    with pytest.raises(ValueError, match="'rleu' is no name in activations. Did you mean 'relu'"):
        activations.get("rleu")
    with pytest.raises(TypeError):
        activations.get(3)
    with pytest.raises(AttributeError):
        activations.hard_sigmoidal  # noqa: B018
