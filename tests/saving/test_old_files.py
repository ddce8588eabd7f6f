"""Files of Keras 2.3.1, written by it on TensorFlow and on Theano, and in the layouts of before 1.0."""

import io
import pathlib
import zipfile

import h5py
import jax
import numpy as np
import pytest

import cornu
from cornu import layers

ARCHIVE = zipfile.ZipFile(pathlib.Path(__file__).parent / "files" / "keras2.zip")
FILES = [name[:-3] for name in ARCHIVE.namelist() if name.endswith(".h5")]
CUDNN = "keras2_tensorflow_cudnn"  # weights alone


def recorded(name: str, folder: pathlib.Path):
    """(path of the file, what Keras computed)."""
    path = pathlib.Path(ARCHIVE.extract(f"{name}.h5", folder))
    data = np.load(io.BytesIO(ARCHIVE.read(f"{name}.npz")))
    return path, {
        kind: [data[f"{kind}{i}"] for i in range(len(data.files)) if f"{kind}{i}" in data.files]
        for kind in ("x", "y", "out")
    } | {"losses": data["losses"] if "losses" in data.files else []}


def same(model, data) -> None:
    for got, wanted in zip(jax.tree.leaves(model(one(data["x"]))), data["out"], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def one(arrays: list):
    return arrays[0] if len(arrays) == 1 else arrays


@pytest.mark.parametrize("name", [name for name in FILES if name != CUDNN])
def test_files_of_keras_2(name, tmp_path):
    path, data = recorded(name, tmp_path)
    model = cornu.models.load_model(path)
    same(model, data)
    if "optimizer" in name or "nested" in name or "frozen" in name:
        losses = [np.ravel(model.train_on_batch(one(data["x"]), one(data["y"])))[0] for _ in range(3)]
        np.testing.assert_allclose(losses, data["losses"], rtol=1e-5)


def test_weights_of_cudnn_layers(tmp_path):
    path, data = recorded(CUDNN, tmp_path)
    x = inputs = cornu.Input((5, 3))
    x = layers.GRU(3, reset_after=True)(layers.LSTM(4, return_sequences=True)(x))
    model = cornu.Model(inputs, layers.Dense(2)(x))
    model.load_weights(path)
    same(model, data)


def keras_0(path: pathlib.Path, arrays_by_layer: list[list[np.ndarray]]) -> None:
    """A file of weights as Keras 0.3 wrote it (`models.py`): by number, without names, version or backend."""
    with h5py.File(path, "w") as file:
        file.attrs["nb_layers"] = len(arrays_by_layer)
        for number, arrays in enumerate(arrays_by_layer):
            group = file.create_group(f"layer_{number}")
            group.attrs["nb_params"] = len(arrays)
            for index, array in enumerate(arrays):
                group.create_dataset(f"param_{index}", data=array)


@pytest.mark.parametrize("backend", [None, "theano", "tensorflow"])
@pytest.mark.parametrize("load", [cornu.saving.load_weights, cornu.Model.load_weights])
def test_weights_of_keras_0_say_no_backend(load, backend, tmp_path, recwarn):
    draw = np.random.default_rng(0)
    kernel, bias = (
        draw.normal(size=(3, 2, 2, 2)).astype("f"),
        draw.normal(size=3).astype("f"),
    )  # (out, in, *space)
    keras_0(tmp_path / "w.h5", [[kernel, bias], [], []])
    first = {"data_format": "channels_first"}
    model = cornu.Sequential(
        [cornu.Input((2, 4, 4)), layers.Conv2D(3, 2, **first), layers.ReLU(), layers.Flatten()]
    )
    load(model, tmp_path / "w.h5", backend=backend)
    wanted = kernel.transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(
        model.get_weights()[0], wanted if backend == "tensorflow" else wanted[::-1, ::-1]
    )
    told = [str(each.message) for each in recwarn if "backend='theano'" in str(each.message)]
    assert bool(told) == (backend is None)


def old_batch_normalization(path: pathlib.Path, named: bool) -> None:
    """A file of weights of 1.0.0 to 1.0.6, `named`, or of before."""
    arrays = [np.full(3, value, "float32") for value in (1.5, 0.25, 0.5, 2.0)]  # the last a deviation
    if not named:
        return keras_0(path, [arrays])
    names = [f"batchnormalization_1_{part}" for part in ("gamma", "beta", "running_mean", "running_std")]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"batchnormalization_1"]
        group = file.create_group("batchnormalization_1")
        group.attrs["weight_names"] = [name.encode() for name in names]
        for name, array in zip(names, arrays, strict=True):
            group[name] = array
    return None


@pytest.mark.parametrize(
    ("named", "said", "kept"),
    [
        (False, {}, "deviation"),
        (True, {"keras_version": "1.0.5"}, "deviation"),
        (True, {"keras_version": "1.0.6", "backend": "theano"}, "deviation"),
        (True, {"keras_version": "1.0.6", "backend": "tensorflow"}, "variance"),
        (True, {"keras_version": "1.2.2"}, "variance"),
        (True, {}, "variance"),
    ],
)
def test_batch_normalization_kept_deviations(named, said, kept, tmp_path, recwarn):
    """Up to 1.0.5 it computed (x - mean) / (std + epsilon), from 1.0.7 on (x - mean) / sqrt(variance + epsilon)."""
    old_batch_normalization(tmp_path / "w.h5", named)
    model = cornu.Sequential([cornu.Input((3,)), layers.BatchNormalization(epsilon=1e-2)])
    model.load_weights(tmp_path / "w.h5", **said)
    x = np.array([[1.0, -2.0, 3.0]], "float32")
    divisor = 2.0 + 1e-2 if kept == "deviation" else np.sqrt(2.0 + 1e-2)
    np.testing.assert_allclose(model(x), 1.5 * (x - 0.5) / divisor + 0.25, rtol=1e-5)
    assert any("keras_version='1.0.5'" in str(each.message) for each in recwarn) == (named and not said)


@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
def test_kernels_of_one_dimension_up_to_1_1(backend, tmp_path):
    """(out, in, length, 1) up to 1.1, (length, 1, in, out) from 1.2 on; turned round on Theano."""
    kernel = np.random.default_rng(0).normal(size=(5, 2, 4)).astype("float32")  # (length, in, out), as today
    there = kernel[::-1] if backend == "theano" else kernel
    for number, layout in enumerate((there.transpose(2, 1, 0)[..., None], there[:, None])):
        keras_0(tmp_path / f"{number}.h5", [[layout, np.zeros(4, "f")]])
        model = cornu.Sequential([cornu.Input((7, 2)), layers.Conv1D(4, 5)])
        model.load_weights(tmp_path / f"{number}.h5", backend=backend)
        np.testing.assert_array_equal(model.get_weights()[0], kernel)
