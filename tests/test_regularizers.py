"""Regularizers give Keras's numbers, and the numbers of their formulas."""

import os

import numpy as np
import pytest

import cornu
from cornu import config, regularizers
from cornu.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")
W = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
CASES = [
    ("L1", (0.1,)),
    ("L1", ()),
    ("L2", (0.1,)),
    ("L2", ()),
    ("L1L2", (0.1, 0.2)),
    ("L1L2", (0.1,)),
    ("L1L2", ()),
    ("l1", (0.1,)),
    ("l2", (0.1,)),
    ("l1_l2", (0.1, 0.2)),
    ("l1_l2", ()),
    ("OrthogonalRegularizer", ()),
    ("orthogonal_regularizer", (0.3, "columns")),
]


@pytest.mark.oracle
@pytest.mark.parametrize("name, args", CASES)
def test_numbers_and_configurations_of_keras_3(name, args):
    keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of this test")
    own, other = getattr(regularizers, name)(*args), getattr(keras.regularizers, name)(*args)
    np.testing.assert_allclose(own(Variable(W)), other(keras.ops.array(W)), rtol=1e-5)
    assert own.get_config() == pytest.approx(other.get_config())
    again = regularizers.deserialize(regularizers.serialize(own))
    assert type(again) is type(own) and again.get_config() == own.get_config()


@pytest.mark.oracle
def test_names_of_keras_3():
    keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of this test")
    names = {name for name in dir(keras.regularizers) if not name.startswith("_")}
    assert names == set(regularizers.__all__) - {"EigenvalueRegularizer"}


def test_eigenvalue():
    largest = np.linalg.eigvalsh(W.T @ W)[-1]
    made = regularizers.EigenvalueRegularizer(0.5)
    assert float(made(W)) == pytest.approx(0.5 * np.sqrt(largest), rel=1e-2)


@pytest.mark.parametrize("era, wanted", [(1, 0.01), (2, 0.01), (3, 0.0)])
def test_l1_l2_without_arguments(era, wanted):
    with config.era_scope(era):
        for made in (regularizers.l1_l2(), regularizers.get("l1_l2")):
            assert made.plain_config() == {"l1": wanted, "l2": wanted}


@pytest.mark.parametrize(
    "saved",
    [
        {"name": "L1L2Regularizer", "l1": 0.1, "l2": 0.2},
        {"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}},
    ],
)
def test_configurations_of_every_era(saved):
    for era in (1, 2, 3):
        with config.era_scope(era):
            assert regularizers.get(saved).plain_config() == {"l1": 0.1, "l2": 0.2}


def test_what_get_takes():
    assert regularizers.get(None) is None
    assert regularizers.get(np.sum) is np.sum
    assert regularizers.get(regularizers.L2).l2 == 0.01
    assert regularizers.deserialize("mine", {"mine": np.sum}) is np.sum


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: regularizers.L1(-1.0), "`l1` is a finite number of at least 0; got -1.0"),
        (lambda: regularizers.L1L2(l2=float("nan")), "`l2`"),
        (lambda: regularizers.L2("strong"), "`l2`"),
        (lambda: regularizers.OrthogonalRegularizer(mode="rings"), "'rows' or 'columns'"),
        (lambda: regularizers.OrthogonalRegularizer()(W[0]), r"takes matrices; got shape \(3,\)"),
        (lambda: regularizers.EigenvalueRegularizer(1.0)(W[0]), "takes matrices"),
        (lambda: regularizers.get("l3"), "'l3' is no name in regularizers"),
    ],
)
def test_bad_arguments(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_configurations_say_their_name_in_era_1():
    for made in (regularizers.L2(0.5), cornu.constraints.NonNeg()):
        with cornu.era_scope(1):
            said = made.get_config()
            assert said["name"] == type(made).__name__
            again = cornu.registry.get("regularizers" if "l2" in said else "constraints", said)
        assert type(again) is type(made)
        assert "name" not in made.get_config() and "name" not in cornu.registry.serialize(made)["config"]
