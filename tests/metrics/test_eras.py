"""Metrics as Keras 1.2.2 had them, and what 'accuracy' means in each era."""

import numpy as np
import pytest

from cornu import config, metrics
from cornu.metrics import pointwise

EPSILON = 1e-7
RNG = np.random.default_rng(5)
Y = (RNG.random((7, 3)) > 0.5).astype("float32")
P = RNG.random((7, 3)).astype("float32")
LABELS = RNG.integers(0, 3, (7, 1))
REAL = RNG.normal(size=(7, 3)).astype("float32")


def unit(x):
    return x / np.sqrt((x**2).sum(-1, keepdims=True))


def counts(y, p):
    y, p = np.round(np.clip(y, 0, 1)), np.round(np.clip(p, 0, 1))
    return (y * p).sum(), ((1 - y) * p).sum(), ((1 - y) * (1 - p)).sum(), (y * (1 - p)).sum()


def precision(y, p):
    return np.round(np.clip(y * p, 0, 1)).sum() / (np.round(np.clip(p, 0, 1)).sum() + EPSILON)


def recall(y, p):
    return np.round(np.clip(y * p, 0, 1)).sum() / (np.round(np.clip(y, 0, 1)).sum() + EPSILON)


def fbeta(y, p, beta=1):
    a, b = precision(y, p), recall(y, p)
    return (1 + beta**2) * a * b / (beta**2 * a + b + EPSILON)


def matthews(y, p):
    tp, fp, tn, fn = counts(y, p)
    return (tp * tn - fp * fn) / (np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) + EPSILON)


# what Keras 1.2.2 computes
FORMULAS = {
    "binary_accuracy": (Y, P, lambda y, p: (y == np.round(p)).mean()),
    "categorical_accuracy": (Y, P, lambda y, p: (y.argmax(-1) == p.argmax(-1)).mean()),
    "sparse_categorical_accuracy": (LABELS, P, lambda y, p: (y.max(-1) == p.argmax(-1)).mean()),
    "top_k_categorical_accuracy": (Y, P, lambda y, p: 1.0),
    "mean_squared_error": (Y, REAL, lambda y, p: ((y - p) ** 2).mean()),
    "mean_absolute_error": (Y, REAL, lambda y, p: abs(y - p).mean()),
    "mean_absolute_percentage_error": (
        REAL,
        P,
        lambda y, p: 100 * abs((y - p) / np.clip(abs(y), EPSILON, None)).mean(),
    ),
    "mean_squared_logarithmic_error": (P, Y, lambda y, p: ((np.log(p + 1) - np.log(y + 1)) ** 2).mean()),
    "hinge": (Y, REAL, lambda y, p: np.maximum(1 - y * p, 0).mean()),
    "squared_hinge": (Y, REAL, lambda y, p: (np.maximum(1 - y * p, 0) ** 2).mean()),
    "categorical_crossentropy": (
        Y,
        P,
        lambda y, p: -(y * np.log(p / p.sum(-1, keepdims=True))).sum(-1).mean(),
    ),
    "sparse_categorical_crossentropy": (
        LABELS,
        P,
        lambda y, p: -np.log(np.take_along_axis(p / p.sum(-1, keepdims=True), y, -1)).mean(),
    ),
    "binary_crossentropy": (Y, P, lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()),
    "poisson": (Y, P, lambda y, p: (p - y * np.log(p + EPSILON)).mean()),
    "cosine_proximity": (REAL, P, lambda y, p: -(unit(y) * unit(p)).mean()),
    "precision": (Y, P, precision),
    "recall": (Y, P, recall),
    "fbeta_score": (Y, P, fbeta),
    "fmeasure": (Y, P, fbeta),
    "matthews_correlation": (Y, P, matthews),
}


@pytest.fixture
def era_1():
    with config.era_scope(1):
        yield


@pytest.mark.parametrize("name", FORMULAS)
def test_functions_give_the_number_in_era_1(name, era_1):
    y, p, formula = FORMULAS[name]
    result = getattr(metrics, name)(y, p)
    assert result.shape == ()
    np.testing.assert_allclose(result, formula(y, p), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
def test_names_give_the_same_number_in_era_1(name, era_1):
    y, p, formula = FORMULAS[name]
    np.testing.assert_allclose(metrics.get(name)(y, p), formula(y, p), rtol=1e-5, atol=1e-6)


def test_the_number_that_the_article_speaks_of(era_1):
    test_y, predict = [1, 0, 1, 1], np.array([[0.9], [0.2], [0.4], [0.8]])
    assert float(metrics.binary_accuracy(test_y, predict)) == 0.75


def test_predictions_out_of_range_are_rounded_in_era_1():
    assert metrics.binary_accuracy([1.0, 1.0], [1.7, 0.9]).tolist() == [1, 1]
    with config.era_scope(1):
        assert float(metrics.binary_accuracy([1.0, 1.0], [1.7, 0.9])) == 0.5


def test_binary_accuracy_of_era_2_is_the_mean_of_the_last_axis():
    with config.era_scope(2):
        np.testing.assert_allclose(metrics.binary_accuracy(Y, P), (Y == np.round(P)).mean(-1), rtol=1e-6)
        assert metrics.binary_accuracy([[3.0], [1.0]], [[2.8], [1.7]]).tolist() == [1, 0]  # rounded
        assert metrics.binary_accuracy([[1.0], [0.0]], [[0.3], [0.1]], threshold=0.2).tolist() == [1, 1]
        result = metrics.BinaryAccuracy()(Y, P, sample_weight=np.arange(7))
    hits = (Y == np.round(P)).mean(-1)
    np.testing.assert_allclose(result, (hits * np.arange(7)).sum() / 21, rtol=1e-5)


def test_what_cannot_be_a_metric_is_an_error_of_either_kind():
    for kind in (TypeError, ValueError):
        with pytest.raises(kind, match="metrics"):
            metrics.get(5)


def test_other_names_of_era_1(era_1):
    assert metrics.get("f1score") is metrics.fmeasure
    assert metrics.get("fscore") is metrics.fmeasure
    assert metrics.get("cosine") is metrics.cosine_proximity
    assert metrics.get("precision") is metrics.precision
    np.testing.assert_allclose(metrics.fbeta_score(Y, P, beta=2), fbeta(Y, P, 2), rtol=1e-5)
    with pytest.raises(ValueError, match="beta"):
        metrics.fbeta_score(Y, P, beta=-1)


def test_precision_is_a_class_after_era_1():
    assert isinstance(metrics.get("precision"), metrics.Precision)
    assert isinstance(metrics.get("recall"), metrics.Recall)
    with pytest.raises(ValueError, match="matthews"):
        metrics.get("matthews_correlation")


def test_classes_count_by_sample_in_every_era(era_1):
    weights = np.arange(7)
    hits = ((P > 0.5) == Y).mean(-1)
    result = metrics.BinaryAccuracy()(Y, P, sample_weight=weights)
    np.testing.assert_allclose(result, (hits * weights).sum() / weights.sum(), rtol=1e-5)


BINARY, SPARSE, CATEGORICAL = "binary_accuracy", "sparse_categorical_accuracy", "categorical_accuracy"
BCE, SCE, CCE = "binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"
MEANINGS = [  # targets, outputs, loss, eras 1 and 2, era 3
    ((None, 1), (None, 1), BCE, BINARY, BINARY),
    ((None,), (None, 1), "mean_squared_error", BINARY, BINARY),
    ((None, 5), (None, 5), BCE, BINARY, CATEGORICAL),
    ((None, 5), (None, 5), CCE, CATEGORICAL, CATEGORICAL),
    ((None, 1), (None, 5), SCE, SPARSE, SPARSE),
    ((None,), (None, 5), SCE, SPARSE, SPARSE),
    ((None,), (None, 5), "mine", CATEGORICAL, SPARSE),
    ((None, 7), (None, 7, 5), SCE, SPARSE, SPARSE),
    ((None, 7, 1), (None, 7, 5), SCE, SPARSE, SPARSE),
    ((None, 5), (None, 5), None, CATEGORICAL, CATEGORICAL),
    ((None, None), (None, None), CCE, CATEGORICAL, CATEGORICAL),
]


@pytest.mark.parametrize("y_true, y_pred, loss, early, late", MEANINGS)
def test_what_accuracy_and_crossentropy_mean(y_true, y_pred, loss, early, late):
    for era, name in ((1, early), (2, early), (3, late)):
        assert pointwise.accuracy_for(y_true, y_pred, loss, era).__name__ == name
        entropy = name.replace("accuracy", "crossentropy")
        assert pointwise.crossentropy_for(y_true, y_pred, loss, era).__name__ == entropy
