"""Wrapped models are estimators: scikit-learn's own searches and validations take them."""

import pickle

import numpy as np
import pytest

import cornu
from cornu.layers import Dense
from cornu.wrappers.scikit_learn import BaseWrapper, KerasClassifier, KerasRegressor

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is who asks here")
from sklearn.base import clone, is_classifier, is_regressor  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(60, 4)).astype("float32")
Y = (X.sum(1) > 0).astype(int)


def classifier(units=4, activation="tanh", loss="categorical_crossentropy", outputs=2, eager=True):
    model = cornu.Sequential([cornu.Input((4,)), Dense(units, activation=activation)])
    model.add(Dense(outputs, activation="softmax" if outputs > 1 else "sigmoid"))
    model.compile(
        "adam", loss, metrics=["accuracy"], run_eagerly=eager
    )  # compiling takes most of the time here
    return model


def regressor(units=4):
    model = cornu.Sequential([cornu.Input((4,)), Dense(units), Dense(1)])
    model.compile("adam", "mse", run_eagerly=True)
    return model


QUIET = {"verbose": 0, "batch_size": 20}


@pytest.mark.parametrize("era", [1, 2, 3])
def test_grid_search(era):
    cornu.set_era(era)
    name = "nb_epoch" if era == 1 else "epochs"
    estimator = KerasClassifier(classifier, **QUIET, **{name: 1})
    search = GridSearchCV(estimator, {"units": [2, 3], name: [1]}, cv=2, error_score="raise")
    search.fit(X, Y)
    assert set(search.best_params_) == {"units", name}
    assert search.best_estimator_.model.layers[-2].units == search.best_params_["units"]
    assert search.predict(X).shape == (60,) and 0 <= search.best_score_ <= 1


@pytest.mark.parametrize("estimator, is_kind", [
    (KerasClassifier(classifier, **QUIET), is_classifier), (KerasRegressor(regressor, **QUIET), is_regressor),
])  # fmt: skip
def test_cross_validation(estimator, is_kind):
    assert is_kind(estimator)
    y = Y if is_kind is is_classifier else X.sum(1)
    assert len(cross_val_score(estimator, X, y, cv=3, error_score="raise")) == 3
    assert cross_val_predict(estimator, X, y, cv=2).shape == (60,)
    assert np.isfinite(make_pipeline(StandardScaler(), estimator).fit(X, y).score(X, y))


def test_it_learns():
    estimator = KerasClassifier(classifier, eager=False, epochs=200, **QUIET)
    history = estimator.fit(X, Y)
    assert len(history.history["loss"]) == 200
    assert estimator.score(X, Y) > 0.9
    np.testing.assert_allclose(np.mean(estimator.predict(X) == Y), estimator.score(X, Y), atol=1e-6)


@pytest.mark.parametrize("loss, outputs", [
    ("sparse_categorical_crossentropy", 2), ("categorical_crossentropy", 2), ("binary_crossentropy", 1),
])  # fmt: skip
def test_words_as_labels(loss, outputs):
    words = np.array(["no", "yes"])[Y]
    estimator = KerasClassifier(lambda: classifier(loss=loss, outputs=outputs), **QUIET)
    estimator.fit(X, words, epochs=2)
    assert estimator.classes_.tolist() == ["no", "yes"] and estimator.n_classes_ == 2
    found, chances = estimator.predict(X), estimator.predict_proba(X)
    assert found.shape == ((60, 1) if outputs == 1 else (60,)) and {*found.ravel()} <= {"no", "yes"}
    assert chances.shape == (60, 2)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.mean(found.ravel() == words), estimator.score(X, words), atol=1e-6)


def test_rows_as_labels():
    rows = cornu.utils.to_categorical(Y, 2)
    estimator = KerasClassifier(classifier, **QUIET)
    estimator.fit(X, rows, sample_weight=np.ones(60))
    assert estimator.classes_.tolist() == [0, 1]
    np.testing.assert_allclose(estimator.score(X, rows), estimator.score(X, Y), atol=1e-6)


def test_numbers_are_places_in_era_1():
    labels = Y * 2
    three = lambda: classifier(loss="categorical_crossentropy", outputs=3)  # noqa: E731
    cornu.set_era(1)
    estimator = KerasClassifier(three, **QUIET)
    estimator.fit(X, labels, nb_epoch=1)
    assert estimator.classes_.tolist() == [0, 1, 2]
    cornu.set_era(2)
    estimator = KerasClassifier(classifier, **QUIET)
    estimator.fit(X, labels)
    assert estimator.classes_.tolist() == [0, 2] and {*estimator.predict(X)} <= {0, 2}


@pytest.mark.parametrize("era, sign", [(1, 1), (2, -1), (3, -1)])
def test_regression(era, sign):
    cornu.set_era(era)
    estimator = KerasRegressor(regressor, **QUIET)
    estimator.fit(X, X.sum(1))
    found = estimator.predict(X)
    assert found.shape == (60,)
    np.testing.assert_allclose(
        estimator.score(X, X.sum(1)), sign * np.mean((found - X.sum(1)) ** 2), rtol=1e-5
    )


def test_parameters():
    estimator = KerasClassifier(classifier, units=3, **QUIET)
    assert estimator.get_params() == {"build_fn": classifier, "units": 3, **QUIET}
    assert clone(estimator).get_params() == estimator.get_params()
    assert estimator.set_params(units=5, build_fn=regressor) is estimator
    assert estimator.sk_params["units"] == 5 and estimator.build_fn is regressor
    assert estimator.filter_sk_params(regressor, {"a": 1}) == {"units": 5, "a": 1}
    for wrong in ({"unit": 3}, {"nb_epoc": 1}):
        with pytest.raises(ValueError, match="is not a legal parameter"):
            estimator.set_params(**wrong)
        with pytest.raises(ValueError, match="is not a legal parameter"):
            KerasClassifier(classifier, **wrong)


class Builder:
    def __call__(self, units=2):
        return classifier(units)


class Own(KerasClassifier):
    def __call__(self, units=2):
        return classifier(units)


@pytest.mark.parametrize("estimator", [KerasClassifier(Builder(), units=7), Own(units=7)])
def test_ways_to_build(estimator):
    estimator.fit(X, Y, verbose=0)
    assert estimator.model.layers[-2].units == 7
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_allclose(again.predict_proba(X), estimator.predict_proba(X), rtol=1e-5)


def test_what_cannot_be_meant():
    with pytest.raises(ValueError, match="needs a `build_fn`"):
        KerasClassifier().fit(X, Y)
    with pytest.raises(ValueError, match="labels have one axis"):
        KerasClassifier(classifier).fit(X, np.zeros((60, 2, 2)))
    estimator = KerasClassifier(regressor, **QUIET)
    estimator.fit(X, Y)
    with pytest.raises(ValueError, match="does not measure its accuracy"):
        estimator.score(X, Y)
    assert not BaseWrapper(classifier).__sklearn_is_fitted__()
