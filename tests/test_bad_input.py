"""What people get wrong: a clear error, in their own terms, before any weight changes."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, Sequential, layers


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def classifier(loss="sparse_categorical_crossentropy", last="softmax", units=3, **compiled):
    model = Sequential([Input((4,), name="measures"), layers.Dense(units, last, name="kind")])
    model.compile("sgd", loss, **compiled)
    return model


LABELS = np.array([0, 1, 2, 1])

DATA = {
    "columns": ((rows(4, 5), LABELS), r"'measures' expects shape \(None, 4\), the data has shape \(4, 5\)"),
    "rank": ((rows(4, 4, 2), LABELS), r"'measures' expects shape \(None, 4\).*\(4, 4, 2\)"),
    "empty": ((rows(0, 4), np.zeros(0, int)), "empty"),
    "empty list": (([], []), "empty"),
    "none": ((None, LABELS), "`x` is None"),
    "lengths": ((rows(4, 4), LABELS[:3]), "x has 4, y has 3"),
    "no targets": ((rows(4, 4), None), "give targets"),
    "label too large": ((rows(4, 4), LABELS + 1), "labels run from 0 to 2; the targets hold 1 to 3"),
    "label negative": ((rows(4, 4), LABELS - 1), "labels run from 0 to 2; the targets hold -1 to 1"),
    "one-hot for sparse": (
        (rows(4, 4), np.eye(3)[LABELS]),
        "For one-hot targets use categorical_crossentropy",
    ),
    "words": ((np.array([["a", "b", "c", "d"]] * 4), LABELS), "not numbers"),
    "ragged": (([[1.0, 2.0], [3.0]], LABELS[:2]), "different lengths"),
    "two inputs": (([rows(4, 4), rows(4, 4)], LABELS), "1 inputs"),
    "wrong name": (({"mesures": rows(4, 4)}, LABELS), "measures"),
    "strange": ((3.5, LABELS), "expected arrays"),
}


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
@pytest.mark.parametrize("name", DATA)
def test_data_that_does_not_fit(name, method):
    model = classifier()
    before = model.get_weights()
    (x, y), message = DATA[name]
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(model, method)(x, y)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.fit(rows(4, 4), LABELS, verbose=0)  # and the model still works


def test_integer_labels_for_one_hot_loss_say_what_to_use():
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy.*to_categorical"):
        classifier("categorical_crossentropy").fit(rows(4, 4), LABELS, verbose=0)


def test_targets_of_another_width():
    with pytest.raises(ValueError, match=r"'kind' has shape \(None, 3\), its targets have shape \(4, 2\)"):
        classifier("mse").fit(rows(4, 4), rows(4, 2), verbose=0)


NAMES = {
    "optimizer": (lambda: classifier().compile("adm", "mse"), "'adm'.*'adam'"),
    "loss": (lambda: classifier("mean_squared_eror"), "'mean_squared_eror'.*'mean_squared_error'"),
    "metric": (lambda: classifier(metrics=["accurracy"]), "'accurracy'"),
    "activation": (lambda: layers.Dense(2, "rleu"), "'rleu'.*'r?elu'"),
    "initializer": (lambda: layers.Dense(2, kernel_initializer="glorot_unifrom"), "'glorot_uniform'"),
    "regularizer": (lambda: layers.Dense(2, kernel_regularizer="l3"), "'l3'"),
    "output": (lambda: classifier({"knd": "mse"}), "'knd' is no output.*'kind'"),
    "era": (lambda: cornu.set_era(4), "era: expected one of 1, 2, 3; got 4"),
}


@pytest.mark.parametrize("name", NAMES)
def test_unknown_names_come_with_the_nearest(name):
    make, message = NAMES[name]
    with pytest.raises(ValueError, match=message):
        make()


ARGUMENTS = {
    "unknown": (lambda: layers.Dense(2, activaton="relu"), "`activaton`.*`activation`"),
    "both spellings": (
        lambda: layers.Dense(units=2, output_dim=3),
        "`output_dim` is the old name of `units`",
    ),
    "half of two": (lambda: layers.Conv2D(filters=2, nb_row=3), "`nb_row` given without `nb_col`"),
    "fit": (lambda: classifier().fit(rows(4, 4), LABELS, epoch=3), "epoch"),
    "both in fit": (lambda: classifier().fit(rows(4, 4), LABELS, epochs=1, nb_epoch=3), "nb_epoch"),
    "missing": (lambda: layers.Dense(), "units"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    make, message = ARGUMENTS[name]
    with pytest.raises(TypeError, match=message):
        make()


def test_not_compiled_and_not_built():
    model = Sequential([layers.Dense(3)])
    with pytest.raises(RuntimeError, match="compile"):
        model.fit(rows(4, 4), LABELS)
    with pytest.raises(ValueError, match="no weights yet"):
        model.count_params()
    with pytest.raises(ValueError, match="no weights yet"):
        model.save_weights("nowhere.weights.h5")


def test_a_layer_names_itself_and_what_it_expected():
    with pytest.raises(ValueError, match=r"'kind'.*axis -1 of size 4, got 5"):
        layer = layers.Dense(3, name="kind")
        layer(rows(2, 4))
        layer(rows(2, 5))
    with pytest.raises(ValueError, match="Conv2D.*4 dimensions.*3"):
        layers.Conv2D(2, 3)(Input((8, 8)))


def test_sequential_refuses_what_is_no_layer_and_names_twice():
    model = Sequential([Input((4,)), layers.Dense(2, name="a")])
    with pytest.raises(TypeError, match="expected a layer"):
        model.add("dense")
    with pytest.raises(ValueError, match="named 'a' already"):
        model.add(layers.Dense(2, name="a"))
    with pytest.raises(ValueError, match="symbols"):
        Model(rows(2, 4), model.output)


def test_set_weights_changes_nothing_when_something_is_wrong():
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ValueError, match="2 weights.*1 arrays"):
        model.set_weights([rows(4, 3)])
    with pytest.raises(ValueError, match=r"bias.*\(3,\).*\(4,\)"):
        model.set_weights([rows(4, 3), rows(4)])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def batches(n, wrong=False):
    for _ in range(n):
        yield (rows(2, 4), LABELS[:2], None, None) if wrong else (rows(2, 4), LABELS[:2])


def test_generators():
    with pytest.raises(ValueError, match="ended after 3 of 5 steps"):
        classifier().fit(batches(3), steps_per_epoch=5, verbose=0)
    with pytest.raises(ValueError, match="tuples of 4"):
        classifier().fit(batches(3, wrong=True), verbose=0)
    with pytest.raises(ValueError, match="empty"):
        classifier().fit(batches(0), verbose=0)
    with pytest.raises(ValueError, match="yield targets"):
        classifier().fit(batches(2), LABELS, verbose=0)


def test_class_weights():
    with pytest.raises(ValueError, match=r"no weight for the classes \[2\]"):
        classifier().fit(rows(4, 4), LABELS, class_weight={0: 1.0, 1: 2.0}, verbose=0)


def test_validation_split_that_leaves_nothing():
    for fraction in (1.0, 1.5):
        with pytest.raises(ValueError, match="validation_split"):
            classifier().fit(rows(4, 4), LABELS, validation_split=fraction, verbose=0)


def test_validation_data_is_checked_before_training():
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ValueError, match="expects shape"):
        model.fit(rows(4, 4), LABELS, validation_data=(rows(4, 3), LABELS), verbose=0)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
