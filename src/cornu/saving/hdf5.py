"""Weights and models in HDF5: Keras 3's layout by path, and the older one by layer name."""

import json
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import config, registry, safety
from ..eras.border import snake
from . import era_optimizers, era_weights, objects, tf_keras
from .walk import walk

TOP = "top_level_model_weights"  # the group of a model's own weights
CHUNK = 64512  # bytes an HDF5 attribute may have


def stores(model, extra: Mapping[str, Any] | None = None) -> Iterator[tuple[str, Any, dict[str, np.ndarray]]]:
    """(path, holder, arrays by their names in files) for everything in a model that keeps variables."""
    for path, holder in (dict(walk(model)) | dict(extra or {})).items():
        store: dict[str, np.ndarray] = {}
        holder.save_own_variables(store)
        yield path, holder, store


def write_paths(file, model, extra: Mapping[str, Any] | None = None) -> None:
    """Keras 3's layout: `<path>/vars/<i>` for every holder of variables."""
    write_stores(file, ((path, (holder, store)) for path, holder, store in stores(model, extra)))


def write_stores(file, groups: Iterable[tuple[str, tuple[Any, Mapping[str, np.ndarray]]]]) -> None:
    """Write the arrays of holders by their paths."""
    for path, (holder, store) in groups:
        name = getattr(holder, "name", None)
        if not store and not isinstance(name, str):
            continue
        group = file.require_group(f"{path}vars")
        if isinstance(name, str):
            group.attrs["name"] = name
        for key, value in store.items():
            group[key] = value
            if value.dtype.name == "bfloat16":  # which HDF5 keeps as bytes
                group[key].attrs["dtype"] = "bfloat16"


def store_at(file, path: str) -> dict[str, np.ndarray]:
    """The arrays of one holder; the first versions of this layout called some places by other words."""
    group = file.get(f"{path}vars")
    if group is None and "_layer_checkpoint_dependencies" in file:
        group = file.get(f"{path}vars".replace("layers", "_layer_checkpoint_dependencies", 1))
    if group is None and path.endswith("_dense/"):  # of attention
        above, _, name = path.rstrip("/").rpartition("/")
        group = file.get(f"{above}/_{name}/vars")
    return store_of(group or {})


def store_of(group) -> dict[str, np.ndarray]:
    """The arrays of a group, in the order of their numbers."""
    return {name: _array(group[name]) for name in sorted(group, key=number)}


def _array(dataset) -> np.ndarray:
    value = dataset[()]
    return value.view(np.dtype("bfloat16")) if dataset.attrs.get("dtype") == "bfloat16" else value


def read_paths(file, model, extra: Mapping[str, Any] | None = None, skip_mismatch: bool = False) -> None:
    """Read what `write_paths` wrote; every array is checked before the first weight changes."""
    read_stores(lambda path: store_at(file, path), model, extra, skip_mismatch)


def read_stores(
    find: Callable[[str], Mapping[str, np.ndarray]],
    model,
    extra: Mapping[str, Any] | None = None,
    skip_mismatch: bool = False,
) -> None:
    """Give everything in a model that keeps variables what `find` has for its path.

    Raises ValueError, before the first weight changes, where something does not fit.
    """
    fitting = []
    for path, holder in (dict(walk(model)) | dict(extra or {})).items():
        store, wanted = find(path), {}
        holder.save_own_variables(wanted)
        problem = mismatch(wanted, store)
        name = getattr(holder, "name", path)
        if problem and not skip_mismatch:
            raise ValueError(f"The file does not fit {type(holder).__name__} {name!r}: {problem}")
        if problem:
            warnings.warn(f"The weights of {name!r} are left as they are: {problem}", stacklevel=5)
        elif store:
            fitting.append((holder, store))
    for holder, store in fitting:
        holder.load_own_variables(store)


def mismatch(wanted: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray]) -> str | None:
    """How arrays differ from those that are wanted, in words; None if they fit."""
    if len(wanted) != len(given):
        return f"it has {len(given)} arrays, {len(wanted)} are needed"
    for (name, a), b in zip(wanted.items(), given.values(), strict=True):
        if np.shape(a) != np.shape(b):
            return f"array {name} has shape {np.shape(b)}, {np.shape(a)} is needed"
    return None


def fitted(array: np.ndarray, shape: tuple) -> np.ndarray:
    """An array in a shape that has as many places; as it is where that has not."""
    return np.reshape(array, shape) if np.size(array) == math.prod(shape) else array


def number(name: str):
    return (0, int(name)) if name.isdigit() else (1, name)


# ---- the older layout --------------------------------------------------------------------------


def _attribute(group, name: str) -> list[str]:
    """A list of words, which may be split over `name0`, `name1`..."""
    if name in group.attrs:
        found = list(group.attrs[name])
    else:
        found, number = [], 0
        while f"{name}{number}" in group.attrs:
            found += list(group.attrs[f"{name}{number}"])
            number += 1
    return [each.decode("utf8") if isinstance(each, bytes) else str(each) for each in found]


def _set_attribute(group, name: str, words: Sequence[str]) -> None:
    encoded = np.array([word.encode("utf8") for word in words], None if words else "S1")
    if encoded.nbytes < CHUNK // 2:
        group.attrs[name] = encoded
        return
    rows = max(1, CHUNK // 2 // encoded.itemsize)  # all words are as long as the longest
    for number, start in enumerate(range(0, len(encoded), rows)):
        group.attrs[f"{name}{number}"] = encoded[start : start + rows]


def write_layers(group, model) -> None:
    """The older layout: a group for each layer, its arrays by weight name."""
    layers = getattr(model, "flattened_layers", model.layers)
    _set_attribute(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = b"jax"
    group.attrs["keras_version"] = objects.VERSION.encode()
    for layer in layers:
        _write_cells(group.create_group(layer.name), in_file_order(layer))
    _write_cells(group.create_group(TOP), model.own_cells())


def in_file_order(layer) -> list:
    """A layer's cells as the older layout has them: those that are trained first, in nested models too."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _write_cells(group, cells: Sequence) -> None:
    """Arrays by the names of their cells, and the list of these names."""
    names: list[str] = []
    for cell in cells:
        name, number = cell.path, 1
        while name in names:
            name, number = f"{cell.path}_{number}", number + 1
        names.append(name)
        group.create_dataset(name, data=cell.numpy())
    _set_attribute(group, "weight_names", names)


def layer_arrays(group) -> list[tuple[str, list[np.ndarray]]]:
    """(layer name, arrays) for every layer of the older layout that has arrays."""
    found = []
    for number in range(int(group.attrs.get("nb_layers", 0))):  # Keras 0
        place = group[f"layer_{number}"]
        arrays = [np.asarray(place[f"param_{each}"]) for each in range(int(place.attrs["nb_params"]))]
        found += [(f"layer_{number}", arrays)] if arrays else []
    for name in _attribute(group, "layer_names"):
        arrays = [np.asarray(group[name][weight]) for weight in _attribute(group[name], "weight_names")]
        if arrays:
            found.append((name, arrays))
    return found


def arrays_in(file) -> dict[str, np.ndarray]:
    """Name and array of every weight in a file of either layout, in its order."""
    group = file["model_weights"] if "model_weights" in file else file
    if any(name.startswith("layer_names") for name in group.attrs):
        return {
            f"{layer}/{name}": np.asarray(group[layer][name])
            for layer in [*_attribute(group, "layer_names"), *([TOP] if TOP in group else [])]
            for name in _attribute(group[layer], "weight_names")
        }
    found: dict[str, np.ndarray] = {}

    def look(place, path: str) -> None:
        for name in sorted(place, key=number):
            below = f"{path}/{name}".strip("/")
            if hasattr(place[name], "shape"):
                found[below] = _array(place[name])
            elif below != "optimizer":
                look(place[name], below)

    look(file, "")
    return found


def origin_of(group, backend: str | None = None) -> tuple[int, bool]:
    """(era, whether Theano wrote them) of the weights in a group; `backend` decides, where it is given.

    Keras 1 named no version and no backend there, but TensorFlow numbered the outputs of its operations: "W:0".
    """
    if "keras_version" in group.attrs:
        era = objects.era_of({"keras_version": _text(group.attrs["keras_version"])})
        return era, (backend or _text(group.attrs.get("backend", b""))) == "theano"
    names = [
        weight
        for layer in _attribute(group, "layer_names")
        for weight in _attribute(group[layer], "weight_names")
    ]
    if not names and not backend:
        warnings.warn(
            "The file does not say whether Theano or TensorFlow computed with its weights; Theano is taken, whose "
            "convolutions turn the kernels round. Say it with backend='theano' or backend='tensorflow'.",
            stacklevel=5,
        )
    return 1, backend == "theano" if backend else not any(name.endswith(":0") for name in names)


FIRST_VARIANCES = (1, 0, 6)  # the version from which on BatchNormalization kept them; on Theano from the next


def _deviations(group, version: str | None, theano: bool) -> bool:
    """Whether "running_std" is what its name says: a deviation, not a variance.

    Only whole models of Keras 1 say its version, and they are of 1.0.7 or later.
    """
    if "keras_version" in group.attrs:
        return False
    if version:
        return era_optimizers.release(version) < (*FIRST_VARIANCES[:2], FIRST_VARIANCES[2] + theano)
    if "nb_layers" in group.attrs:
        return True
    names = (
        name
        for layer in _attribute(group, "layer_names")
        for name in _attribute(group[layer], "weight_names")
    )
    if any("running_std" in name for name in names):
        warnings.warn(
            "The file does not say which Keras 1 wrote it. Its `running_std` is taken for variances, which it is since "
            "1.0.7; if it is older, say so: keras_version='1.0.5'.",
            stacklevel=6,
        )
    return False


def read_layers(
    group,
    model,
    by_name: bool = False,
    skip_mismatch: bool = False,
    reshape: bool = False,
    backend: str | None = None,
    version: str | None = None,
) -> None:
    """Read the older layout, by place or by layer name; checked before the first weight changes.

    `reshape`: arrays of another shape are taken where they hold as many numbers. `version`: the Keras that wrote it.
    """
    found, origin = layer_arrays(group), origin_of(group, backend)
    deviations = _deviations(group, version, origin[1])
    targets = [layer for layer in getattr(model, "flattened_layers", model.layers) if layer.weights]
    if by_name:
        known = {layer.name: layer for layer in targets}
        pairs = [(known[name], arrays) for name, arrays in found if name in known]
    else:
        if len(found) != len(targets):
            raise ValueError(
                f"The file has {len(found)} layers with weights, {model.name} has {len(targets)}"
            )
        pairs = list(zip(targets, (arrays for _, arrays in found), strict=True))
    top = (
        [np.asarray(group[TOP][name]) for name in _attribute(group[TOP], "weight_names")]
        if TOP in group
        else []
    )
    own = model.own_cells()
    if top and not by_name and len(top) != len(own):
        raise ValueError(f"The file has {len(top)} weights of the model's own, {model.name} has {len(own)}")
    fitting = []
    for layer, arrays in pairs:
        cells, arrays = era_weights.matched(layer, in_file_order(layer), arrays, *origin)
        if reshape and len(arrays) == len(cells):
            arrays = [fitted(array, cell.shape) for array, cell in zip(arrays, cells, strict=True)]
        wanted = dict(enumerate(cell.numpy() for cell in cells))
        problem = mismatch(wanted, dict(enumerate(arrays)))
        if problem and not skip_mismatch:
            raise ValueError(f"The file does not fit {type(layer).__name__} {layer.name!r}: {problem}")
        if not problem:
            fitting.append(
                (layer, cells, era_weights.variances(layer, cells, arrays) if deviations else arrays)
            )
        else:
            warnings.warn(
                f"Skipping loading weights of {layer.name!r} due to mismatch: {problem}", stacklevel=4
            )
    if top and len(top) == len(own):
        problem = mismatch(dict(enumerate(cell.numpy() for cell in own)), dict(enumerate(top)))
        if problem and not skip_mismatch:
            raise ValueError(f"The file does not fit the own weights of {model.name!r}: {problem}")
        for cell, array in () if problem else zip(own, top, strict=True):
            cell.assign(array)
    for layer, cells, arrays in fitting:
        (era_weights.settled.add if origin[0] == 1 else era_weights.settled.discard)(layer)
        for cell, array in zip(cells, arrays, strict=True):
            cell.assign(array)


def write_model(file, model, include_optimizer: bool = True) -> None:
    """A whole model in the older format: configuration, weights, training configuration, optimizer."""
    file.attrs["keras_version"] = objects.VERSION.encode()
    file.attrs["backend"] = b"jax"
    file.attrs["model_config"] = json.dumps(objects.describe(model)).encode()
    write_layers(file.create_group("model_weights"), model)
    if include_optimizer and model.compiled:
        training = model.training_config()
        for key, family in (("loss", "losses"), ("metrics", "metrics"), ("weighted_metrics", "metrics")):
            training[key] = _whole_names(family, training.get(key))
        file.attrs["training_config"] = json.dumps(training).encode()
        if model.optimizer.built:
            _write_cells(file.create_group("optimizer_weights"), era_optimizers.cells_for(model))


def _whole_names(family: str, value):
    """Names such as "mse" written out, since Keras 3 does not find the short ones in a file of this format."""
    if isinstance(value, list):
        return [_whole_names(family, each) for each in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _whole_names(family, each) for key, each in value.items()}
    if isinstance(value, str) and value not in ("accuracy", "acc", "crossentropy", "ce"):
        try:
            found = registry.lookup(family, value)
        except registry.UnknownName:
            return value  # a function of the program's own
        if found.__module__.startswith("cornu.") and value != found.__name__:
            return snake(found.__name__)
    return value


def _text(value) -> str:
    return value.decode("utf8") if isinstance(value, bytes) else str(value)


def _read_optimizer(file, model, version: str, era: int, wrote: str) -> None:
    """The optimizer's state, where it fits; a word where it does not."""
    group = file["optimizer_weights"]
    arrays = [np.asarray(group[name]) for name in _attribute(group, "weight_names")]
    model.optimizer.build(model.trainable_variables)
    if era == 3:
        model.optimizer.load_own_variables({str(i): array for i, array in enumerate(arrays)})
        return
    if model.optimizer._era == 3:
        if not tf_keras.restore(model, arrays):
            _say_afresh(model)
        return
    layers = file["model_weights"]
    names = [
        weight
        for layer in _attribute(layers, "layer_names")
        for weight in _attribute(layers[layer], "weight_names")
    ]
    if not era_optimizers.restore(model, names, arrays, version, wrote == "theano"):
        _say_afresh(model)


def _say_afresh(model) -> None:
    warnings.warn(
        f"The file's optimizer state does not fit {type(model.optimizer).__name__}: it starts afresh",
        stacklevel=5,
    )


def read_model(file, custom_objects=None, compile: bool = True, backend: str | None = None):
    """The model in a file of the older format.

    Raises ValueError when it holds weights only.
    """
    if "model_config" not in file.attrs:
        raise ValueError("This file has no model in it, only weights: build the model and use `load_weights`")
    description = safety.parsed(_text(file.attrs["model_config"]))
    version = _text(file.attrs.get("keras_version", b"1"))
    era = objects.era_of({"keras_version": version})
    described = tf_keras.plain(description) if tf_keras.wrote(version) else description
    wrote = "theano" if origin_of(file["model_weights"], backend)[1] else "tensorflow"
    with config.backend_scope(wrote):
        model = objects.from_description(described, custom_objects, era)
    read_layers(file["model_weights"], model, backend=backend, version=version)
    if compile and "training_config" in file.attrs:
        with registry.custom_object_scope(custom_objects), objects.made_as(description, era):
            training = safety.parsed(_text(file.attrs["training_config"]))
            model.compile_from_config(tf_keras.training_of(training, model, version))
        if "optimizer_weights" in file and model.compiled:
            _read_optimizer(file, model, version, era, wrote)
    return model
