"""Checkpoints of the package orbax-checkpoint: saved in the background, read back, and by Keras."""

import os
import subprocess
import sys

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers, saving

try:
    import orbax.checkpoint  # noqa: F401

    HERE = True
except ImportError:
    HERE = False
needs = pytest.mark.skipif(not HERE, reason="orbax-checkpoint is not installed")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 3)).astype("float32"), RNG.normal(size=(16, 2)).astype("float32")


def made(library=cornu):
    n = library.layers
    model = library.Sequential(
        [
            library.Input((3,)),
            n.Dense(4, activation="tanh"),
            n.BatchNormalization(),
            n.Dropout(0.2),
            n.Dense(2),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def fitted(folder, library=cornu, epochs=3, **options):
    model = made(library)
    keep = library.callbacks.OrbaxCheckpoint(str(folder), **options)
    model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, callbacks=[keep])
    return model, keep


def steps(folder) -> list[int]:
    return sorted(int(each.name) for each in folder.iterdir())


def same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@needs
@pytest.mark.parametrize("background", [True, False])
def test_what_was_saved_is_read(background, tmp_path):
    model, _ = fitted(tmp_path, max_to_keep=2, save_on_background=background)
    assert steps(tmp_path) == [1, 2]
    for path in (tmp_path, tmp_path / "2"):
        whole, weights = saving.load_model(path), made()
        weights.load_weights(path)
        assert same(whole, model) and same(weights, model)
        assert int(whole.optimizer.iterations) == 12
    losses = [each.train_on_batch(X, Y)[0] for each in (model, whole)]  # dropout too
    assert losses[0] == losses[1] and same(model, whole)


@needs
def test_steps(tmp_path):
    _, keep = fitted(tmp_path, save_freq=5, max_to_keep=None)
    assert steps(tmp_path) == [5, 10]
    made().fit(
        X,
        Y,
        batch_size=4,
        epochs=2,
        verbose=0,
        callbacks=[callbacks.OrbaxCheckpoint(tmp_path, max_to_keep=None)],
    )
    assert steps(tmp_path) == [5, 10, 11, 12]  # never over what is there
    assert not keep.is_multihost_enabled() and keep.is_primary_host()


@needs
def test_only_the_best(tmp_path):
    fitted(tmp_path, monitor="loss", save_best_only=True, initial_value_threshold=1e-9, mode="min")
    assert not tmp_path.exists() or steps(tmp_path) == []


@needs
def test_weights_alone(tmp_path):
    model, _ = fitted(tmp_path, save_weights_only=True, epochs=1)
    with pytest.raises(ValueError, match="only weights: build the model and use `load_weights`"):
        saving.load_model(tmp_path)
    other = cornu.Sequential([cornu.Input((3,)), layers.Dense(5)])
    before = other.get_weights()[0].copy()
    with pytest.raises(ValueError, match=r"does not fit .*2 arrays 'dense/kernel', and 1 are needed"):
        other.load_weights(tmp_path)
    np.testing.assert_array_equal(other.get_weights()[0], before)


@needs
@pytest.mark.oracle
def test_keras_reads_ours_and_we_read_its(tmp_path):
    keras = pytest.importorskip("keras")
    keras.backend.clear_session()
    cornu.backend.clear_session()
    model, _ = fitted(tmp_path / "ours")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "ours")(X), model(X), rtol=1e-5, atol=1e-6)
    keras.backend.clear_session()
    model, keep = fitted(tmp_path / "its", keras, save_on_background=False)
    twin = saving.load_model(tmp_path / "its")
    np.testing.assert_allclose(twin(X), model(X), rtol=1e-5, atol=1e-6)
    assert int(twin.optimizer.iterations) == 12


MANY = """
import jax, numpy as np, cornu
from jax.sharding import Mesh, NamedSharding, PartitionSpec
model = cornu.Sequential([cornu.Input((8,)), cornu.layers.Dense(8, name="d"), cornu.layers.Dense(2, name="e")])
model.compile("sgd", "mse")
place = NamedSharding(Mesh(np.array(jax.devices()), "x"), PartitionSpec("x"))
cell = model.weights[0]
cell._value = jax.device_put(cell._value, place)
from cornu.saving import orbax
keep = cornu.callbacks.OrbaxCheckpoint({folder!r})
keep.set_model(model)
keep.on_train_begin()
keep.on_epoch_end(0, {{}})
keep.on_train_end()
kept, before = np.array(cell._value), cell._value.sharding
cell._value = jax.device_put(np.zeros((8, 8), "float32"), place)
model.load_weights({folder!r})
assert np.array_equal(cell._value, kept) and cell._value.sharding == before and len(jax.devices()) == 4
print("whole")
"""


@needs
def test_weights_on_many_devices(tmp_path):
    """Each device writes its part, and gets it back."""
    flags = {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": "src",
    }
    done = subprocess.run(
        [sys.executable, "-c", MANY.format(folder=str(tmp_path / "c"))],
        env={**os.environ, **flags}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.endswith("whole\n"), done.stderr[-2000:]


@pytest.mark.skipif(HERE, reason="orbax-checkpoint is installed")
def test_the_package_is_asked_for(tmp_path):
    with pytest.raises(ImportError, match=r"pip install 'cornu\[orbax\]'"):
        callbacks.OrbaxCheckpoint(tmp_path)


def test_files_of_layers_are_not_left_out_in_silence():
    class Worded(layers.Dense):
        def save_assets(self, folder):
            raise AssertionError("nothing is written")

    with pytest.raises(
        ValueError, match="words has files of its own, which an orbax checkpoint has no place for"
    ):
        saving.orbax.payload(cornu.Sequential([cornu.Input((3,)), Worded(2, name="words")]))
