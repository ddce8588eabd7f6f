"""Files of tf.keras 2.15, written by it (`files/make_tf_keras.py`), and as its earlier versions named things."""

import io
import json
import pathlib
import zipfile

import h5py
import jax
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.saving import tf_keras

ARCHIVE = zipfile.ZipFile(pathlib.Path(__file__).parent / "files" / "tf_keras.zip")
FILES = [name for name in ARCHIVE.namelist() if not name.endswith(".npz")]
TRAINED = ("optimizer", "legacy", "classes", "dense", "shared")
LEGACY = [name for name in FILES if name.startswith("legacy")]


def recorded(name: str, folder: pathlib.Path):
    """(path of the file, what tf.keras computed)."""
    data = np.load(io.BytesIO(ARCHIVE.read(f"{name.partition('.')[0]}.npz")))
    kinds = {
        kind: [data[f"{kind}{i}"] for i in range(9) if f"{kind}{i}" in data] for kind in ("x", "y", "out")
    }
    return pathlib.Path(ARCHIVE.extract(name, folder)), kinds | {"losses": data["losses"]}


def one(arrays: list):
    return arrays[0] if len(arrays) == 1 else arrays


def check(path: pathlib.Path, data, trained: bool):
    model = cornu.models.load_model(path)
    x = dict(zip("ab", data["x"], strict=True)) if path.stem == "shared" else one(data["x"])
    tolerance = 1e-3 if path.stem == "mixed" else 1e-5
    for got, wanted in zip(jax.tree.leaves(model(x)), data["out"], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
    if trained:
        losses = [np.ravel(model.train_on_batch(x, one(data["y"])))[0] for _ in range(3)]
        product = path.stem == "optimizer_nadam"  # TensorFlow's product over the schedule is another
        np.testing.assert_allclose(losses, data["losses"], rtol=1e-3 if product else 1e-5)
    return model


@pytest.mark.parametrize("name", FILES)
def test_files_of_tf_keras(name, tmp_path):
    check(*recorded(name, tmp_path), name.startswith(TRAINED) and name != "dense.keras")


def test_how_it_was_compiled(tmp_path):
    path, data = recorded("classes.h5", tmp_path)
    model = check(path, data, False)
    assert model.loss.from_logits and model.loss.label_smoothing == 0.1
    assert [metric.name for metric in model.metrics][-2:] == ["accuracy", "best"]
    path, data = recorded("shared.h5", tmp_path)
    model = check(path, data, False)
    assert {"one_mae", "two_mae"} <= {*model.metrics_names}


def as_of(path: pathlib.Path, version: str) -> None:
    """What TensorFlow 2.0 to 2.2 called otherwise: the version, and the class of models."""
    with h5py.File(path, "r+") as file:
        for group in (file, file["model_weights"]):
            group.attrs["keras_version"] = version.encode()
        text = file.attrs["model_config"].replace('"Functional"', '"Model"')
        file.attrs["model_config"] = text


@pytest.mark.parametrize("version", ["2.2.4-tf", "2.3.0-tf", "2.4.0"])
def test_earlier_versions(version, tmp_path):
    path, data = recorded("legacy_rmsprop.h5", tmp_path)
    as_of(path, version)
    check(path, data, True)


def test_versions():
    known = {"2.2.4-tf": True, "2.15.0": True, "2.4.0": True, "2.3.1": False, "1.2.2": False, "3.15.1": False}
    assert {version: tf_keras.wrote(version) for version in known} == known


def test_a_model_within_a_model_called_twice(tmp_path):
    """Its calls are counted from 1, since it was called once when it was made."""
    inner = {"class_name": "Dense", "config": {"name": "inner", "units": 3, "dtype": "float32"}}
    head = lambda name, *nodes, **config: {  # noqa: E731
        "class_name": "Add", "config": {"name": name, "dtype": "float32", **config}, "name": name,
        "inbound_nodes": list(nodes),
    }  # fmt: skip
    start = {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 3]}, "name": "x"}
    graph = {
        "class_name": "Functional",
        "config": {
            "name": "m",
            "layers": [
                {**start, "inbound_nodes": []},
                {
                    "class_name": "Sequential",
                    "config": {"name": "twice", "layers": [inner]},
                    "name": "twice",
                    "inbound_nodes": [[["x", 0, 0, {}]], [["twice", 1, 0, {}]]],
                },
                head("sum", [["twice", 1, 0, {}], ["twice", 2, 0, {}]]),
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["sum", 0, 0]],
        },
    }
    model = cornu.models.model_from_json(json.dumps(tf_keras.plain(graph)))
    x = np.ones((2, 3), "float32")
    once = model.get_layer("twice")(x)
    np.testing.assert_allclose(model(x), once + model.get_layer("twice")(once), rtol=1e-6)


def test_operations_that_have_no_equal_are_named(tmp_path):
    path, _ = recorded("operations.h5", tmp_path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace("nn.relu", "nn.ctc_loss")
    with pytest.raises(ValueError, match=r"calls tf\.nn\.ctc_loss, which has no equal here"):
        cornu.models.load_model(path)


def test_what_only_tensorflow_reads(tmp_path):
    saved, checkpoint = tmp_path / "saved", tmp_path / "ckpt"
    saved.mkdir()
    (saved / "saved_model.pb").write_bytes(b"x")
    (tmp_path / "ckpt.index").write_bytes(b"x")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "ckpt"')
    with pytest.raises(ValueError, match=r"is a SavedModel.*save it with the ending \.h5"):
        cornu.models.load_model(saved)
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    for path in (checkpoint, tmp_path):
        with pytest.raises(ValueError, match=r"checkpoint of TensorFlow's own.*save_weights"):
            model.load_weights(path)
