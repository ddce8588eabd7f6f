"""Files: which format a name means, and the `.keras` archive."""

import contextlib
import datetime
import io
import json
import pathlib
import zipfile
from typing import IO, Any

from .. import config, registry, safety, scope
from ..writing import replacing
from . import h5_reader, hdf5, objects, tensors

OLD = (".h5", ".hdf5", ".hdf")
TENSORS = ".safetensors"


def _target(filepath, overwrite: bool) -> pathlib.Path:
    path = pathlib.Path(filepath)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already; give overwrite=True to replace it")
    return path


def _source(filepath) -> pathlib.Path:
    path = pathlib.Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    return path


def _h5():
    import h5py  # imported here, since it takes a tenth of a second

    return h5py


# ---- whole models ------------------------------------------------------------------------------


def save_model(model, filepath, overwrite: bool = True, include_optimizer: bool = True) -> None:
    """Write a model: `.keras` is an archive, `.h5` the older format (in eras 1 and 2 any name means that).

    An open HDF5 file or group, or a binary stream, takes the older format.
    Raises ValueError for a name that says neither.
    """
    if hasattr(filepath, "attrs"):
        return hdf5.write_model(filepath, model, include_optimizer)
    if hasattr(filepath, "write"):
        image = io.BytesIO()
        with _h5().File(image, "w") as h5:
            hdf5.write_model(h5, model, include_optimizer)
        filepath.write(image.getvalue())
        return None
    path = _target(filepath, overwrite)
    if path.suffix == ".keras":
        with replacing(path) as file:
            _write_archive(model, file, include_optimizer)
    elif path.suffix in OLD or config.era() < 3:
        with replacing(path) as file, _h5().File(file, "w") as h5:
            hdf5.write_model(h5, model, include_optimizer)
    else:
        raise ValueError(f"{path}: give the file the ending .keras (or .h5 for the older format)")


def load_model(
    filepath, custom_objects=None, compile: bool = True, safe_mode: bool = True, backend: str | None = None
) -> Any:
    """The model in a `.keras` or `.h5` file, ready to predict, and to train on if it was compiled.

    Args:
        custom_objects: dict from names in the file to your own classes and functions.
        compile: whether to compile it as it was.
        safe_mode: refuse what would run code from the file.
        backend: "theano" or "tensorflow", where a file of Keras 1 does not say which one it was written with.

    An open HDF5 file or group, and a binary stream of one, are read as well.
    """
    if hasattr(filepath, "attrs") or hasattr(filepath, "read"):
        opened = contextlib.nullcontext(filepath) if hasattr(filepath, "attrs") else _opened_stream(filepath)
        with scope.entered(safe=safe_mode is not False), safety.told("The stream"), opened as h5:
            return hdf5.read_model(h5, custom_objects, compile, backend)
    path = _source(filepath)
    with scope.entered(safe=safe_mode is not False), safety.told(str(path)):
        if h5_reader.is_hdf5(path):
            with h5_reader.opened(path) as file:
                return hdf5.read_model(file, custom_objects, compile, backend)
        if zipfile.is_zipfile(path):
            with safety.opened_archive(path) as archive:
                return _read_archive(archive, custom_objects, compile)
    raise ValueError(f"{path} is neither a .keras archive nor an HDF5 file")


def _opened_stream(stream: IO[bytes]):
    """An HDF5 file in a binary stream, open."""
    return h5_reader.opened(io.BytesIO(stream.read()))


def _write_archive(model, file: IO[bytes], include_optimizer: bool = True) -> None:
    description = objects.describe(model)
    if getattr(model, "get_build_config", None) and model.get_build_config():
        description["build_config"] = registry.serialize(model.get_build_config())
    optimizer = model.optimizer if include_optimizer and model.compiled else None
    if model.compiled:
        description["compile_config"] = model.get_compile_config()
    weights = io.BytesIO()
    with _h5().File(weights, "w") as h5:
        hdf5.write_paths(
            h5, model, {"optimizer/": optimizer} if optimizer is not None and optimizer.built else None
        )
    saved = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": objects.VERSION, "date_saved": saved}))
        archive.writestr("config.json", json.dumps(description))
        archive.writestr("model.weights.h5", weights.getvalue())


def _read_archive(archive: zipfile.ZipFile, custom_objects=None, compile: bool = True):
    description = safety.parsed(safety.member(archive, "config.json"))
    with h5_reader.opened(io.BytesIO(safety.member(archive, "model.weights.h5"))) as h5:
        model = objects.from_description(description, custom_objects, era=3)
        if not model.built and description.get("build_config"):
            model.build_from_config(description["build_config"])
        if compile and description.get("compile_config"):
            with registry.custom_object_scope(custom_objects), objects.made_as(description, 3):
                model.compile_from_config(description["compile_config"])
        extra = None
        if model.compiled and "optimizer" in h5 and len(h5["optimizer/vars"]):
            model.optimizer.build(model.trainable_variables)
            extra = {"optimizer/": model.optimizer}
        hdf5.read_paths(h5, model, extra)
    return model


def to_bytes(model) -> bytes:
    """A whole model as the bytes of a `.keras` archive."""
    file = io.BytesIO()
    _write_archive(model, file)
    return file.getvalue()


def from_bytes(data: bytes):
    """The model in the bytes of a `.keras` archive."""
    with safety.opened_archive(io.BytesIO(data)) as archive:
        return _read_archive(archive)


# ---- weights alone -----------------------------------------------------------------------------


def save_weights(model, filepath, overwrite: bool = True) -> None:
    """Write a model's weights: `.weights.h5` by path, any other `.h5` in the older layout by layer.

    `.safetensors` has the same names as `.weights.h5`, and needs the package of that name.
    """
    path = _target(filepath, overwrite)
    other = path.suffix == TENSORS
    if not other and not path.name.endswith(".weights.h5") and path.suffix not in OLD and config.era() == 3:
        raise ValueError(
            f"{path}: give the file the ending .weights.h5 or .safetensors (or .h5 for the older layout)"
        )
    if not model.built:
        raise ValueError(f"{model.name} has no weights yet: call it, fit it or `build` it first")
    if other:
        with replacing(path) as file:
            return tensors.write(file, model)
    with replacing(path) as file, _h5().File(file, "w") as h5:
        if path.name.endswith(".weights.h5") and config.era() == 3:
            hdf5.write_paths(h5, model)
        else:
            hdf5.write_layers(h5, model)


def load_weights(
    model,
    filepath,
    by_name: bool = False,
    skip_mismatch: bool = False,
    reshape: bool = False,
    backend: str | None = None,
) -> None:
    """Read a model's weights from a file of either layout, or from a whole model's file.

    `backend` says which one Keras 1 ran on, "theano" or "tensorflow", where the file does not.
    Raises ValueError, before any weight changes, for a file that does not fit.
    """
    path = _source(filepath)
    if not model.built:
        raise ValueError(f"{model.name} has no weights yet: call it, fit it or `build` it first")
    with safety.told(str(path)), safety.unchanged(model.variables):
        if path.suffix == TENSORS:
            return tensors.read(path, model, skip_mismatch)
        if h5_reader.is_hdf5(path):
            with h5_reader.opened(path) as h5:
                return _read_weights(h5, model, by_name, skip_mismatch, reshape, backend)
        if zipfile.is_zipfile(path):
            with safety.opened_archive(path) as archive:
                data = io.BytesIO(safety.member(archive, "model.weights.h5"))
                with h5_reader.opened(data) as h5:
                    return hdf5.read_paths(h5, model, skip_mismatch=skip_mismatch)
    raise ValueError(f"{path} is neither an HDF5 file nor a .keras archive")


def _read_weights(h5, model, by_name: bool, skip_mismatch: bool, reshape: bool, backend: str | None) -> None:
    """Read either layout of a file that is open."""
    group = h5["model_weights"] if "model_weights" in h5 else h5
    if "nb_layers" in group.attrs or any(name.startswith("layer_names") for name in group.attrs):
        hdf5.read_layers(group, model, by_name, skip_mismatch, reshape, backend)
    else:
        hdf5.read_paths(h5, model, skip_mismatch=skip_mismatch)


def arrays_in(filepath) -> dict[str, Any]:
    """Name and array of every weight in a file of any format; an optimizer's state is left out.

    Raises ValueError for what is no such file.
    """
    path = _source(filepath)
    with safety.told(str(path)):
        if path.suffix == TENSORS:
            return tensors.arrays(path)
        if h5_reader.is_hdf5(path):
            with h5_reader.opened(path) as h5:
                return hdf5.arrays_in(h5)
        if zipfile.is_zipfile(path):
            with safety.opened_archive(path) as archive:
                with h5_reader.opened(io.BytesIO(safety.member(archive, "model.weights.h5"))) as h5:
                    return hdf5.arrays_in(h5)
    raise ValueError(f"{path} is neither a .keras archive nor an HDF5 or safetensors file")


def has_model(filepath) -> bool:
    """Whether a file holds a whole model, not only weights."""
    path = _source(filepath)
    if h5_reader.is_hdf5(path):
        with safety.told(str(path)), h5_reader.opened(path) as h5:
            return "model_config" in h5.attrs
    return zipfile.is_zipfile(path)
