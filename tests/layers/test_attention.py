"""Attention and layers around layers, against Keras 3."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import numpy as np
import pytest
from layer_table import scramble

from cornu import layers, scope

keras = pytest.importorskip(
    "keras", reason="Keras 3 is the oracle here; install it with pip install keras==3.15.1"
)
pytestmark = pytest.mark.oracle

draw = np.random.default_rng(0)
QUERY, VALUE, KEY = (draw.normal(size=(2, n, 6)).astype("float32") for n in (4, 5, 5))
QUERY_MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
VALUE_MASK = np.array([[1, 1, 0, 1, 1], [1, 0, 0, 0, 0]], bool)


def same(ours, theirs, **tolerance) -> None:
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, other, **{"rtol": 2e-5, "atol": 1e-6, **tolerance})


def twins(make, *given, **more):
    """Our layer and Keras's with the same weights; `make` is told where to find layers."""
    ours, theirs = make(layers), make(keras.layers)
    ours(*given, **more), theirs(*given, **more)
    assert [cell.shape for cell in ours.weights] == [tuple(cell.shape) for cell in theirs.weights]
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    return ours, theirs


HEADS = [
    ({"num_heads": 2, "key_dim": 3}, {}),
    (
        {"num_heads": 2, "key_dim": 3, "value_dim": 4, "output_shape": 5},
        {"key": KEY, "return_attention_scores": True},
    ),
    ({"num_heads": 3, "key_dim": 2, "use_bias": False, "use_gate": True}, {}),
    ({"num_heads": 2, "key_dim": 3, "dropout": 0.5}, {"return_attention_scores": True}),
    ({"num_heads": 2, "key_dim": 3}, {"attention_mask": draw.random((2, 4, 5)) > 0.3}),
    (
        {"num_heads": 2, "key_dim": 3},
        {"attention_mask": draw.random((2, 4, 5)) > 0.3, "return_attention_scores": True},
    ),
]


@pytest.mark.parametrize(("arguments", "call"), HEADS)
def test_heads(arguments, call):
    ours, theirs = twins(lambda of: of.MultiHeadAttention(**arguments), QUERY, VALUE, **call)
    same(ours(QUERY, VALUE, **call), theirs(QUERY, VALUE, **call))
    again = layers.MultiHeadAttention.from_config(ours.get_config())
    again(QUERY, VALUE, **call)
    again.set_weights(ours.get_weights())
    same(again(QUERY, VALUE, **call), ours(QUERY, VALUE, **call))


@pytest.mark.parametrize("options", [{}, {"sliding_window": 2}])
@pytest.mark.parametrize("scores", [False, True])
def test_heads_look_at_themselves(options, scores):
    call = {"use_causal_mask": True, "return_attention_scores": scores}
    ours, theirs = twins(lambda of: of.MultiHeadAttention(2, 3, **options), VALUE, VALUE, **call)
    same(ours(VALUE, VALUE, **call), theirs(VALUE, VALUE, **call))


def test_heads_over_several_axes():
    images = draw.normal(size=(2, 3, 4, 6)).astype("float32")
    for axes in (None, (1,), (1, 2), -2):
        ours, theirs = twins(lambda of: of.MultiHeadAttention(2, 3, attention_axes=axes), images, images)  # noqa: B023
        same(ours(images, images), theirs(images, images))


def test_heads_follow_the_masks_that_travel():
    words = np.array([[3, 1, 2, 0], [4, 5, 0, 0]])
    embedded = layers.Embedding(9, 6, mask_zero=True)
    x = embedded(words)
    layer, theirs = twins(lambda of: of.MultiHeadAttention(2, 3), np.asarray(x), np.asarray(x))
    mask = words != 0
    plain = theirs(np.asarray(x), np.asarray(x), attention_mask=mask[:, :, None] & mask[:, None])
    same(np.asarray(layer(x, x))[mask], np.asarray(plain)[mask])
    assert np.array_equal(scope.mask_of(layer(x, x)), mask)
    assert np.array_equal(scope.mask_of(x), mask), "what was given keeps its mask"
    symbols = embedded(layers.Input((None,), dtype="int32"))
    assert layer(symbols, symbols).shape == (None, None, 6)


GROUPS = [{"use_gate": False}, {"use_gate": True, "use_bias": False}, {"sliding_window": 2}]


@pytest.mark.parametrize("options", GROUPS)
def test_groups_of_heads(options):
    ours, theirs = twins(lambda of: of.GroupQueryAttention(3, 4, 2, **options), QUERY, VALUE)
    for call in ({}, {"use_causal_mask": True, "return_attention_scores": True}):
        same(ours(QUERY, VALUE, **call), theirs(QUERY, VALUE, **call))


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_one_head(name):
    ours, theirs = twins(lambda of: getattr(of, name)(use_scale=True), [QUERY, VALUE, KEY])
    for mask in (None, [QUERY_MASK, VALUE_MASK]):
        for call in ({}, {"use_causal_mask": True, "return_attention_scores": True}):
            same(ours([QUERY, VALUE, KEY], mask=mask, **call), theirs([QUERY, VALUE, KEY], mask=mask, **call))
    with pytest.raises(ValueError, match="query, value"):
        getattr(layers, name)()([QUERY])


# ---- layers around layers ----------------------------------------------------------------------

FILMS = draw.normal(size=(2, 3, 5, 4, 2)).astype("float32")


@pytest.mark.parametrize(
    "inner", [lambda of: of.Dense(3), lambda of: of.Conv2D(3, 2, activation="relu"), lambda of: of.Flatten()]
)
def test_each_step_by_itself(inner):
    ours, theirs = twins(lambda of: of.TimeDistributed(inner(of)), FILMS)
    same(ours(FILMS), theirs(FILMS), atol=1e-5)
    rest = FILMS.shape[2:]
    assert ours(layers.Input((None, *rest))).shape == (None, None, *ours(FILMS).shape[2:])
    again = layers.TimeDistributed.from_config(ours.get_config())
    assert type(again.layer) is type(ours.layer)


def test_each_step_by_itself_with_masks():
    words = np.array([[[1, 2, 0], [3, 0, 0]], [[4, 5, 6], [0, 0, 0]]])
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    layer = layers.TimeDistributed(layers.LSTM(3))
    outputs = np.asarray(layer(x))
    for row in range(2):
        for step in range(2):
            alone = layer.layer(np.asarray(x)[row, step][None], mask=words[row, step][None] != 0)
            np.testing.assert_allclose(outputs[row, step], alone[0], rtol=1e-5, atol=1e-6)


def test_spectral_normalization():
    x = draw.normal(size=(4, 6)).astype("float32")
    ours, theirs = twins(lambda of: of.SpectralNormalization(of.Dense(3), power_iterations=2), x)
    same(ours(x), theirs(x))
    same(ours(x, training=True), theirs(x, training=True))
    same([cell.value for cell in ours.weights], [cell.value for cell in theirs.weights])
    with pytest.raises(ValueError, match="neither"):
        layers.SpectralNormalization(layers.Flatten())(x)
