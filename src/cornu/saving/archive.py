"""Files: which format a name means, the `.keras` archive, and writing so that nothing is ever half written."""

import contextlib
import datetime
import io
import json
import os
import pathlib
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from .. import config, registry, scope
from . import hdf5, objects

OLD = (".h5", ".hdf5", ".hdf")


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` once it is whole and on the disk."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} is not there")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


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

    Raises ValueError for a name that says neither.
    """
    path = _target(filepath, overwrite)
    if path.suffix == ".keras":
        with replacing(path) as file:
            _write_archive(model, file, include_optimizer)
    elif path.suffix in OLD or config.era() < 3:
        with replacing(path) as file, _h5().File(file, "w") as h5:
            hdf5.write_model(h5, model, include_optimizer)
    else:
        raise ValueError(f"{path}: give the file the ending .keras (or .h5 for the older format)")


def load_model(filepath, custom_objects=None, compile: bool = True, safe_mode: bool = True) -> Any:
    """The model in a `.keras` or `.h5` file, ready to predict, and to train on if it was compiled.

    Args:
        custom_objects: dict from names in the file to your own classes and functions.
        compile: whether to compile it as it was.
        safe_mode: refuse what would run code from the file.
    """
    path = _source(filepath)
    with scope.entered(safe=safe_mode):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _read_archive(archive, custom_objects, compile)
        if _h5().is_hdf5(path):
            with _h5().File(path, "r") as file:
                return hdf5.read_model(file, custom_objects, compile)
    raise ValueError(f"{path} is neither a .keras archive nor an HDF5 file")


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
    description = json.loads(archive.read("config.json"))
    model = objects.from_description(description, custom_objects, era=3)
    if not model.built and description.get("build_config"):
        model.build_from_config(description["build_config"])
    if compile and description.get("compile_config"):
        with registry.custom_object_scope(custom_objects), objects.made_as(description, 3):
            model.compile_from_config(description["compile_config"])
    with _h5().File(io.BytesIO(archive.read("model.weights.h5")), "r") as h5:
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
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return _read_archive(archive)


# ---- weights alone -----------------------------------------------------------------------------


def save_weights(model, filepath, overwrite: bool = True) -> None:
    """Write a model's weights: `.weights.h5` by path, any other `.h5` in the older layout by layer."""
    path = _target(filepath, overwrite)
    if not path.name.endswith(".weights.h5") and path.suffix not in OLD and config.era() == 3:
        raise ValueError(f"{path}: give the file the ending .weights.h5 (or .h5 for the older layout)")
    if not model.built:
        raise ValueError(f"{model.name} has no weights yet: call it, fit it or `build` it first")
    with replacing(path) as file, _h5().File(file, "w") as h5:
        if path.name.endswith(".weights.h5") and config.era() == 3:
            hdf5.write_paths(h5, model)
        else:
            hdf5.write_layers(h5, model)


def load_weights(model, filepath, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Read a model's weights from a file of either layout, or from a whole model's file.

    Raises ValueError, before any weight changes, for a file that does not fit.
    """
    path = _source(filepath)
    if not model.built:
        raise ValueError(f"{model.name} has no weights yet: call it, fit it or `build` it first")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            data = io.BytesIO(archive.read("model.weights.h5"))
            with _h5().File(data, "r") as h5:
                return hdf5.read_paths(h5, model, skip_mismatch=skip_mismatch)
    if not _h5().is_hdf5(path):
        raise ValueError(f"{path} is neither an HDF5 file nor a .keras archive")
    with _h5().File(path, "r") as h5:
        group = h5["model_weights"] if "model_weights" in h5 else h5
        if any(name.startswith("layer_names") for name in group.attrs):
            hdf5.read_layers(group, model, by_name, skip_mismatch)
        else:
            hdf5.read_paths(h5, model, skip_mismatch=skip_mismatch)
