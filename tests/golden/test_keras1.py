"""Numbers of the original Keras 1.2.2 on Theano: outputs, losses of six updates, weights after them."""

import json
import pathlib

import numpy as np
import pytest

from cornu import models, set_era

HERE = pathlib.Path(__file__).parent / "keras1"
LOOSE = ("rnn_", "batchnorm_")  # recurrent and normalized models agree to 1e-4, the others to 1e-5


def cases() -> list[str]:
    return sorted(folder.name for folder in HERE.iterdir() if (folder / "data.npz").exists())


def numbered(data, prefix: str) -> list:
    return [data[f"{prefix}{i}"] for i in range(len(data.files)) if f"{prefix}{i}" in data.files]


def one(arrays: list):
    return arrays[0] if len(arrays) == 1 else arrays


@pytest.mark.parametrize("case", cases())
def test_numbers_of_keras_1(case):
    folder = HERE / case
    data = np.load(folder / "data.npz")
    tolerance = 1e-4 if case.startswith(LOOSE) else 1e-5
    near = {"rtol": tolerance, "atol": tolerance / 10}
    set_era(1)
    model = models.model_from_json((folder / "config.json").read_text())
    model.set_weights(numbered(data, "init_"))
    x, y = one(numbered(data, "x")), one(numbered(data, "y"))
    weights = {"sample_weight": data["sample_weight"]} if "sample_weight" in data.files else {}
    outputs = model.predict(x)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    for got, expected in zip(outputs, numbered(data, "predict_"), strict=True):
        np.testing.assert_allclose(got, expected, **near)
    model.compile(**training(folder))
    losses = [np.atleast_1d(model.train_on_batch(x, y, **weights)) for _ in range(6)]
    np.testing.assert_allclose(losses, data["losses"].reshape(6, -1), **near)
    for got, expected in zip(model.get_weights(), numbered(data, "final_"), strict=True):
        np.testing.assert_allclose(got, expected, rtol=10 * tolerance, atol=tolerance)
    test = model.test_on_batch(x, y)
    np.testing.assert_allclose(
        np.atleast_1d(test), np.atleast_1d(data["test"]), rtol=10 * tolerance, atol=tolerance
    )


def training(folder: pathlib.Path) -> dict:
    """What `compile` was given, from the model file's training configuration."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "model.h5") as file:
        config = json.loads(file.attrs["training_config"])
    optimizer = config["optimizer_config"]
    return {
        "optimizer": {"class_name": optimizer["class_name"], "config": optimizer["config"]},
        **{name: config[name] for name in ("loss", "metrics", "loss_weights") if config.get(name)},
    }


@pytest.mark.parametrize("case", cases())
def test_files_of_keras_1(case):
    folder = HERE / case
    data = np.load(folder / "data.npz")
    tolerance = 1e-4 if case.startswith(LOOSE) else 1e-5
    x, y = one(numbered(data, "x")), one(numbered(data, "y"))
    for name, key in (("model.h5", "predict_"), ("trained.h5", "after_predict_")):
        model = models.load_model(folder / name)
        outputs = model.predict(x)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        for got, expected in zip(outputs, numbered(data, key), strict=True):
            np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    model.load_weights(folder / "weights.h5")
    weights = {"sample_weight": data["sample_weight"]} if "sample_weight" in data.files else {}
    loss = np.atleast_1d(model.test_on_batch(x, y, **weights))
    # before training and without dropout, the loss of a step is the loss of a test
    if not case.startswith("batchnorm"):
        np.testing.assert_allclose(
            loss, data["losses"].reshape(6, -1)[0], rtol=10 * tolerance, atol=tolerance
        )


@pytest.mark.parametrize("case", cases())
def test_training_goes_on_from_a_file_of_keras_1(case):
    folder = HERE / case
    data = np.load(folder / "data.npz")
    x, y = one(numbered(data, "x")), one(numbered(data, "y"))
    weights = {"sample_weight": data["sample_weight"]} if "sample_weight" in data.files else {}
    ours, theirs = models.load_model(folder / "model.h5"), models.load_model(folder / "trained.h5")
    for _ in range(6):
        ours.train_on_batch(x, y, **weights)
    for _ in range(3):
        losses = [model.train_on_batch(x, y, **weights) for model in (ours, theirs)]
        np.testing.assert_allclose(*losses, rtol=1e-3, atol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
