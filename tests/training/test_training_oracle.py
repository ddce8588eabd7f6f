"""Training from equal weights, side by side with Keras 3 on JAX: losses, metrics and weights."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import numpy as np
import pytest

import cornu

keras = pytest.importorskip(
    "keras", reason="Keras 3 is the oracle here; install it with pip install keras==3.15.1"
)
pytestmark = pytest.mark.oracle

N = 20
draw = np.random.default_rng(5)
FLAT, STEPS, IMAGE = (draw.normal(size=(N, *shape)).astype("float32") for shape in ((6,), (5, 4), (6, 5, 2)))
TOKENS = draw.integers(0, 8, (N, 5)).astype("int32")
LABELS = draw.integers(0, 3, N).astype("int32")
HOT = np.eye(3, dtype="float32")[LABELS]
BITS = draw.integers(0, 2, (N, 1)).astype("float32")
REAL = draw.normal(size=(N, 2)).astype("float32")
SEQUENCE = draw.normal(size=(N, 5, 2)).astype("float32")
WEIGHTS = draw.uniform(0, 2, N).astype("float32")
WEIGHTS[:4] = 0


def stack(*layers):
    def make(k):
        return k.Sequential([make_one(k) for make_one in layers])

    return make


def layer(name, *args, **kwargs):
    return lambda k: k.Input(*args, **kwargs) if name == "Input" else getattr(k.layers, name)(*args, **kwargs)


def two_headed(k):
    x = k.Input((6,), name="x")
    trunk = k.layers.Dense(5, "relu", name="trunk")(x)
    kind = k.layers.Dense(3, "softmax", name="kind")(trunk)
    size = k.layers.Dense(2, name="size")(trunk)
    return k.Model(x, [kind, size])


def by_name(k):
    a, b = k.Input((6,), name="a"), k.Input((5, 4), name="b")
    joined = k.layers.Concatenate()([k.layers.Dense(3)(a), k.layers.GlobalAveragePooling1D()(b)])
    return k.Model({"a": a, "b": b}, k.layers.Dense(3, "softmax", name="out")(joined))


def penalised(k):
    l2 = k.regularizers.L2(0.1)
    dense = k.layers.Dense(
        4, "tanh", kernel_regularizer=l2, activity_regularizer="l1", kernel_constraint="non_neg"
    )
    return k.Sequential([k.Input((6,)), dense, k.layers.Dense(3, "softmax", bias_regularizer="l1")])


def frozen(k):
    model = k.Sequential([k.Input((6,)), k.layers.Dense(5, "relu"), k.layers.Dense(3, "softmax")])
    model.layers[0].trainable = False
    return model


dense = stack(layer("Input", (6,)), layer("Dense", 5, "tanh"), layer("Dense", 3, "softmax"))
masked = stack(
    layer("Input", (5,), dtype="int32"),
    layer("Embedding", 8, 4, mask_zero=True),
    layer("LSTM", 3, return_sequences=True),
    layer("Dense", 2),
)

CASES = {
    "softmax": (dense, FLAT, LABELS, {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}, {}),
    "one-hot": (dense, FLAT, HOT, {"loss": "categorical_crossentropy", "metrics": ["acc", "mse", "AUC"]}, {}),
    "sigmoid": (
        stack(layer("Input", (6,)), layer("Dense", 1, "sigmoid")),
        FLAT,
        BITS,
        {"loss": "binary_crossentropy", "metrics": ["accuracy"], "optimizer": "rmsprop"},
        {},
    ),
    "flat targets": (
        stack(layer("Input", (6,)), layer("Dense", 1)),
        FLAT,
        BITS[:, 0],
        {"loss": "mse", "metrics": ["mae"]},
        {},
    ),
    "convolution": (
        stack(
            layer("Input", (6, 5, 2)),
            layer("Conv2D", 3, 2, activation="relu"),
            layer("BatchNormalization"),
            layer("MaxPooling2D", 2),
            layer("Flatten"),
            layer("Dense", 3, "softmax"),
        ),
        IMAGE,
        LABELS,
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "optimizer": "adam"},
        {},
    ),
    "masked": (masked, TOKENS, SEQUENCE, {"loss": "mse"}, {}),
    "weights a step": (
        masked, TOKENS, SEQUENCE, {"loss": "mse"}, {"sample_weight": draw.uniform(0, 2, (N, 5)).astype("float32")},
    ),
    "sample weights": (
        dense,
        FLAT,
        LABELS,
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "weighted_metrics": ["accuracy"]},
        {"sample_weight": WEIGHTS},
    ),
    "class weights": (
        dense,
        FLAT,
        LABELS,
        {"loss": "sparse_categorical_crossentropy"},
        {"class_weight": {0: 1.0, 1: 5.0, 2: 0.5}},
    ),
    "two outputs": (
        two_headed,
        FLAT,
        [HOT, REAL],
        {
            "loss": ["categorical_crossentropy", "mse"],
            "loss_weights": [1.0, 0.3],
            "metrics": [["accuracy"], ["mae"]],
        },
        {},
    ),
    "two inputs by name": (
        by_name, {"a": FLAT, "b": STEPS}, LABELS, {"loss": "sparse_categorical_crossentropy"}, {},
    ),
    "penalties": (penalised, FLAT, LABELS, {"loss": "sparse_categorical_crossentropy"}, {}),
    "frozen": (frozen, FLAT, LABELS, {"loss": "sparse_categorical_crossentropy"}, {}),
    "huber object": (
        stack(layer("Input", (6,)), layer("Dense", 2)),
        FLAT,
        REAL,
        lambda k: {"loss": k.losses.Huber(0.5), "metrics": [k.metrics.RootMeanSquaredError(name="rmse")]},
        {},
    ),
}  # fmt: skip


def pair(name):
    make, x, y, compiled, given = CASES[name]
    models = []
    for k in (cornu, keras):
        model = make(k)
        arguments = compiled(k) if callable(compiled) else compiled
        model.compile(**{"optimizer": k.optimizers.SGD(0.1, momentum=0.9), **arguments})
        models.append(model)
    ours, theirs = models
    scrambled = [
        w + 0.1 * np.random.default_rng(i).normal(size=w.shape) for i, w in enumerate(ours.get_weights())
    ]
    for model in models:
        model.set_weights(
            [np.abs(w) if "variance" in c.path else w for w, c in zip(scrambled, ours.weights, strict=True)]
        )
    return ours, theirs, x, y, given


def near(ours, theirs, **more):
    assert set(ours) == set(theirs)
    for key in theirs:
        np.testing.assert_allclose(
            ours[key], theirs[key], err_msg=key, **{"rtol": 2e-4, "atol": 2e-5, **more}
        )


@pytest.mark.parametrize("name", CASES)
def test_fit_evaluate_and_predict_as_keras(name):
    ours, theirs, x, y, given = pair(name)
    how = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0, **given}
    near(ours.fit(x, y, **how).history, theirs.fit(x, y, **how).history)
    for cell, expected in zip(ours.weights, theirs.get_weights(), strict=True):
        np.testing.assert_allclose(cell.numpy(), expected, err_msg=cell.path, rtol=1e-3, atol=1e-4)
    test = {"verbose": 0, "batch_size": 8, "return_dict": True}
    if "sample_weight" in given:
        test["sample_weight"] = given["sample_weight"]
    near(ours.evaluate(x, y, **test), theirs.evaluate(x, y, **test))
    for a, b in zip(as_list(ours.predict(x, verbose=0)), as_list(theirs.predict(x, verbose=0)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def as_list(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


def test_batches_as_keras():
    ours, theirs, x, y, _ = pair("softmax")
    for _ in range(3):
        near(ours.train_on_batch(x, y, return_dict=True), theirs.train_on_batch(x, y, return_dict=True))
    near(ours.test_on_batch(x, y, return_dict=True), theirs.test_on_batch(x, y, return_dict=True))
    np.testing.assert_allclose(ours.predict_on_batch(x), theirs.predict_on_batch(x), rtol=1e-4, atol=1e-5)


def test_validation_split_as_keras():
    ours, theirs, x, y, _ = pair("softmax")
    how = {"validation_split": 0.3, "epochs": 2, "verbose": 0, "batch_size": 4, "shuffle": False}
    near(ours.fit(x, y, **how).history, theirs.fit(x, y, **how).history)
