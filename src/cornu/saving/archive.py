"""Files: which format a name means, and the `.keras` archive, zipped or as a folder."""

import contextlib
import datetime
import functools
import io
import json
import pathlib
import warnings
import zipfile
from collections.abc import Callable
from typing import IO, Any

from .. import config, safety, scope
from ..writing import replacing
from . import assets, folder, h5_reader, hdf5, objects, orbax, shards, tensors, tf_keras

OLD = (".h5", ".hdf5", ".hdf")
TENSORS = ".safetensors"


def _target(filepath, overwrite: bool) -> pathlib.Path:
    path = pathlib.Path(filepath)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already; give overwrite=True to replace it")
    return path


def _source(filepath) -> pathlib.Path:
    """The path of a file, or of a folder with a model in it.

    Raises FileNotFoundError where there is none, ValueError for what only TensorFlow reads.
    """
    path = pathlib.Path(filepath)
    if (path / "saved_model.pb").is_file():
        raise ValueError(
            f"{path} is a SavedModel: a program for TensorFlow, from which no layers can be made. Where TensorFlow "
            "is, load it with tf.keras.models.load_model and save it with the ending .h5 or .keras"
        )
    if path.with_name(f"{path.name}.index").is_file() or (path / "checkpoint").is_file():
        raise ValueError(
            f"{path} is a checkpoint of TensorFlow's own, which only TensorFlow reads. There, load it with "
            "model.load_weights and save it with model.save_weights and the ending .h5 or .weights.h5"
        )
    if not path.is_file() and not folder.is_model(path) and not orbax.is_checkpoint(path):
        raise FileNotFoundError(
            f"{path}: there is no such file" + " but a folder without a model" * path.is_dir()
        )
    return path


def _h5():
    import h5py  # imported here, since it takes a tenth of a second

    return h5py


# ---- whole models ------------------------------------------------------------------------------


def save_model(
    model, filepath, overwrite: bool = True, zipped: bool | None = None, include_optimizer: bool = True
) -> None:
    """Write a model: `.keras` is an archive, `.h5` the older format (in eras 1 and 2 any name means that).

    Args:
        zipped: False writes the files of the archive into a folder of that name, which does not end with `.keras`.

    An open HDF5 file or group takes the older format, and so does a binary stream in eras 1 and 2; in era 3 it takes
    the archive. Raises ValueError for a name that says neither.
    """
    if hasattr(filepath, "attrs"):
        return hdf5.write_model(filepath, model, include_optimizer)
    if hasattr(filepath, "write"):
        image = io.BytesIO()
        _write(model, image, ".keras" if config.era() == 3 else ".h5", include_optimizer)
        filepath.write(image.getvalue())
        return None
    path = _target(filepath, overwrite)
    if zipped is False:
        if path.suffix == ".keras":
            raise ValueError(f"{path}: zipped=False writes a folder, whose name does not end with .keras")
        with folder.replacing(path) as files:
            return _write_members(model, files, include_optimizer)
    if path.suffix not in (".keras", *OLD) and config.era() == 3:
        raise ValueError(
            f"{path}: give the file the ending .keras (or .h5 for the older format), or write a folder by zipped=False"
        )
    with replacing(path) as file:
        _write(model, file, path.suffix, include_optimizer)
    return None


def _write(model, file: IO[bytes], ending: str, include_optimizer: bool) -> None:
    if ending == ".keras":
        with zipfile.ZipFile(file, "w") as archive:
            return _write_members(model, archive, include_optimizer)
    with _h5().File(file, "w") as h5:
        hdf5.write_model(h5, model, include_optimizer)


def load_model(
    filepath, custom_objects=None, compile: bool = True, safe_mode: bool = True, backend: str | None = None
) -> Any:
    """The model in a `.keras` or `.h5` file or in a folder, ready to predict, and to train on if it was compiled.

    Args:
        custom_objects: dict from names in the file to your own classes and functions.
        compile: whether to compile it as it was.
        safe_mode: refuse what would run code from the file.
        backend: "theano" or "tensorflow", where a file of Keras 1 does not say which one it was written with.

    An open HDF5 file or group, and a binary stream of either format, are read as well.
    """
    with scope.entered(safe=safe_mode is not False):
        if hasattr(filepath, "attrs"):
            with safety.told("The open file"):
                return hdf5.read_model(filepath, custom_objects, compile, backend)
        if hasattr(filepath, "read"):
            source, name = io.BytesIO(filepath.read()), "The stream"
        else:
            source = _source(filepath)
            name = str(source)
        with safety.told(name):
            if h5_reader.is_hdf5(source):
                with h5_reader.opened(source) as file:
                    return hdf5.read_model(file, custom_objects, compile, backend)
            if isinstance(source, pathlib.Path) and orbax.is_checkpoint(source):
                return orbax.read_model(source, custom_objects, compile)
            if is_archive(source):
                with opened(source) as archive:
                    return _read_members(archive, custom_objects, compile)
    raise ValueError(f"{name} is neither a .keras archive nor an HDF5 file")


def is_archive(source) -> bool:
    """Whether a file is a zip archive, or a folder has the files of one."""
    return zipfile.is_zipfile(source) if not isinstance(source, pathlib.Path) or source.is_file() else True


def opened(source) -> contextlib.AbstractContextManager:
    """A `.keras` archive, zipped or as a folder, open for reading."""
    if isinstance(source, pathlib.Path) and source.is_dir():
        return contextlib.nullcontext(folder.Folder(source))
    return safety.opened_archive(source)


def _weights_in(archive):
    """The HDF5 file of an archive's weights, open."""
    if folder.WEIGHTS not in archive.namelist() and folder.PICKLED in archive.namelist():
        raise safety.UnsafeFile(
            f"The model's weights are in {folder.PICKLED}, as pickles, which could run code, and which no Keras reads "
            f"any more. Write the file anew with {folder.WEIGHTS}, which is the default"
        )
    if isinstance(archive, folder.Folder) and folder.WEIGHTS in archive.namelist():
        return h5_reader.opened(archive.path / folder.WEIGHTS)
    return h5_reader.opened(io.BytesIO(safety.member(archive, folder.WEIGHTS)))


def _write_members(model, archive: zipfile.ZipFile | folder.Folder, include_optimizer: bool = True) -> None:
    weights = io.BytesIO()
    with _h5().File(weights, "w") as h5:
        hdf5.write_paths(h5, model, _state_of(model) if include_optimizer else None)
    saved = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": objects.VERSION, "date_saved": saved}
    archive.writestr(folder.METADATA, json.dumps(metadata))
    archive.writestr(folder.CONFIG, json.dumps(objects.describe_whole(model)))
    archive.writestr(folder.WEIGHTS, weights.getvalue())
    assets.write(model, archive)


def _state_of(model) -> dict[str, Any] | None:
    """What is saved beside a model's weights: its optimizer, where it has begun."""
    return {"optimizer/": model.optimizer} if model.compiled and model.optimizer.built else None


def _read_members(archive, custom_objects=None, compile: bool = True):
    description = safety.parsed(safety.member(archive, folder.CONFIG))
    version = objects.VERSION
    if folder.METADATA in archive.namelist():
        version = str(safety.parsed(safety.member(archive, folder.METADATA)).get("keras_version"))
    era = objects.era_of({"keras_version": version}, 3)
    if tf_keras.wrote(version) and isinstance(description, dict):
        told = {name: description[name] for name in objects.BESIDE if name in description}
        description = {**tf_keras.plain(description), **told}
    training = functools.partial(tf_keras.training_of, version=version)
    with _weights_in(archive) as h5:
        model = objects.rebuild_whole(description, custom_objects, compile, era, training)
        extra, state = None, hdf5.store_at(h5, "optimizer/") if model.compiled else {}
        if state:
            model.optimizer.build(model.trainable_variables)
            if era == 3:
                extra = {"optimizer/": model.optimizer}
            elif not tf_keras.restore(model, list(state.values())):
                warnings.warn(
                    f"The file's optimizer state does not fit {type(model.optimizer).__name__}: it starts afresh",
                    stacklevel=4,
                )
        hdf5.read_paths(h5, model, extra)
        assets.read(model, archive)
    return model


def to_bytes(model) -> bytes:
    """A whole model as the bytes of a `.keras` archive."""
    file = io.BytesIO()
    _write(model, file, ".keras", True)
    return file.getvalue()


def from_bytes(data: bytes):
    """The model in the bytes of a `.keras` archive."""
    with safety.opened_archive(io.BytesIO(data)) as archive:
        return _read_members(archive)


# ---- weights alone -----------------------------------------------------------------------------


def save_weights(model, filepath, overwrite: bool = True, max_shard_size: float | None = None) -> None:
    """Write a model's weights: `.weights.h5` by path, any other `.h5` in the older layout by layer.

    As Keras 3 does, `.weights.h5` keeps the state of the optimizer, too, where the model was trained. `.safetensors`
    has the same names but no optimizer, and needs the package of that name.

    Args:
        max_shard_size: gigabytes; the weights are divided among files no larger than that, and `filepath`, which ends
            with `.weights.json`, lists them.
    """
    path = pathlib.Path(filepath)
    if max_shard_size is not None and path.name.endswith(".weights.h5"):
        path = path.with_suffix(".json")
        warnings.warn(f"What lists the files of weights is written as {path}", stacklevel=3)
    path = _target(path, overwrite)
    sharded, other = path.name.endswith(shards.ENDING), path.suffix == TENSORS
    if sharded != (max_shard_size is not None):
        raise ValueError(
            f"{path}: weights in several files need both max_shard_size and the ending {shards.ENDING}"
        )
    if sharded and not max_shard_size > 0:
        raise ValueError(f"max_shard_size is a number of gigabytes above 0; got {max_shard_size!r}")
    by_path = path.name.endswith(".weights.h5") and config.era() == 3
    if not (sharded or other or by_path) and path.suffix not in OLD and config.era() == 3:
        raise ValueError(
            f"{path}: give the file the ending .weights.h5 or .safetensors (or .h5 for the older layout)"
        )
    if not model.built:
        raise ValueError(f"{model.name} has no weights yet: call it, fit it or `build` it first")
    if sharded:
        return shards.write(path, model, max_shard_size, _state_of(model))
    with replacing(path) as file:
        if other:
            return tensors.write(file, model)
        with _h5().File(file, "w") as h5:
            if by_path:
                hdf5.write_paths(h5, model, _state_of(model))
            else:
                hdf5.write_layers(h5, model)
    return None


def load_weights(
    model,
    filepath,
    by_name: bool = False,
    skip_mismatch: bool = False,
    reshape: bool = False,
    backend: str | None = None,
    keras_version: str | None = None,
) -> None:
    """Read a model's weights from files of any layout, or from a whole model's file.

    The state of the optimizer is read, too, from where Keras 3 keeps it, into a model that is compiled.
    `backend` says which one Keras 1 ran on, "theano" or "tensorflow", and `keras_version` its version, where the file
    does not: before 1.0.7 BatchNormalization kept deviations in the place of variances.
    Raises ValueError, before any weight changes, for a file that does not fit.
    """
    path = _source(filepath)
    if not model.built:
        raise ValueError(f"{model.name} has no weights yet: call it, fit it or `build` it first")
    cells = [*model.variables, *(model.optimizer.variables if model.compiled else ())]
    with safety.told(str(path)), safety.unchanged(cells):
        if path.suffix == TENSORS:
            return tensors.read(path, model, skip_mismatch)
        if orbax.is_checkpoint(path):
            return orbax.read_weights(path, model, skip_mismatch)
        if path.name.endswith(shards.ENDING):
            found = shards.stores(path)
            return _read_stores(lambda place: found.get(place, {}), model, skip_mismatch)
        if h5_reader.is_hdf5(path):
            with h5_reader.opened(path) as h5:
                return _read_weights(h5, model, by_name, skip_mismatch, reshape, backend, keras_version)
        if is_archive(path):
            with opened(path) as archive, _weights_in(archive) as h5:
                return _read_stores(lambda place: hdf5.store_at(h5, place), model, skip_mismatch)
    raise ValueError(f"{path} is neither an HDF5 file nor a .keras archive")


def _read_weights(h5, model, by_name, skip_mismatch: bool, reshape, backend, keras_version) -> None:
    """Read either layout of a file that is open."""
    group = h5["model_weights"] if "model_weights" in h5 else h5
    if "nb_layers" in group.attrs or any(name.startswith("layer_names") for name in group.attrs):
        hdf5.read_layers(group, model, by_name, skip_mismatch, reshape, backend, keras_version)
    else:
        _read_stores(lambda place: hdf5.store_at(h5, place), model, skip_mismatch)


def _read_stores(find: Callable[[str], dict], model, skip_mismatch: bool) -> None:
    """Read what `find` has for each path, that of the optimizer where it fits."""
    extra, state = None, find("optimizer/") if model.compiled else {}
    if state:
        model.optimizer.build(model.trainable_variables)
        wanted: dict[str, Any] = {}
        model.optimizer.save_own_variables(wanted)
        problem = hdf5.mismatch(wanted, state)
        if problem:
            warnings.warn(
                f"The file's optimizer state does not fit {type(model.optimizer).__name__}, which stays as it is: "
                + problem,
                stacklevel=5,
            )
        else:
            extra = {"optimizer/": model.optimizer}
    hdf5.read_stores(find, model, extra, skip_mismatch)


def arrays_in(filepath) -> dict[str, Any]:
    """Name and array of every weight in a file of any format; an optimizer's state is left out.

    Raises ValueError for what is no such file.
    """
    path = _source(filepath)
    with safety.told(str(path)):
        if path.suffix == TENSORS:
            return tensors.arrays(path)
        if orbax.is_checkpoint(path):
            raise ValueError(
                f"{path}: arrays of an Orbax checkpoint are not listed; convert it with a model in it first"
            )
        if path.name.endswith(shards.ENDING):
            found = shards.stores(path)
            return {f"{place}vars/{name}": array for place, store in found.items() if place != "optimizer/"
                    for name, array in store.items()}  # fmt: skip
        if h5_reader.is_hdf5(path):
            with h5_reader.opened(path) as h5:
                return hdf5.arrays_in(h5)
        if is_archive(path):
            with opened(path) as archive, _weights_in(archive) as h5:
                return hdf5.arrays_in(h5)
    raise ValueError(f"{path} is neither a .keras archive nor an HDF5 or safetensors file")


def has_model(filepath) -> bool:
    """Whether a file or folder holds a whole model, not only weights."""
    path = _source(filepath)
    if h5_reader.is_hdf5(path):
        with safety.told(str(path)), h5_reader.opened(path) as h5:
            return "model_config" in h5.attrs
    return is_archive(path)
