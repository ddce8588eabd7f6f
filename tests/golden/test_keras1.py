"""Numbers of the original Keras 1.2.2 on Theano: outputs, losses of six updates, weights after them."""

import json
import pathlib

import numpy as np
import pytest

from cornu import models, set_era
from cornu.layers import GRU, LSTM, Bidirectional, Conv1D, Conv2D

HERE = pathlib.Path(__file__).parent / "keras1"
LOOSE = ("rnn_", "batchnorm_")  # recurrent and normalized models agree to 1e-4, the others to 1e-5


def cases() -> list[str]:
    return sorted(folder.name for folder in HERE.iterdir() if (folder / "data.npz").exists())


def layer_weights(layer, arrays: list) -> list:
    """The layer's weights from Keras 1.2.2's on Theano: gates side by side, kernels flipped."""
    if isinstance(layer, Bidirectional):
        half = len(arrays) // 2
        forward, backward = layer.forward_layer, layer.backward_layer
        return layer_weights(forward, arrays[:half]) + layer_weights(backward, arrays[half:])
    if isinstance(layer, LSTM) and len(arrays) == 12:
        gates = [(0, 6, 3, 9), (1, 7, 4, 10), (2, 8, 5, 11)]
        return [np.concatenate([arrays[i] for i in each], axis=-1) for each in gates]
    if isinstance(layer, GRU) and len(arrays) == 9:
        return [np.concatenate(arrays[i::3], axis=-1) for i in range(3)]
    if isinstance(layer, Conv1D):
        return [arrays[0][::-1, 0], *arrays[1:]]
    if isinstance(layer, Conv2D):
        kernel = arrays[0]
        if layer.data_format == "channels_first":
            kernel = kernel.transpose(2, 3, 1, 0)
        return [kernel[::-1, ::-1], *arrays[1:]]
    return arrays


def counts(layer) -> int:
    """How many arrays Keras 1.2.2 had for the layer."""
    if isinstance(layer, Bidirectional):
        return 2 * counts(layer.forward_layer)
    return {LSTM: 12, GRU: 9}.get(type(layer), len(layer.weights))


def set_weights(model, arrays: list) -> None:
    arrays = list(arrays)
    for layer in model.layers:
        own, arrays = arrays[: counts(layer)], arrays[counts(layer) :]
        layer.set_weights(layer_weights(layer, own))
    assert not arrays


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
    set_weights(model, numbered(data, "init_"))
    x, y = one(numbered(data, "x")), one(numbered(data, "y"))
    weights = {"sample_weight": data["sample_weight"]} if "sample_weight" in data.files else {}
    outputs = model.predict(x)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    for got, expected in zip(outputs, numbered(data, "predict_"), strict=True):
        np.testing.assert_allclose(got, expected, **near)
    model.compile(**training(folder))
    losses = [np.atleast_1d(model.train_on_batch(x, y, **weights)) for _ in range(6)]
    np.testing.assert_allclose(losses, data["losses"].reshape(6, -1), **near)
    final = numbered(data, "final_")
    for layer in model.layers:
        own, final = final[: counts(layer)], final[counts(layer) :]
        for cell, expected in zip(layer.weights, layer_weights(layer, own), strict=True):
            np.testing.assert_allclose(
                cell.numpy(), expected, err_msg=cell.path, rtol=10 * tolerance, atol=tolerance
            )
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
