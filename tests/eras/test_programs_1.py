"""What Keras 1's own example programs and tests relied on, beside what its documentation says."""

import numpy as np
import pytest

import cornu
from cornu import backend as K
from cornu import layers, models
from cornu.applications import vgg16
from cornu.eras.containers import Graph
from cornu.eras.graph0 import LambdaMerge, Merge

X, Y = np.random.default_rng(0).random((8, 3)), np.random.default_rng(1).random((8, 2))


@pytest.fixture(autouse=True)
def era_1():
    cornu.set_era(1)


def small():
    model = cornu.Sequential([layers.Dense(2, input_dim=3)])
    model.compile(optimizer="sgd", loss="mse")
    return model


class Source(cornu.callbacks.Callback):
    """A callback that is the data too: it has some only from when training begins."""

    def __init__(self):
        super().__init__()
        self.begun = 0

    def on_train_begin(self, logs=None):
        self.begun += 1
        self.rows = X
        self.told = self.params["nb_epoch"], self.params["metrics"], self.model

    def batches(self):
        while True:
            yield {"dense_input_1": self.rows, "words": ["what", "no", "input", "takes"]}, Y


def test_training_begins_before_its_data():
    source, model = Source(), small()
    model.input_names[:] = ["dense_input_1"]
    name = model.input_names[0]
    batches = ({name: x["dense_input_1"], "words": x["words"]} for x, _ in source.batches())
    history = model.fit_generator(((x, Y) for x in batches), 16, 2, verbose=0, callbacks=[source])
    assert len(history.history["loss"]) == 2 and source.begun == 1
    assert source.told == (2, ["loss"], model)


def test_text_in_a_dict_is_no_data():
    model = small()
    given = {model.input_names[0]: X, "words": ["a"] * 8, "more": [["b"], ["c"]]}
    np.testing.assert_array_equal(model.predict(given), model.predict(X))
    cornu.set_era(3)
    with pytest.raises(ValueError, match="words"):
        model.predict(given)


# ---- graphs ----------------------------------------------------------------------------------------


def graph():
    made = Graph()
    made.add_input("x", input_shape=(3,))
    made.add_node(layers.Dense(2), "a", input="x")
    made.add_node(layers.Dense(2), "b", input="x")
    made.add_output("y", inputs=["a", "b"], merge_mode="sum")
    return made


def test_a_graph_is_a_layer_of_another_model():
    inner = graph()
    model = cornu.Sequential([layers.Dense(3, input_dim=3), inner, layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    assert model.output_shape == (None, 1) and np.isfinite(model.train_on_batch(X, Y[:, :1]))
    through = K.function([model.input], inner.inbound_nodes[-1].output_tensors)([X])[0]
    before = K.function([model.input], [model.layers[0].output])([X])[0]
    np.testing.assert_allclose(inner.predict({"x": before})["y"], through, rtol=1e-5)
    again = models.model_from_json(model.to_json(), custom_objects={"Graph": Graph})
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-6)


def test_a_graph_is_evaluated_on_batches():
    made = graph()
    made.compile("sgd", {"y": "mse"})
    whole = made.evaluate({"x": X, "y": Y}, verbose=0)
    halves = ({"x": X[rows], "y": Y[rows]} for rows in (slice(0, 4), slice(4, 8), slice(0, 1)))
    assert np.isclose(made.evaluate_generator(halves, 8, verbose=0), whole, rtol=1e-5)


def test_nodes_are_joined_by_name():
    made = Graph()
    for name in "vu":
        made.add_input(name, input_shape=(3,))
    twice = layers.Lambda(lambda x: 2 * x)
    made.add_shared_node(twice, "both", inputs=["v", "u"], merge_mode="join")
    difference = lambda given: next(iter(given.values())) - given["u"]  # noqa: E731
    made.add_node(layers.Lambda(difference), "difference", input="both")
    made.add_output("y", input="difference")
    out = made.predict({"u": X, "v": X + 1})["y"]
    np.testing.assert_allclose(out, np.full((8, 3), 2), rtol=1e-5)
    doubled = graph()
    doubled.add_output("z", inputs=["a", "a"], merge_mode="sum")
    out = doubled.predict({"x": X})
    np.testing.assert_allclose(out["z"], 2 * X @ doubled.get_weights()[0], rtol=1e-5)


def test_merges_of_0_3():
    branches = [cornu.Sequential([layers.Dense(2, input_dim=3)]) for _ in range(2)]
    outputs = [branch.predict(X) for branch in branches]
    product = cornu.Sequential([LambdaMerge(branches, lambda pair: pair[0] * pair[1])])
    np.testing.assert_allclose(product.predict([X, X]), outputs[0] * outputs[1], rtol=1e-5)
    dot = cornu.Sequential([Merge(branches, mode="dot", dot_axes=[(1,), [1]])])
    np.testing.assert_allclose(dot.predict([X, X])[:, 0], (outputs[0] * outputs[1]).sum(1), rtol=1e-5)
    with pytest.raises(ValueError, match="one axis of each"):
        Merge(branches, mode="dot", dot_axes=[(1, 2), (1, 2)])


# ---- what a model begins with ------------------------------------------------------------------------


@pytest.mark.parametrize("era", [1, 2])
def test_inputs_of_a_model_come_from_nothing_and_once(era):
    cornu.set_era(era)
    a, b = cornu.Input((3,)), cornu.Input((3,))
    hidden = layers.Dense(3)(a)
    out = layers.Dense(2)(layers.Add()([hidden, b]))
    with pytest.raises(ValueError, match="made by dense"):
        cornu.Model([hidden, b], out)
    with pytest.raises(ValueError, match="only once"):
        cornu.Model([a, b, a], out)
    assert len(cornu.Model([a, b], [out, out]).outputs) == 2
    cornu.set_era(3)
    assert cornu.Model([hidden, b], out).count_params() == 8


def test_an_application_on_a_tensor_has_an_input_layer():
    image = K.placeholder((1, 48, 48, 3))
    both = K.concatenate([K.variable(np.zeros((1, 48, 48, 3))), image], axis=0)
    model = vgg16.VGG16(include_top=False, weights=None, input_tensor=both)
    assert [type(layer).__name__ for layer in model.layers[:2]] == ["InputLayer", "Conv2D"]
    first = K.function([image], [model.layers[1].output])([np.ones((1, 48, 48, 3))])[0]
    assert first.shape == (2, 48, 48, 64) and first[1].any() and not first[0].any()


def test_yaml_of_what_has_types_of_tensors():
    pytest.importorskip("yaml")
    x = cornu.Input((3,))
    model = cornu.Model(x, layers.Dense(2)(layers.Dense(2)(x)))
    again = models.model_from_yaml(model.to_yaml())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
