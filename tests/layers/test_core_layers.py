"""Inputs, functions as layers, masks, noise and activations: what the table of all layers does not say."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import cornu
from cornu import config, layers, scope

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")

# ---- inputs ------------------------------------------------------------------------------------


def test_inputs_are_symbols_with_a_layer_behind():
    x = layers.Input((3, None), batch_size=2, dtype="int32", name="words")
    assert x.shape == (2, 3, None) and x.dtype == "int32"
    layer = x.node.operation
    assert isinstance(layer, layers.InputLayer) and layer.name == "words" and layer.output is x
    assert layer.get_config() == {
        "batch_shape": [2, 3, None], "dtype": "int32", "sparse": False, "ragged": False, "name": "words",
        "optional": False,
    }  # fmt: skip
    again = layers.InputLayer.from_config(layer.get_config())
    assert again.output.shape == x.shape and again.output.dtype == "int32"
    assert layers.Input(tensor=x).shape == x.shape
    assert layers.Input(batch_shape=(None, 4)).shape == (None, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"shape": (3,), "batch_shape": (None, 3)}, "either `shape`"),
        ({}, "either `shape`"),
        ({"shape": (3,), "ragged": True}, "ragged"),
        ({"batch_shape": (4, 3), "batch_size": 5}, "disagree"),
        ({"shape": (2.5,)}, "whole numbers"),
        ({"tensor": X}, "symbol"),
    ],
)
def test_inputs_that_make_no_sense(arguments, words):
    with pytest.raises(ValueError, match=words):
        layers.Input(**arguments)


# ---- functions ---------------------------------------------------------------------------------


def double(x, by=2):
    return by * x


def test_functions_as_layers():
    layer = layers.Lambda(double, arguments={"by": 3})
    np.testing.assert_allclose(layer(X), 3 * X)
    assert layer(layers.Input((3,))).shape == (None, 3)
    with cornu.saving.custom_object_scope({"double": double}):
        again = layers.Lambda.from_config(layer.get_config())
    np.testing.assert_allclose(again(X), 3 * X)


def test_functions_get_what_they_ask_for():
    layer = layers.Lambda(lambda x, mask=None, training=None: (x, mask, training))
    mask = np.ones(4, bool)
    _, got, training = layer(X, mask=mask, training=True)
    assert np.array_equal(got, mask) and training is True
    layer = layers.Lambda(lambda x: x, mask=lambda inputs, mask: inputs[:, 0] > 0)
    assert np.array_equal(scope.mask_of(layer(X)), X[:, 0] > 0)


def test_code_in_files_runs_only_where_it_is_allowed():
    power = 2
    layer = layers.Lambda(lambda x, n=1: np.e * x**power + n, name="code")
    with pytest.raises(ValueError, match="safe_mode=False"):
        layers.Lambda.from_config(layer.get_config())
    again = layers.Lambda.from_config(layer.get_config(), safe_mode=False)
    np.testing.assert_allclose(again(X), layer(X))


# ---- embeddings and masks ----------------------------------------------------------------------


def test_embedding_begins_with_the_table_it_is_given():
    table = np.arange(12, dtype="float32").reshape(4, 3)
    for weights in (table, [table]):
        np.testing.assert_array_equal(
            layers.Embedding(4, 3, weights=weights)(np.array([[2, 0]])), table[None, [2, 0]]
        )
    floats = layers.Embedding(4, 3, weights=table, dtype="mixed_float16")(np.array([3.0], "float32"))
    np.testing.assert_array_equal(floats, table[[3]])


def test_embedding_of_keras_1_drops_whole_rows():
    layer = layers.Embedding(500, 4, embeddings_initializer="ones", dropout=0.2)
    rows = np.asarray(layer(np.arange(500), training=True))
    assert set(np.unique(rows)) == {0, 1.25} and (rows.std(1) == 0).all()
    assert 0.1 < (rows[:, 0] == 0).mean() < 0.3
    assert (np.asarray(layer(np.arange(500))) == 1).all()
    assert layer.get_config()["dropout"] == 0.2 and "dropout" not in layers.Embedding(2, 2).get_config()


def test_masking_leaves_out_steps_of_one_value():
    x = np.ones((2, 3, 2), "float32")
    x[0, 1] = x[1, 2, 0] = -1
    outputs = layers.Masking(-1)(x)
    assert np.array_equal(scope.mask_of(outputs), [[True, False, True], [True, True, True]])
    assert (np.asarray(outputs)[0, 1] == 0).all()
    assert np.array_equal(outputs[1], x[1])
    pooled = layers.GlobalAveragePooling1D()(outputs)
    np.testing.assert_allclose(pooled, [[1, 1], [1 / 3, 1]])
    assert scope.mask_of(pooled) is None


def test_layers_that_know_no_masks():
    outputs = layers.Masking()(np.ones((2, 3, 2), "float32"))
    with pytest.warns(UserWarning, match="does not support masking"):
        layers.Flatten()(outputs)
    with config.era_scope(1):
        layer = layers.Flatten()
    with pytest.raises(ValueError, match="does not support masking"):
        layer(outputs)


def test_merged_masks():
    one, two = np.array([[1, 1, 0], [1, 0, 0]], bool), np.array([[1, 0, 0], [1, 1, 1]], bool)
    x = np.ones((2, 3, 2), "float32")

    def merged(era, layer, *masks):
        inputs = [jnp.asarray(x) + 0 for _ in masks]
        for each, mask in zip(inputs, masks, strict=True):
            scope.set_mask(each, mask)
        with config.era_scope(era):
            return scope.mask_of(getattr(layers, layer)()(inputs))

    assert np.array_equal(merged(3, "Add", one, two), one | two)
    assert np.array_equal(merged(2, "Add", one, two), one & two)
    assert merged(3, "Average", one, None) is None
    assert np.array_equal(merged(1, "Average", one, None), one)
    assert np.array_equal(merged(3, "Concatenate", one, two), one | two)
    assert np.array_equal(merged(2, "Concatenate", one, two), one & two)
    assert np.array_equal(merged(2, "Concatenate", one, None), one)


def test_lower_case_functions_merge():
    a, b = np.array([[1.0, 2]], "float32"), np.array([[3.0, 5]], "float32")
    table = {
        "add": a + b, "subtract": a - b, "multiply": a * b, "average": (a + b) / 2, "maximum": b, "minimum": a,
        "concatenate": np.concatenate([a, b], -1), "dot": [[13.0]],
    }  # fmt: skip
    for name, expected in table.items():
        np.testing.assert_allclose(getattr(layers, name)([a, b]), expected)
    with pytest.raises(ValueError, match="list of inputs"):
        layers.add(a)
    with pytest.raises(ValueError, match="batch sizes"):
        layers.multiply([a, X])
    with pytest.raises(ValueError, match="must agree"):
        layers.multiply([X, X[:, :2]])
    with pytest.raises(ValueError, match="axis -1"):
        layers.concatenate([X, X[:, None]])


# ---- activations -------------------------------------------------------------------------------


def test_activations_of_keras_1():
    layer = layers.SReLU()
    layer(X)
    left, low, right, high = (np.float32(n) for n in ([-0.5] * 3, [0.1] * 3, [-0.75] * 3, [2.0] * 3))
    layer.set_weights([left, low, right, high])
    x = np.array([[-2.0, -0.5, 0.1], [0.25, 1.0, 3.0]], "float32")
    np.testing.assert_allclose(layer(x), [[-0.65, -0.5, 0.1], [0.25, 1.75, 5.75]], rtol=1e-6)
    layer = layers.ParametricSoftplus()
    np.testing.assert_allclose(layer(X), 0.2 * np.log1p(np.exp(5 * X)), rtol=1e-5)
    shared = layers.ParametricSoftplus(shared_axes=[1])
    shared(np.ones((2, 3, 4), "float32"))
    assert [cell.shape for cell in shared.weights] == [(1, 4)] * 2


def test_dense_layers_of_keras_1():
    maxout = layers.MaxoutDense(2, nb_feature=3)
    maxout(X)
    kernel, bias = maxout.get_weights()
    np.testing.assert_allclose(maxout(X), (np.einsum("bi,kio->bko", X, kernel) + bias).max(1), rtol=1e-5)
    highway = layers.Highway(activation="tanh")
    highway(X)
    kernel, carry, bias, bias_carry = highway.get_weights()
    assert (bias_carry == 1).all()
    share = special.expit(X @ carry + bias_carry)
    np.testing.assert_allclose(highway(X), share * np.tanh(X @ kernel + bias) + (1 - share) * X, rtol=1e-5)
    assert layers.TimeDistributedDense(5)(layers.Input((None, 3))).shape == (None, None, 5)


def test_softmax_skips_what_is_masked():
    x, mask = X[None], np.array([[[1, 1, 0]] * 3 + [[0, 0, 0]]], bool)
    outputs = np.asarray(layers.Softmax()(x, mask=mask))[0]
    np.testing.assert_allclose(outputs[:3, :2], special.softmax(X[:3, :2], -1), rtol=1e-6)
    assert not outputs[:, 2].any() and not outputs[3].any()


# ---- noise -------------------------------------------------------------------------------------

MANY = np.ones((200, 500), "float32")
NOISY = [
    ("Dropout", {"rate": 0.25}, 1, 1 / 3),
    ("GaussianDropout", {"rate": 0.25}, 1, 1 / 3),
    ("GaussianNoise", {"stddev": 0.5}, 1, 0.25),
]


@pytest.mark.parametrize(("name", "arguments", "mean", "variance"), NOISY, ids=[row[0] for row in NOISY])
def test_noise_has_the_mean_and_variance_it_should(name, arguments, mean, variance):
    layer = getattr(layers, name)(**arguments, seed=3)
    outputs = np.asarray(layer(MANY, training=True))
    np.testing.assert_allclose([outputs.mean(), outputs.var()], [mean, variance], rtol=0.02)
    assert not np.array_equal(outputs, layer(MANY, training=True)), "draws differ from call to call"
    np.testing.assert_array_equal(layer(MANY), MANY)
    again = getattr(layers, name)(**arguments, seed=3)
    np.testing.assert_array_equal(again(MANY, training=True), outputs)
    assert not layer.weights and len(layer.variables) == 1


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).normal(size=MANY.shape).astype("float32")
    outputs = np.asarray(layers.AlphaDropout(0.3)(x, training=True))
    np.testing.assert_allclose([outputs.mean(), outputs.var()], [0, 1], atol=0.02)


def test_spatial_dropout_drops_whole_features():
    cases = {"SpatialDropout1D": (1,), "SpatialDropout2D": (1, 2), "SpatialDropout3D": (1, 2, 3)}
    for name, axes in cases.items():
        x = np.ones((4, *(2,) * len(axes), 50), "float32")
        outputs = np.asarray(getattr(layers, name)(0.5)(x, training=True))
        assert set(np.unique(outputs)) == {0, 2}
        assert (outputs.std(axes) == 0).all()
    outputs = np.asarray(
        layers.SpatialDropout2D(0.5, "channels_first")(np.ones((4, 50, 2, 2)), training=True)
    )
    assert (outputs.std((2, 3)) == 0).all()
    outputs = np.asarray(layers.Dropout(0.5, noise_shape=(None, 1))(MANY, training=True))
    assert (outputs.std(1) == 0).all() and set(np.unique(outputs)) == {0, 2}


# ---- batch normalization -----------------------------------------------------------------------


@pytest.mark.parametrize("era", [1, 2, 3])
def test_frozen_batch_normalization(era):
    x = 3 + 2 * X
    with config.era_scope(era):
        layer = layers.BatchNormalization(momentum=0.5)
        layer(layers.Input((3,)))
        layer.trainable = False
        outputs = np.asarray(layer(x, training=True))
    by_batch, moved = abs(outputs.mean()) < 1e-4, bool(layer.moving_mean.numpy().any())
    assert (by_batch, moved) == {1: (True, True), 2: (True, False), 3: (False, False)}[era]


def test_batch_normalization_keeps_the_variance_of_its_era():
    factor = {1: 1, 2: 4 / (4 - 1.001), 3: 1}
    for era in factor:
        with config.era_scope(era):
            layer = layers.BatchNormalization(momentum=0.0)
        layer(X, training=True)
        np.testing.assert_allclose(layer.moving_variance, X.var(0) * factor[era], rtol=1e-5)
        assert [cell.name for cell in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]


def test_batch_normalization_leaves_out_masked_steps():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    mask = np.array([[1, 1, 0], [1, 0, 0]], bool)
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, mask=mask, training=True)
    np.testing.assert_allclose(layer.moving_mean, x[mask].mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, x[mask].var(0), rtol=1e-4)
    half = layers.BatchNormalization(dtype="bfloat16")
    half(x.astype("bfloat16"), training=True)
    assert half.moving_mean.dtype == half.moving_variance.dtype == "float32"


def test_modes_of_batch_normalization_in_keras_1():
    samples, batches = layers.BatchNormalization(mode=1), layers.BatchNormalization(mode=2)
    deviation = X - X.mean(-1, keepdims=True)
    expected = deviation / (np.sqrt(X.var(-1, keepdims=True) + 1e-3) + 1e-3)
    np.testing.assert_allclose(samples(X), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(batches(X), (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3), rtol=1e-4, atol=1e-6)
    batches(X, training=True)
    assert not batches.moving_mean.numpy().any()
    assert batches.get_config()["mode"] == 2 and "mode" not in layers.BatchNormalization().get_config()
