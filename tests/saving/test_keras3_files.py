"""Files of Keras 3.15.1 and ours: what lies where, equal predictions, and training that goes on alike."""

import json
import pathlib

import jax
import numpy as np
import pytest
from layouts import layout
from model_table import CASES, Case

import cornu

LAYOUTS = json.loads((pathlib.Path(__file__).parent / "files" / "keras3_layouts.json").read_text())
QUICK = (
    *("dense", "conv2d", "embedding", "merges", "shared", "nested", "by_name", "operations"),
    "custom",
    "subclassed",
)
TRAINED = (
    "dense",
    "conv2d_first",
    "nested",
    "by_name",
    "mixed",
)  # also trained: each compiles twice in Keras


def by_name(names):
    return pytest.mark.parametrize("case", [c for c in CASES if c.name in names], ids=lambda case: case.name)


def arrays(tree) -> list[np.ndarray]:
    return [np.asarray(leaf, "float32") for leaf in jax.tree.leaves(tree)]


def same(got, wanted, tolerance: float = 1e-5) -> None:
    for a, b in zip(arrays(got), arrays(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=10 * tolerance, atol=tolerance)


def made(library, case: Case):
    """A model with weights of its own, and its data."""
    library.backend.clear_session()
    model, x = case.make(library), case.data()[0]
    model(x)
    draw = np.random.default_rng(1)
    model.set_weights([np.abs(draw.normal(size=w.shape)) * 0.4 + 0.1 for w in model.get_weights()])
    return model, x


@by_name(LAYOUTS)
def test_names_and_layouts_are_those_of_keras_3(case, tmp_path):
    model, _ = made(cornu, case)
    model.save(tmp_path / "model.keras")
    ours, theirs = layout(tmp_path / "model.keras"), LAYOUTS[case.name]
    if case.name == "operations":  # `/` is `divide` here and `true_divide` there; calls are counted otherwise
        assert [head[0] for head in ours["heads"]] == [head[0] for head in theirs["heads"]]
        theirs = theirs | {"heads": ours["heads"]}
    if case.name == "embedding":  # masks travel beside the graph here, and are operations of it there
        theirs = theirs | {"heads": [head for head in theirs["heads"] if ".ops." not in head[0]]}
    # layers without weights that attention holds, and the number of the model itself
    for each in (ours, theirs):
        groups = {key: value for key, value in each["groups"].items() if "_softmax" not in key}
        each["groups"] = groups | {"vars": (groups.get("vars") or "").rstrip("_0123456789")}
    assert ours == theirs


@pytest.mark.oracle
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=() if case.name in QUICK else pytest.mark.slow)
        for case in CASES
    ],
)
def test_files_go_both_ways(case, tmp_path):
    keras = pytest.importorskip("keras")
    for source, target in ((cornu, keras), (keras, cornu)):
        model, x = made(source, case)
        outputs = model(x)
        twin, _ = made(target, case)  # which registers the case's own classes, too
        model.save(tmp_path / "model.keras")
        same(target.saving.load_model(tmp_path / "model.keras")(x), outputs)
        model.save_weights(tmp_path / "a.weights.h5")
        twin.load_weights(tmp_path / "a.weights.h5")
        same(twin(x), outputs)
        if case.name != "subclassed":  # which the older format does not find again
            model.save(tmp_path / "model.h5")
            same(target.saving.load_model(tmp_path / "model.h5")(x), outputs)


@pytest.mark.oracle
@by_name(TRAINED)
def test_training_goes_on(case, tmp_path):
    keras = pytest.importorskip("keras")
    for source, target in ((cornu, keras), (keras, cornu)):
        model, x = made(source, case)
        y = case.data()[1]
        model.compile(**case.compile)
        model.train_on_batch(x, y)
        model.save(tmp_path / "model.keras")
        twin = target.saving.load_model(tmp_path / "model.keras")
        for _ in range(2):
            losses = [np.atleast_1d(each.train_on_batch(x, y))[0] for each in (model, twin)]
            np.testing.assert_allclose(*losses, rtol=1e-3 if case.name == "mixed" else 1e-4)
        same(twin(x), model(x), 1e-2 if case.name == "mixed" else 1e-4)


@pytest.mark.oracle
def test_the_older_format_compiles_in_keras_3(tmp_path):
    keras = pytest.importorskip("keras")
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    model.compile("adam", "mse", metrics=["mae", "accuracy", cornu.metrics.AUC()])
    model.train_on_batch(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"))
    model.save(tmp_path / "model.h5")
    loaded = keras.saving.load_model(tmp_path / "model.h5")
    assert loaded.loss.__name__ == "mean_squared_error"
    assert type(loaded.optimizer).__name__ == "Adam"
