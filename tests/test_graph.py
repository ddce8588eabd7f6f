"""Functional models: structures, sharing, nesting, order, and what is not connected."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers, ops


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_several_inputs_and_outputs_in_nested_structures():
    a, b = Input((3,), name="a"), Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    model = Model({"a": a, "b": b}, {"sum": joined, "parts": [a * 2, b]})
    out = model({"a": rows(4, 3), "b": rows(4, 2)})
    assert out["sum"].shape == (4, 5)
    np.testing.assert_allclose(out["parts"][0], 2 * rows(4, 3), rtol=1e-6)


def test_a_shared_layer_has_one_set_of_weights_and_gradients_from_both_calls():
    shared = layers.Dense(1, use_bias=False, kernel_initializer="ones")
    a, b = Input((1,)), Input((1,))
    model = Model([a, b], shared(a) + shared(b))
    assert len(model.weights) == 1
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    model.train_on_batch([np.array([[1.0]]), np.array([[2.0]])], np.array([[0.0]]))
    # y = 3w, dL/dw = 2 * 3w * 3 = 18
    np.testing.assert_allclose(shared.kernel.numpy(), [[1 - 0.1 * 18]], rtol=1e-6)


def test_nested_models_share_their_weights():
    x = Input((3,))
    inner = Model(x, layers.Dense(2, name="inner_dense")(x), name="inner")
    y = Input((3,))
    outer = Model(y, layers.Activation("relu")(inner(y)))
    assert [layer.name for layer in outer.layers if layer.name == "inner"] == ["inner"]
    assert outer.weights == inner.weights
    np.testing.assert_allclose(outer(rows(2, 3)), np.maximum(inner(rows(2, 3)), 0), rtol=1e-6)


def test_a_model_between_intermediate_symbols():
    x = Input((3,))
    middle = layers.Dense(4)(x)
    out = layers.Dense(2)(middle)
    head = Model(middle, out)
    full = Model(x, out)
    feature = Model(x, middle)
    np.testing.assert_allclose(head(feature(rows(5, 3))), full(rows(5, 3)), rtol=1e-5)


def test_layers_stand_in_keras_order():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    x = layers.Dense(3, name="deep")(a)
    x = layers.Dense(3, name="mid")(x)
    y = layers.Dense(3, name="short")(b)
    model = Model([a, b], layers.Dense(1, name="out")(layers.Add(name="add")([x, y])))
    # checked against Keras 3.15.1: by distance from the outputs
    assert [layer.name for layer in model.layers] == ["a", "deep", "b", "mid", "short", "add", "out"]


def test_a_graph_that_is_not_connected_names_what_is_missing():
    a, b = Input((2,), name="first"), Input((2,), name="second")
    with pytest.raises(ValueError, match="not connected.*second.*not among the inputs"):
        Model(a, a + b)


def test_ops_are_nodes_and_files_keep_them():
    x = Input((3,))
    model = Model(x, ops.mean(ops.relu(x) * 2.0, axis=-1))
    twin = Model.from_config(model.get_config())
    np.testing.assert_allclose(twin(rows(4, 3)), 2 * np.maximum(rows(4, 3), 0).mean(-1), rtol=1e-6)


def test_depth_of_a_thousand_layers_is_no_problem():
    x = y = Input((1,))
    for _ in range(1000):
        y = y + 1.0
    assert float(Model(x, y)(np.zeros((1, 1)))[0, 0]) == 1000


def test_get_layer_names_the_nearest():
    model = cornu.Sequential([Input((2,)), layers.Dense(2, name="encoder")])
    assert model.get_layer("encoder") is model.layers[0]
    with pytest.raises(ValueError, match="'encodr'.*'encoder'"):
        model.get_layer("encodr")


def test_clone_shares_nothing():
    model = cornu.Sequential([Input((2,)), layers.Dense(2)])
    twin = cornu.models.clone_model(model)
    assert not set(model.weights) & set(twin.weights)
    twin.set_weights([2 * w for w in model.get_weights()])
    np.testing.assert_allclose(twin(rows(3, 2)), 2 * np.asarray(model(rows(3, 2))), rtol=1e-5)
