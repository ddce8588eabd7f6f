"""Losses against Keras 3.15.1, against formulas of Keras 1.2.2 in NumPy, and against their own laws."""

import inspect
import os
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import config, graph, losses, scope
from cornu.losses import CLASSES, FUNCTIONS
from cornu.symbol import Symbol

os.environ.setdefault("KERAS_BACKEND", "jax")
WHY = "Keras 3.15.1 says what is right here"

RNG = np.random.default_rng(7)
N, T, C = 6, 4, 5


def simplex(*shape):
    raw = RNG.random(shape).astype("float32") + 0.05
    return raw / raw.sum(-1, keepdims=True)


REAL = RNG.normal(size=(N, C)).astype("float32"), RNG.normal(size=(N, C)).astype("float32")
STEPS = RNG.normal(size=(N, T, C)).astype("float32"), RNG.normal(size=(N, T, C)).astype("float32")
POSITIVE = simplex(N, C) * 3, simplex(N, C) * 3
BITS = (RNG.random((N, C)) > 0.5).astype("float32"), RNG.random((N, C)).astype("float32")
SIGNS = BITS[0] * 2 - 1, REAL[1]
ONEHOT = np.eye(C, dtype="float32")[RNG.integers(0, C, N)], simplex(N, C)
LABELS = RNG.integers(0, C, (N, T)), simplex(N, T, C)
CTC = RNG.integers(1, C, (N, 2)), RNG.normal(size=(N, 5, C)).astype("float32")
UNIT = RNG.integers(0, 3, N), (lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True))(REAL[1])
LOGITS = ONEHOT[0], REAL[1]

# class, function, data, options
CASES = [
    ("MeanSquaredError", "mean_squared_error", REAL, {}),
    ("MeanSquaredError", "mean_squared_error", STEPS, {}),
    ("MeanAbsoluteError", "mean_absolute_error", STEPS, {}),
    ("MeanAbsolutePercentageError", "mean_absolute_percentage_error", REAL, {}),
    ("MeanAbsolutePercentageError", "mean_absolute_percentage_error", BITS, {}),
    ("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", POSITIVE, {}),
    ("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", REAL, {}),
    ("CosineSimilarity", "cosine_similarity", REAL, {}),
    ("CosineSimilarity", "cosine_similarity", STEPS, {"axis": 1}),
    ("Huber", "huber", REAL, {}),
    ("Huber", "huber", REAL, {"delta": 0.3}),
    ("LogCosh", "log_cosh", REAL, {}),
    ("Hinge", "hinge", SIGNS, {}),
    ("Hinge", "hinge", (BITS[0], REAL[1]), {}),
    ("SquaredHinge", "squared_hinge", SIGNS, {}),
    ("SquaredHinge", "squared_hinge", (BITS[0], REAL[1]), {}),
    ("CategoricalHinge", "categorical_hinge", LOGITS, {}),
    ("KLDivergence", "kl_divergence", (simplex(N, C), simplex(N, C)), {}),
    ("Poisson", "poisson", POSITIVE, {}),
    ("BinaryCrossentropy", "binary_crossentropy", BITS, {}),
    ("BinaryCrossentropy", "binary_crossentropy", (BITS[0], REAL[1]), {"from_logits": True}),
    ("BinaryCrossentropy", "binary_crossentropy", BITS, {"label_smoothing": 0.2}),
    ("BinaryCrossentropy", "binary_crossentropy", BITS, {"axis": 0}),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy", BITS, {}),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy", BITS, {"gamma": 3.0, "label_smoothing": 0.1}),
    (
        "BinaryFocalCrossentropy",
        "binary_focal_crossentropy",
        (BITS[0], REAL[1]),
        {"apply_class_balancing": True, "alpha": 0.4, "from_logits": True},
    ),
    ("CategoricalCrossentropy", "categorical_crossentropy", ONEHOT, {}),
    ("CategoricalCrossentropy", "categorical_crossentropy", (ONEHOT[0], ONEHOT[1] * 4), {}),
    ("CategoricalCrossentropy", "categorical_crossentropy", LOGITS, {"from_logits": True}),
    ("CategoricalCrossentropy", "categorical_crossentropy", ONEHOT, {"label_smoothing": 0.1}),
    ("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", ONEHOT, {}),
    (
        "CategoricalFocalCrossentropy",
        "categorical_focal_crossentropy",
        LOGITS,
        {"from_logits": True, "alpha": 0.5, "gamma": 1.5, "label_smoothing": 0.1},
    ),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", LABELS, {}),
    (
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        (LABELS[0], STEPS[1]),
        {"from_logits": True},
    ),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", LABELS, {"ignore_class": 2}),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", LABELS, {"ignore_class": -1}),
    (
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        (LABELS[0][..., None], LABELS[1]),
        {},
    ),
    (
        "CategoricalGeneralizedCrossEntropy",
        "categorical_generalized_cross_entropy",
        (LABELS[0][:, 0], ONEHOT[1]),
        {"q": 0.3},
    ),
    ("CTC", "ctc", CTC, {}),
    ("Dice", "dice", BITS, {}),
    ("Dice", "dice", BITS, {"axis": -1}),
    ("Tversky", "tversky", BITS, {}),
    ("Tversky", "tversky", BITS, {"alpha": 0.3, "beta": 0.7, "axis": -1}),
    ("Circle", "circle", UNIT, {}),
    ("Circle", "circle", UNIT, {"gamma": 10.0, "margin": 0.3, "remove_diagonal": False}),
]
ONE_EACH = list({cls: (cls, *rest) for cls, *rest in CASES}.values())  # the last of each class
IDS = [f"{cls}-{options}" for cls, _, _, options in CASES]


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras", reason=WHY)


def same(ours, theirs, tolerance=2e-6):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=tolerance, atol=tolerance)


# ---- against Keras 3 ---------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("cls, fn, data, options", CASES, ids=IDS)
def test_losses_equal_those_of_keras(keras, cls, fn, data, options):
    same(FUNCTIONS[fn](*data, **options), getattr(keras.losses, fn)(*data, **options), 1e-5)
    same(CLASSES[cls](**options)(*data), getattr(keras.losses, cls)(**options)(*data), 1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize("cls, fn, data, options", ONE_EACH, ids=[row[0] for row in ONE_EACH])
def test_gradients_equal_those_of_keras(keras, cls, fn, data, options):
    ours, theirs = CLASSES[cls](**options), getattr(keras.losses, cls)(**options)
    y_true = jnp.asarray(data[0])
    same(*(jax.grad(lambda p, loss=loss: loss(y_true, p))(data[1]) for loss in (ours, theirs)), 1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize("cls", sorted(CLASSES))
def test_constructors_take_what_those_of_keras_take(keras, cls):
    def known(cls):
        return [(p.name, p.default) for p in inspect.signature(cls).parameters.values()]

    assert known(CLASSES[cls]) == known(getattr(keras.losses, cls))


WEIGHTS = {
    "a column": RNG.random((N, 1)).astype("float32"),
    "one a step": RNG.random((N, T)).astype("float32"),
    "zeros": np.zeros((N, T), "float32"),
    "a number": np.float32(0.5),
}
MASKS = {
    "none": None,
    "one a step": RNG.random((N, T)) > 0.4,
    "nothing": np.zeros((N, T), bool),
}


@pytest.mark.oracle
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"]
)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("weights", [*WEIGHTS, None])
def test_weights_and_masks_count_as_in_keras(keras, weights, mask, reduction):
    from keras.src.backend.common.masking import set_keras_mask

    weights, mask = WEIGHTS.get(weights), MASKS[mask]
    results = []
    for family, put in ((losses, scope.set_mask), (keras.losses, set_keras_mask)):
        y_pred = jnp.array(STEPS[1])
        if mask is not None:
            put(y_pred, jnp.asarray(mask))
        loss = family.MeanAbsoluteError(reduction=reduction)
        results.append(loss(STEPS[0], y_pred, sample_weight=weights))
    same(*results)


@pytest.mark.oracle
def test_weights_a_sample(keras):
    weights = RNG.random(N).astype("float32")
    for w in (weights, weights[:, None], np.array([1, 0, 2, 1, 1, 0])):
        same(losses.Huber()(*REAL, sample_weight=w), keras.losses.Huber()(*REAL, sample_weight=w))


def test_weights_a_sample_count_for_all_its_steps():  # Keras 3 takes them for weights of steps
    weights, values = RNG.random(N), abs(STEPS[0] - STEPS[1]).mean(-1)
    same(losses.MeanAbsoluteError()(*STEPS, sample_weight=weights), (values * weights[:, None]).mean())
    same(losses.MeanAbsoluteError()(*STEPS, sample_weight=list(weights)), (values * weights[:, None]).mean())


@pytest.mark.oracle
@pytest.mark.parametrize(
    "y_true, y_pred",
    [((N,), (N, 1)), ((N, 1), (N,)), ((N, T), (N, T, 1)), ((N, T, 1), (N, T)), ((N, 1), (N, C))],
)
def test_last_axes_of_one_are_matched_as_in_keras(keras, y_true, y_pred):
    y_true, y_pred = RNG.random(y_true), RNG.random(y_pred)
    same(losses.MeanSquaredError()(y_true, y_pred), keras.losses.MeanSquaredError()(y_true, y_pred))
    same(losses.mean_squared_error(y_true, y_pred), keras.losses.mean_squared_error(y_true, y_pred))


@pytest.mark.oracle
def test_an_ignored_class_is_left_out_of_the_mean(keras):
    ours = losses.SparseCategoricalCrossentropy(ignore_class=2)
    theirs = keras.losses.SparseCategoricalCrossentropy(ignore_class=2)
    weights = WEIGHTS["one a step"]
    same(ours(*LABELS, sample_weight=weights), theirs(*LABELS, sample_weight=weights))


@pytest.mark.oracle
def test_half_precision(keras):
    for dtype in ("bfloat16", "float16"):
        ours = losses.MeanSquaredError(dtype=dtype)(*REAL)
        assert ours.dtype == dtype
        same(
            ours.astype("float32"), keras.losses.MeanSquaredError(dtype=dtype)(*REAL).astype("float32"), 1e-2
        )


# ---- against formulas --------------------------------------------------------------------------

EPSILON = 1e-7


def unit(x):
    return x / np.sqrt((x**2).sum(-1, keepdims=True))


# what Keras 1.2.2 computes
ERA_1 = {
    "mean_squared_error": (REAL, lambda y, p: ((p - y) ** 2).mean(-1)),
    "mean_absolute_error": (REAL, lambda y, p: abs(p - y).mean(-1)),
    "mean_absolute_percentage_error": (
        REAL,
        lambda y, p: 100 * abs((y - p) / np.clip(abs(y), EPSILON, np.inf)).mean(-1),
    ),
    "mean_squared_logarithmic_error": (
        POSITIVE,
        lambda y, p: (
            (np.log(np.clip(p, EPSILON, None) + 1) - np.log(np.clip(y, EPSILON, None) + 1)) ** 2
        ).mean(-1),
    ),
    "squared_hinge": ((BITS[0], REAL[1]), lambda y, p: (np.maximum(1 - y * p, 0) ** 2).mean(-1)),
    "hinge": ((BITS[0], REAL[1]), lambda y, p: np.maximum(1 - y * p, 0).mean(-1)),
    "categorical_crossentropy": (
        (ONEHOT[0], ONEHOT[1] * 3),
        lambda y, p: -(y * np.log(np.clip(p / p.sum(-1, keepdims=True), EPSILON, 1 - EPSILON))).sum(-1),
    ),
    "sparse_categorical_crossentropy": (
        (LABELS[0][:, :1], ONEHOT[1]),
        lambda y, p: -np.log(np.take_along_axis(p, y, -1))[:, 0],
    ),
    "binary_crossentropy": (BITS, lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(-1)),
    "kl_divergence": (
        ONEHOT,
        lambda y, p: (np.clip(y, EPSILON, 1) * np.log(np.clip(y, EPSILON, 1) / np.clip(p, EPSILON, 1))).sum(
            -1
        ),
    ),
    "poisson": (POSITIVE, lambda y, p: (p - y * np.log(p + EPSILON)).mean(-1)),
    "cosine_proximity": (REAL, lambda y, p: -(unit(y) * unit(p)).mean(-1)),
}
OLD_NAMES = {
    **{"mse": "mean_squared_error", "MSE": "mean_squared_error", "mae": "mean_absolute_error"},
    **{"mape": "mean_absolute_percentage_error", "msle": "mean_squared_logarithmic_error"},
    **{"kld": "kl_divergence", "KLD": "kl_divergence", "kullback_leibler_divergence": "kl_divergence"},
    **{"cosine": "cosine_proximity", "bce": "binary_crossentropy", "BCE": "binary_crossentropy"},
    **{"logcosh": "log_cosh", "MAE": "mean_absolute_error"},
}


@pytest.mark.parametrize("name", ERA_1)
def test_era_1_computes_what_its_formulas_say(name):
    (y, p), formula = ERA_1[name]
    with config.era_scope(1):
        same(losses.get(name)(y, p), formula(y, p), 1e-5)


@pytest.mark.parametrize("era", [2, 3])
def test_cosine_proximity_is_a_sum_after_era_1(era):
    with config.era_scope(era):
        same(losses.get("cosine_proximity")(*REAL), losses.cosine_similarity(*REAL))


def test_labels_of_hinges_are_turned_into_signs_but_for_era_1():
    """Keras does that since 2.3."""
    y, p = BITS[0], REAL[1]
    for era in (2, 3):
        with config.era_scope(era):
            same(losses.hinge(y, p), np.maximum(1 - (2 * y - 1) * p, 0).mean(-1))
    with config.era_scope(1):
        same(losses.hinge(y, p), np.maximum(1 - y * p, 0).mean(-1))


# ---- objects and names -------------------------------------------------------------------------


@pytest.mark.parametrize("cls, fn, data, options", CASES, ids=IDS)
def test_configuration_makes_the_same_loss_again(cls, fn, data, options):
    loss = CLASSES[cls](**options, name="mine", reduction="sum")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert again.get_config() | options == again.get_config()
    same(again(*data), loss(*data))
    same(pickle.loads(pickle.dumps(loss))(*data), loss(*data))


@pytest.mark.parametrize("old, new", OLD_NAMES.items())
def test_short_names(old, new):
    assert losses.get(old) is FUNCTIONS[new]


def test_every_public_loss_of_keras_is_here():
    surface = """
        BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy CategoricalFocalCrossentropy
        CategoricalGeneralizedCrossEntropy CategoricalHinge Circle CosineSimilarity Dice Hinge Huber KLDivergence
        LogCosh Loss MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError
        Poisson SparseCategoricalCrossentropy SquaredHinge Tversky binary_crossentropy binary_focal_crossentropy
        categorical_crossentropy categorical_focal_crossentropy categorical_generalized_cross_entropy
        categorical_hinge circle cosine_similarity ctc deserialize dice get hinge huber kl_divergence log_cosh
        mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error poisson
        serialize sparse_categorical_crossentropy squared_hinge tversky
    """.split()
    assert not {*surface} - {*losses.__all__}
    for name in {*surface} - {"deserialize", "get", "serialize"}:
        assert losses.get(name) is getattr(losses, name) or isinstance(
            losses.get(name), getattr(losses, name)
        )


def test_get_takes_names_classes_functions_and_configurations():
    assert losses.get(None) is None
    assert isinstance(losses.get("Huber"), losses.Huber)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.get({"class_name": "Huber", "config": {"delta": 3.0}}).delta == 3.0
    assert losses.get(max) is max
    with pytest.raises(ValueError, match="mean_squared_error"):
        losses.get("mean_square_error")
    with pytest.raises(TypeError, match="losses"):
        losses.get(3)


def test_a_users_loss_has_weights_and_reductions():
    graph.reset_names()  # so that it is the first of its name

    class Distance(losses.Loss):
        def __init__(self, power=1, **kwargs):
            super().__init__(**kwargs)
            self.power = power

        def call(self, y_true, y_pred):
            return jnp.mean(jnp.abs(y_true - y_pred) ** self.power, -1)

    loss = Distance(2, name="distance")
    weights = np.arange(N)
    same(loss(*REAL, sample_weight=weights), (((REAL[0] - REAL[1]) ** 2).mean(-1) * weights).mean())
    again = Distance.from_config(loss.get_config())
    assert (again.power, again.name, again.reduction) == (2, "distance", "sum_over_batch_size")
    assert Distance().name == "distance"


def test_a_loss_of_several_outputs_gets_them_as_they_are():
    class Total(losses.Loss):
        def call(self, y_true, y_pred):
            return y_true["a"] - y_pred["a"] + y_true["b"]

    assert float(Total()({"a": [3.0], "b": np.ones(1)}, {"a": np.ones(1), "b": 0.0})) == 3.0


def test_options_are_handed_to_the_function():
    loss = losses.LossFunctionWrapper(losses.huber, name="mine", delta=0.3)
    same(loss(*REAL), losses.Huber(0.3)(*REAL))
    again = losses.LossFunctionWrapper.from_config(loss.get_config())
    same(again(*REAL), loss(*REAL))


def test_unreduced():
    same(losses.unreduced(losses.Huber(0.3))(*REAL), losses.huber(*REAL, delta=0.3))
    assert losses.unreduced(losses.huber) is losses.huber
    assert float(losses.unreduced(lambda y, p: jnp.sum(y - p))(jnp.ones(2), jnp.zeros(2))) == 2.0


# ---- what goes in ------------------------------------------------------------------------------


@pytest.mark.parametrize("fn", [losses.mean_squared_error, losses.MeanSquaredError(reduction=None)])
def test_lists_arrays_and_mixed_types(fn):
    y, p = [[0, 1], [1, 0]], [[0.5, 0.5], [1.0, 1.0]]
    expected = [0.25, 0.5]
    for make in (
        list,
        np.array,
        jnp.array,
        lambda x: np.array(x, "float64"),
        lambda x: jnp.array(x, "float32"),
    ):
        same(fn(make(y), make(p)), expected)
        same(fn(np.array(y, "uint8"), make(p)), expected)
        same(fn(np.array(y, bool), make(p)), expected)
    same(fn(y, y), [0, 0])
    assert fn(y, np.array(p)).dtype == "float32"


@pytest.mark.parametrize("cls, fn, data, options", CASES, ids=IDS)
def test_symbols_have_the_shapes_of_arrays(cls, fn, data, options):
    symbols = [Symbol((None, *x.shape[1:]), x.dtype.name if x.dtype != "int64" else "int32") for x in data]
    shape = FUNCTIONS[fn](*symbols, **options).shape
    values = FUNCTIONS[fn](*data, **options).shape
    assert len(shape) == len(values)
    assert all(n is None or n == m for n, m in zip(shape, values, strict=True))
    assert CLASSES[cls](**options)(*symbols).shape == ()


@pytest.mark.parametrize("cls, fn, data, options", ONE_EACH, ids=[row[0] for row in ONE_EACH])
def test_compiled_equals_eager(cls, fn, data, options):
    loss = CLASSES[cls](**options)
    y_true = jnp.asarray(data[0])
    same(jax.jit(lambda y, p: loss(y, p))(y_true, data[1]), loss(y_true, data[1]), 1e-5)


BAD_SHAPES = [
    ("mean_squared_error", (N, 3), (N, 4)),
    ("mean_squared_error", (N, 3), (N + 1, 3)),
    ("mean_squared_error", (N,), (N, 3)),
    ("binary_crossentropy", (N, 1), (N, 3)),
    ("categorical_crossentropy", (N, 1), (N, 3)),
    ("categorical_crossentropy", (N,), (N, 3)),
    ("sparse_categorical_crossentropy", (N, 3), (N, 3)),
    ("sparse_categorical_crossentropy", (N + 1,), (N, 3)),
    ("categorical_generalized_cross_entropy", (N, 3), (N, 3)),
    ("ctc", (N,), (N, 3)),
]


@pytest.mark.parametrize("name, y_true, y_pred", BAD_SHAPES)
def test_shapes_that_do_not_fit_are_named(name, y_true, y_pred):
    with pytest.raises(ValueError) as error:
        FUNCTIONS[name](np.zeros(y_true), np.full(y_pred, 0.5))
    for part in (name, str(y_true), str(y_pred)):
        assert part in str(error.value)


def test_other_mistakes_are_named():
    with pytest.raises(ValueError, match="'median'.*|reduction"):
        losses.Huber(reduction="median")
    with pytest.raises(ValueError, match=r"sample_weight of shape \(4,\) .*\(6,\)"):
        losses.Huber()(*REAL, sample_weight=np.ones(4))
    with pytest.raises(TypeError, match="delta"):
        losses.Huber(detla=1.0)
    with pytest.raises(ValueError, match="q"):
        losses.categorical_generalized_cross_entropy(LABELS[0][:, 0], ONEHOT[1], q=2)
    with pytest.raises(NotImplementedError, match="Empty needs a `call"):
        type("Empty", (losses.Loss,), {})()(*REAL)
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        losses.categorical_crossentropy(np.ones((N, 1)), np.ones((N, 1)))


def test_circle_has_finite_gradients_without_a_partner():
    gradient = jax.grad(lambda p: jnp.sum(losses.circle(np.arange(N), p)))(jnp.asarray(UNIT[1]))
    assert np.isfinite(gradient).all()
