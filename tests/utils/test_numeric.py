"""Labels and vectors as arrays, against Keras 3 and the rules of Keras 1 and 2."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu.utils import np_utils

keras = pytest.importorskip("keras", reason="the oracle is Keras 3 on JAX")

LABELS = [[0, 2, 1], [[0], [2]], [[0, 1], [2, 0]], [[[1], [0]]], np.array([0.0, 1.0]), 2]


@pytest.mark.parametrize("labels", LABELS, ids=str)
@pytest.mark.parametrize("classes", [None, 5])
def test_one_hot_as_keras(labels, classes):
    ours, theirs = cornu.utils.to_categorical(labels, classes), keras.utils.to_categorical(labels, classes)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "era, labels, shape, dtype",
    [
        (1, [[0, 1], [2, 0]], (4, 3), "float64"),
        (1, [[0], [2]], (2, 3), "float64"),
        (2, [[0, 1], [2, 0]], (2, 2, 3), "float32"),
        (2, [[0], [2]], (2, 3), "float32"),
    ],
)
def test_one_hot_of_old_eras(era, labels, shape, dtype):
    cornu.set_era(era)
    made = cornu.utils.to_categorical(labels)
    assert made.shape == shape and made.dtype == dtype
    np.testing.assert_array_equal(made.argmax(-1).reshape(-1), np.reshape(labels, -1))


def test_old_words():
    cornu.set_era(1)
    assert cornu.utils.to_categorical(y=[0, 1], nb_classes=4).shape == (2, 4)
    cornu.set_era(2)
    assert cornu.utils.to_categorical([0, 1], num_classes=4, dtype="int32").dtype == "int32"


def test_one_hot_in_a_trace():
    made = jax.jit(lambda x: cornu.utils.to_categorical(x, 3))(jnp.array([[0], [2]]))
    np.testing.assert_array_equal(made, np.eye(3)[[0, 2]])
    np.testing.assert_array_equal(cornu.utils.to_categorical(jnp.array([0, 2])), np.eye(3)[[0, 2]])


@pytest.mark.parametrize(
    "labels, classes, said",
    [
        ([0, 3], 3, "3 classes have the labels 0 to 2; got 0 to 3"),
        ([-1, 1], None, "2 classes have the labels 0 to 1; got -1 to 1"),
        ([0.5, 1.0], None, "whole numbers; got 0.5"),
    ],
)
def test_labels_refused(labels, classes, said):
    with pytest.raises(ValueError, match=said):
        cornu.utils.to_categorical(labels, classes)


@pytest.mark.parametrize("order", [1, 2, np.inf])
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_normalize(order, axis):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[0] = 0
    made = cornu.utils.normalize(x, axis, order)
    norms = np.linalg.norm(made, order, axis)
    assert np.all((np.abs(norms - 1) < 1e-12) | (norms == 0))
    np.testing.assert_allclose(made * np.linalg.norm(x, order, axis, keepdims=True), x)


def test_normalize_as_keras():
    x = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_allclose(cornu.utils.normalize(x), keras.utils.normalize(x))
    np.testing.assert_allclose(
        cornu.utils.normalize(jnp.asarray(x, "float32")), keras.utils.normalize(x), rtol=1e-6
    )


# ---- what only Keras 1 had -------------------------------------------------------------------------


def test_classes_of_probabilities():
    assert np_utils.probas_to_classes(np.array([[0.1, 0.9], [0.8, 0.2]])).tolist() == [1, 0]
    assert np_utils.probas_to_classes(np.array([[0.1], [0.9]])).tolist() == [0, 1]


def test_log_losses():
    p, y = np.array([0.9, 0.2]), np.array([1, 0])
    np.testing.assert_allclose(np_utils.binary_logloss(p, y), -(np.log(0.9) + np.log(0.8)) / 2)
    rows = np.array([[0.7, 0.3], [0.4, 0.6]])
    np.testing.assert_allclose(np_utils.multiclass_logloss(rows, [1, 2]), -(np.log(0.7) + np.log(0.6)) / 2)
    assert np_utils.accuracy([1, 2, 3], [1, 2, 4]) == 2 / 3


def test_kernels_turn_about():
    kernel = np.arange(24.0).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(np_utils.convert_kernel(kernel), kernel[::-1, ::-1])
    np.testing.assert_array_equal(np_utils.convert_kernel(kernel, "channels_first"), kernel[:, :, ::-1, ::-1])
    with pytest.raises(ValueError, match=r"4 or 5 axes; this one has the shape \(2, 3\)"):
        np_utils.convert_kernel(np.ones((2, 3)))
