"""What lies in several files: models in folders, weights in shards, files of layers, the optimizer beside weights."""

import io
import json
import os
import pathlib
import zipfile

import h5py
import numpy as np
import pytest

import cornu
from cornu import commands, layers, registry, saving, writing

X, Y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")


def made(library=cornu, units=5):
    n = library.layers
    model = library.Sequential([library.Input((3,)), n.Dense(units, activation="tanh"), n.Dense(2)])
    model.compile("adam", "mse")
    return model


def trained(library=cornu):
    model = made(library)
    model.train_on_batch(X, Y)
    return model


def same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def names(folder: pathlib.Path) -> set[str]:
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}


# ---- folders -------------------------------------------------------------------------------------


@pytest.mark.oracle
def test_folders_go_both_ways(tmp_path):
    keras = pytest.importorskip("keras")
    for number, (source, target) in enumerate(((cornu, keras), (keras, cornu))):
        model = trained(source)
        model.save(tmp_path / str(number), zipped=False)
        twin = target.saving.load_model(tmp_path / str(number))
        np.testing.assert_allclose(twin(X), model(X), rtol=1e-6)
        assert int(twin.optimizer.iterations) == 1


def test_a_folder_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "model"
    for _ in range(2):
        model = trained()
        model.save(path, zipped=False)
        assert same(saving.load_model(path), model)
    assert names(tmp_path) == {
        f"model/{name}" for name in ("config.json", "metadata.json", "model.weights.h5")
    }
    twin = made()
    twin.load_weights(path)
    assert same(twin, model) and commands.run("summary", [str(path)]) == 0
    assert commands.run("diff", [str(path), str(path)]) == 0


def test_a_folder_with_other_things_is_not_lost(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OSError, match="other things in it, such as notes.txt"):
        made().save(tmp_path, zipped=False)
    assert names(tmp_path) == {"notes.txt"}
    with pytest.raises(ValueError, match="does not end with .keras"):
        made().save(tmp_path / "a.keras", zipped=False)


@pytest.mark.parametrize("moment", ["writing", "renaming"])
def test_a_folder_that_cannot_be_written_leaves_the_old_one(moment, tmp_path, monkeypatch):
    path, model = tmp_path / "model", trained()
    model.save(path, zipped=False)
    rename = os.rename

    def fail(source, target):
        if moment == "writing" or pathlib.Path(target) == path and not str(source).endswith(".old"):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(writing.os, "rename", fail)
    with pytest.raises(OSError, match="No space left"):
        trained().save(path, zipped=False)
    monkeypatch.undo()
    assert same(saving.load_model(path), model) and {each.name for each in tmp_path.iterdir()} == {"model"}


def test_links_in_a_folder_are_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("{}")
    trained().save(tmp_path / "model", zipped=False)
    for name in ("config.json", "assets"):
        (tmp_path / "model" / name).unlink(missing_ok=True)
        (tmp_path / "model" / name).symlink_to(tmp_path if name == "assets" else secret)
        with pytest.raises(saving.UnsafeFile, match="is a link or device"):
            saving.load_model(tmp_path / "model")
        (tmp_path / "model" / name).unlink()
        trained().save(tmp_path / "model", zipped=False)


def test_weights_in_pickles_are_not_read(tmp_path):
    trained().save(tmp_path / "model", zipped=False)
    (tmp_path / "model" / "model.weights.h5").rename(tmp_path / "model" / "model.weights.npz")
    with pytest.raises(saving.UnsafeFile, match="model.weights.npz, as pickles, which could run code"):
        saving.load_model(tmp_path / "model")


# ---- shards --------------------------------------------------------------------------------------

SMALL = 100 / (1 << 30)  # gigabytes


@pytest.mark.oracle
def test_shards_go_both_ways(tmp_path):
    keras = pytest.importorskip("keras")
    for source, target in ((cornu, keras), (keras, cornu)):
        model, twin = trained(source), trained(target)
        model.save_weights(tmp_path / "w.weights.json", max_shard_size=SMALL)
        twin.load_weights(tmp_path / "w.weights.json")
        np.testing.assert_array_equal(twin.get_weights()[0], model.get_weights()[0])
        assert len(names(tmp_path)) > 3


def test_shards(tmp_path):
    path, model = tmp_path / "w.weights.json", trained()
    model.save_weights(path, max_shard_size=SMALL)
    before = names(tmp_path)
    assert all((tmp_path / name).stat().st_size < 1 << 14 for name in before) and len(before) > 5
    twin = made()
    twin.load_weights(path)
    assert same(twin, model) and int(twin.optimizer.iterations) == 1
    model.save_weights(path, max_shard_size=1)
    assert names(tmp_path) == {"w.weights.json", "w_00000.weights.h5"}
    assert commands.run("diff", [str(path), str(path)]) == 0
    with pytest.raises(ValueError, match=r"has 60 bytes, more than a file may have"):
        model.save_weights(path, max_shard_size=SMALL / 2)
    with pytest.raises(ValueError, match=r"both max_shard_size and the ending .weights.json"):
        model.save_weights(path)


def changed(path: pathlib.Path, **weight_map) -> None:
    listed = json.loads(path.read_text())
    listed["weight_map"] |= {f"/layers/{key}/vars": value for key, value in weight_map.items()}
    path.write_text(json.dumps(listed))


def test_shards_that_do_not_belong_together(tmp_path):
    path, model = tmp_path / "w.weights.json", trained()
    model.save_weights(path, max_shard_size=SMALL)
    old = (tmp_path / "w_00000.weights.h5").read_bytes()
    model.train_on_batch(X, Y)
    model.save_weights(path, max_shard_size=SMALL)
    (tmp_path / "w_00000.weights.h5").write_bytes(old)
    twin = made()
    kept = [weight.copy() for weight in twin.get_weights()]
    with pytest.raises(saving.UnsafeFile, match="of two savings"):
        twin.load_weights(path)
    (tmp_path / "w_00000.weights.h5").unlink()
    with pytest.raises(saving.UnsafeFile, match="lists w_00000.weights.h5, which is not there"):
        twin.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(kept, twin.get_weights(), strict=True))


@pytest.mark.parametrize(
    "name", ["../w_00000.weights.h5", "/etc/x.weights.h5", "c:x.weights.h5", 3, "x.h5\0.weights.h5"]
)
def test_shards_that_lie_elsewhere(name, tmp_path):
    path, model = tmp_path / "w.weights.json", trained()
    model.save_weights(path, max_shard_size=1)
    changed(path, dense=name)
    with pytest.raises(saving.UnsafeFile, match="which is no file of weights beside it"):
        model.load_weights(path)


# ---- the optimizer beside weights, and streams ---------------------------------------------------


@pytest.mark.oracle
def test_weights_keep_the_optimizer_as_in_keras_3(tmp_path):
    """So a backup of Keras's own `BackupAndRestore`, `latest.weights.h5`, can be gone on from."""
    keras = pytest.importorskip("keras")
    for source, target in ((cornu, keras), (keras, cornu)):
        model, twin = trained(source), trained(target)
        twin.train_on_batch(X, Y)
        model.save_weights(tmp_path / "latest.weights.h5")
        twin.load_weights(tmp_path / "latest.weights.h5")
        assert int(twin.optimizer.iterations) == 1
        losses = [np.ravel(each.train_on_batch(X, Y))[0] for each in (model, twin)]
        np.testing.assert_allclose(*losses, rtol=1e-5)
        np.testing.assert_allclose(twin(X), model(X), rtol=1e-4)


def test_another_optimizer_is_told(tmp_path):
    trained().save_weights(tmp_path / "a.weights.h5")
    model = made()
    model.compile("sgd", "mse")
    with pytest.warns(
        UserWarning, match="optimizer state does not fit SGD, which stays as it is: it has 10 arrays, 2"
    ):
        model.load_weights(tmp_path / "a.weights.h5")
    plain = cornu.Sequential([cornu.Input((3,)), layers.Dense(5, "tanh"), layers.Dense(2)])
    plain.load_weights(tmp_path / "a.weights.h5")
    assert same(plain, model)


@pytest.mark.parametrize("era", [2, 3])
def test_streams(era):
    model, stream = trained(), io.BytesIO()
    with cornu.config.era_scope(era):
        saving.save_model(model, stream)
    assert zipfile.is_zipfile(stream) == (era == 3)
    stream.seek(0)
    assert same(saving.load_model(stream), model)


# ---- files of layers -----------------------------------------------------------------------------


@saving.register_keras_serializable("parts")
class Words(layers.Layer):
    """Keeps words in a file, as Keras's own StringLookup does."""

    words: list[str] = []

    def call(self, inputs):
        return inputs

    def save_assets(self, folder):
        pathlib.Path(folder, "deep").mkdir()
        pathlib.Path(folder, "deep", "vocabulary.txt").write_text("\n".join(self.words))

    def load_assets(self, folder):
        self.words = pathlib.Path(folder, "deep", "vocabulary.txt").read_text().split("\n")


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_layers(zipped, tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), Words(name="a"), Words(name="b")])
    model.layers[0].words, model.layers[1].words = ["x", "y"], ["z"]
    path = tmp_path / ("m.keras" if zipped else "m")
    model.save(path, zipped=zipped)
    assert [layer.words for layer in saving.load_model(path).layers] == [["x", "y"], ["z"]]


def test_files_that_no_layer_takes_are_told(tmp_path):
    trained().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "a") as archive:
        archive.writestr("assets/layers/dense/inner.keras", b"never opened")
    with pytest.warns(
        UserWarning, match="1 files of the model, such as assets/layers/dense/inner.keras, were not read"
    ):
        saving.load_model(tmp_path / "m.keras")


@pytest.mark.oracle
def test_files_of_layers_of_keras_name_the_layer_that_is_missing(tmp_path):
    keras = pytest.importorskip("keras")
    if "StringLookup" in registry.FAMILIES["layers"]:
        pytest.skip("the layer is there")
    head = {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": ["a"]}}
    description = json.loads(made().to_json())
    description["config"]["layers"].append(head | {"registered_name": None})
    with pytest.raises(
        ValueError, match=r"'StringLookup' is not known here: Cornu has no keras.layers.StringLookup"
    ):
        cornu.models.model_from_json(json.dumps(description))
    assert keras.layers.StringLookup


def test_shards_are_hdf5_files(tmp_path):
    trained().save_weights(tmp_path / "w.weights.json", max_shard_size=1)
    with h5py.File(tmp_path / "w_00000.weights.h5") as file:
        assert file["layers/dense/vars/0"].shape == (3, 5) and "optimizer/vars/0" in file
