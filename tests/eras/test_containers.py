"""`Graph`, branches merged into a Sequential, and `show_accuracy`, of Keras 0."""

import numpy as np
import pytest

import cornu
from cornu import layers, models, saving
from cornu.eras.containers import Graph
from cornu.eras.graph0 import Merge

draw = np.random.default_rng(0)
A, B, C = (draw.random((20, size)).astype("float32") for size in (4, 5, 2))
Y = draw.random((20, 1)).astype("float32")
LABELS = np.eye(3)[draw.integers(0, 3, 20)]


@pytest.fixture(autouse=True)
def era():
    cornu.set_era(1)


def dense(layer, x):
    kernel, bias = layer.get_weights()
    return x @ kernel + bias


# ---- Graph ---------------------------------------------------------------------------------------


def make_graph() -> Graph:
    graph = Graph()
    graph.add_input(name="a", input_shape=(4,))
    graph.add_input("b", (5,))
    graph.add_node(layers.Dense(3), name="left", input="a")
    graph.add_node(layers.Dense(3), name="right", input="b")
    graph.add_node(layers.Dense(1), name="both", inputs=["left", "right"], merge_mode="mul")
    graph.add_node(layers.Dense(3), "classes", inputs=["left", "right"], create_output=True)
    graph.add_output(name="y", input="both")
    return graph


DATA = {"a": A, "b": B, "y": Y, "classes": LABELS}


def test_graph_computes_what_it_says():
    graph = make_graph()
    made = graph.predict(DATA)
    left, right = dense(graph.get_layer("left"), A), dense(graph.get_layer("right"), B)
    np.testing.assert_allclose(made["y"], dense(graph.get_layer("both"), left * right), rtol=1e-4, atol=1e-5)
    joined = np.concatenate([left, right], 1)
    np.testing.assert_allclose(
        made["classes"], dense(graph.get_layer("classes"), joined), rtol=1e-4, atol=1e-5
    )
    for name, values in graph.predict_on_batch({"a": A, "b": B}).items():
        np.testing.assert_allclose(values, made[name], rtol=1e-5)


def test_graph_is_trained_on_dicts():
    graph = make_graph()
    graph.compile("sgd", {"y": "mse", "classes": "mae"}, loss_weights={"y": 2.0})
    made = graph.predict(DATA)
    parts = np.square(made["y"] - Y).mean(), np.abs(made["classes"] - LABELS).mean()
    loss = graph.evaluate(DATA, verbose=0)
    assert loss == pytest.approx([2 * parts[0] + parts[1], parts[1], parts[0]], rel=1e-4)
    history = graph.fit(DATA, nb_epoch=2, batch_size=10, validation_split=0.2, verbose=0).history
    assert len(history["val_y_loss"]) == 2
    history = graph.fit(DATA, nb_epoch=1, validation_data=DATA, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(graph.evaluate(DATA, verbose=0)[0])

    def batches():
        while True:
            yield DATA

    options = {"validation_data": batches(), "nb_val_samples": 40, "verbose": 0}
    assert len(graph.fit_generator(batches(), 40, 2, **options).history["val_loss"]) == 2
    before = graph.test_on_batch(DATA)
    assert graph.train_on_batch(DATA) == pytest.approx(before)
    assert graph.test_on_batch(DATA)[0] < before[0]
    weighted = {"sample_weight": {"y": np.full(20, 3.0)}, "verbose": 0}
    assert graph.evaluate(DATA, **weighted)[2] == pytest.approx(3 * graph.evaluate(DATA, verbose=0)[2])


def test_graph_shares_layers():
    for options, expected in (
        ({"merge_mode": "sum"}, lambda one, two: one + two),
        ({"outputs": ["one", "two"]}, None),
    ):
        graph = Graph()
        graph.add_input("a", batch_input_shape=(None, 4))
        graph.add_input("c", (4,))
        graph.add_shared_node(layers.Dense(3), "shared", ["a", "c"], create_output=True, **options)
        assert len(graph.get_weights()) == 2
        layer, made = graph.get_layer("shared"), graph.predict({"a": A, "c": A + 1})
        one, two = dense(layer, A), dense(layer, A + 1)
        wanted = {"one": one, "two": two} if expected is None else {"shared": expected(one, two)}
        assert made.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_allclose(made[name], values, rtol=1e-4, atol=1e-5)


def test_graph_in_files(tmp_path):
    graph = make_graph()
    graph.compile("sgd", {"y": "mse", "classes": "mae"})
    again = models.model_from_json(graph.to_json())
    graph.save_weights(tmp_path / "weights.h5")
    again.load_weights(tmp_path / "weights.h5")
    graph.save(tmp_path / "graph.h5")
    for each in (again, saving.load_model(tmp_path / "graph.h5")):
        np.testing.assert_allclose(each.predict(DATA)["y"], graph.predict(DATA)["y"], rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            lambda g: g.add_node(layers.Dense(1), "new", input="lefty"),
            "no node 'lefty'. Did you mean 'left'?",
        ),
        (lambda g: g.add_node(layers.Dense(1), "left", input="a"), "has a node 'left' already"),
        (lambda g: g.add_node(layers.Dense(1), "new"), "give `input`, one name, or `inputs`"),
        (lambda g: g.add_output("y", input="left"), "has an output 'y' already"),
        (lambda g: g.add_shared_node(layers.Dense(1), "new", ["a"]), "give `merge_mode`, or as many names"),
        (lambda g: g.predict({"a": A}), "the data has nothing for b; it has a"),
        (lambda g: g.fit({"a": A, "b": B, "y": Y}), "the data has nothing for classes"),
        (lambda g: g.compile("sgd", {"z": "mse"}), "'z' is no output of the model"),
    ],
)
def test_graphs_that_cannot_be_meant(wrong, words):
    graph = make_graph()
    graph.compile("sgd", {"y": "mse", "classes": "mse"})
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        wrong(graph)


# ---- branches ------------------------------------------------------------------------------------


def make_branches():
    left, middle = (models.Sequential([layers.Dense(3, input_dim=size)]) for size in (4, 5))
    inner = models.Sequential()
    inner.add(Merge([left, middle], mode="sum"))
    inner.add(layers.Dense(6))
    right = models.Sequential([layers.Dense(7, input_dim=2)])
    model = models.Sequential()
    model.add(Merge([inner, right], mode="concat"))
    model.add(layers.Dense(1))
    return model


def test_branches_compute_what_they_say():
    model = make_branches()
    first, second, third, fourth, last = model.flattened_layers
    inner = dense(third, dense(first, A) + dense(second, B))
    expected = dense(last, np.concatenate([inner, dense(fourth, C)], 1))
    np.testing.assert_allclose(model.predict([A, B, C]), expected, rtol=1e-4, atol=1e-5)
    assert [x.shape for x in model.inputs] == [(None, 4), (None, 5), (None, 2)]
    assert model.count_params() == 4 * 3 + 3 + 5 * 3 + 3 + 3 * 6 + 6 + 2 * 7 + 7 + 13 + 1


def test_branches_are_trained_and_kept(tmp_path):
    model = make_branches()
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit([A, B, C], Y, nb_epoch=1, verbose=0)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True))
    model.save_weights(tmp_path / "weights.h5")
    twins = [models.model_from_json(model.to_json()), models.clone_model(model), make_branches()]
    for twin in twins:
        twin.load_weights(tmp_path / "weights.h5")
    for name in ("model.h5", "model.keras"):
        model.save(tmp_path / name)
        twins.append(saving.load_model(tmp_path / name))
    for twin in twins:
        np.testing.assert_allclose(twin.predict([A, B, C]), model.predict([A, B, C]), rtol=1e-6)


def test_layers_come_off_again():
    model = make_branches()
    model.pop()
    assert model.output_shape == (None, 13)
    model.pop()
    assert model.layers == [] and model.outputs is None


def test_a_branch_needs_a_shape():
    with pytest.raises(ValueError, match="does not know the shape of its input yet. Give `input_shape`"):
        Merge([models.Sequential([layers.Dense(3)])] * 2)


# ---- show_accuracy -------------------------------------------------------------------------------


def test_show_accuracy():
    model = models.Sequential([layers.Dense(3, input_dim=4, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", class_mode="categorical")
    assert isinstance(model.evaluate(A, LABELS, verbose=0), float)
    history = model.fit(A, LABELS, nb_epoch=1, show_accuracy=True, validation_split=0.2, verbose=0).history
    assert {"acc", "val_acc"} <= history.keys()
    accuracy = (model.predict(A).argmax(1) == LABELS.argmax(1)).mean()
    assert model.evaluate(A, LABELS, show_accuracy=True, verbose=0)[1] == pytest.approx(accuracy)
    assert model.test_on_batch(A, LABELS, accuracy=True)[1] == pytest.approx(accuracy)
    assert isinstance(model.evaluate(A, LABELS, verbose=0), float)
    assert isinstance(model.train_on_batch(A, LABELS), float)
    assert len(model.train_on_batch(A, LABELS, accuracy=True)) == 2
    assert isinstance(model.evaluate(A, LABELS, show_accuracy=False, verbose=0), float)


def test_what_is_gone_says_what_to_write(keras_is_cornu):
    with pytest.raises(ImportError, match="In its place: encoder and decoder as one model"):
        from keras.layers.core import AutoEncoder  # noqa: F401
    containers = keras_is_cornu.layers.containers
    assert containers.Graph is Graph and containers.Sequential is models.Sequential


def test_steps_merged():
    steps = draw.random((2, 5, 3)).astype("float32")
    for mode, expected in {"sum": steps.sum(1), "ave": steps.mean(1), "mul": steps.prod(1)}.items():
        np.testing.assert_allclose(layers.TimeDistributedMerge(mode)(steps), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="`mode` is one of ave, max, mul, sum"):
        layers.TimeDistributedMerge("concat")
