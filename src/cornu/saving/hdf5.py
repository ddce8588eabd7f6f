"""Weights and models in HDF5: Keras 3's layout by path, and the older one by layer name."""

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import config, registry
from . import era_optimizers, era_weights, objects
from .walk import walk

CHUNK = 64512  # bytes an HDF5 attribute may have


def write_paths(file, model, extra: Mapping[str, Any] | None = None) -> None:
    """Keras 3's layout: `<path>/vars/<i>` for every holder of variables."""
    holders = dict(walk(model))
    for prefix, each in (extra or {}).items():
        holders[prefix] = each
    for path, holder in holders.items():
        store: dict[str, np.ndarray] = {}
        holder.save_own_variables(store)
        group = file.require_group(f"{path}vars")
        for name, value in store.items():
            group[name] = value


def read_paths(file, model, extra: Mapping[str, Any] | None = None, skip_mismatch: bool = False) -> None:
    """Read what `write_paths` wrote; every array is checked before the first weight changes."""
    holders = dict(walk(model))
    for prefix, each in (extra or {}).items():
        holders[prefix] = each
    for path, holder in holders.items():
        group = file.get(f"{path}vars")
        store = {name: group[name][()] for name in sorted(group, key=_number)} if group is not None else {}
        wanted: dict[str, np.ndarray] = {}
        holder.save_own_variables(wanted)
        if not wanted and not store:
            continue
        problem = mismatch(wanted, store)
        if problem and not skip_mismatch:
            name = getattr(holder, "name", path)
            raise ValueError(f"The file does not fit {type(holder).__name__} {name!r}: {problem}")
    for path, holder in holders.items():
        group = file.get(f"{path}vars")
        store = {name: group[name][()] for name in sorted(group, key=_number)} if group is not None else {}
        if store:
            wanted = {}
            holder.save_own_variables(wanted)
            if not mismatch(wanted, store):
                holder.load_own_variables(store)


def mismatch(wanted: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray]) -> str | None:
    """How arrays differ from those that are wanted, in words; None if they fit."""
    if len(wanted) != len(given):
        return f"it has {len(given)} arrays, {len(wanted)} are needed"
    for (name, a), b in zip(wanted.items(), given.values(), strict=True):
        if np.shape(a) != np.shape(b):
            return f"array {name} has shape {np.shape(b)}, {np.shape(a)} is needed"
    return None


def _number(name: str):
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
    encoded = [word.encode("utf8") for word in words]
    if sum(map(len, encoded)) < CHUNK // 2:
        group.attrs[name] = np.array(encoded) if encoded else np.array([], "S1")
        return
    pieces = np.array_split(np.array(encoded), -(-sum(map(len, encoded)) * 2 // CHUNK))
    for number, piece in enumerate(pieces):
        group.attrs[f"{name}{number}"] = piece


def write_layers(group, model) -> None:
    """The older layout: a group for each layer, its arrays by weight name."""
    layers = getattr(model, "flattened_layers", model.layers)
    _set_attribute(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = b"jax"
    group.attrs["keras_version"] = objects.VERSION.encode()
    for layer in layers:
        place = group.create_group(layer.name)
        names: list[str] = []
        for cell in layer.weights:
            name, number = cell.path, 1
            while name in names:
                name, number = f"{cell.path}_{number}", number + 1
            names.append(name)
            place.create_dataset(name, data=cell.numpy())
        _set_attribute(place, "weight_names", names)


def layer_arrays(group) -> list[tuple[str, list[np.ndarray]]]:
    """(layer name, arrays) for every layer of the older layout that has arrays."""
    found = []
    for name in _attribute(group, "layer_names"):
        arrays = [np.asarray(group[name][weight]) for weight in _attribute(group[name], "weight_names")]
        if arrays:
            found.append((name, arrays))
    return found


def origin_of(group) -> tuple[int, bool]:
    """(era, whether Theano wrote them) of the weights in a group: Keras 1 named no version and no backend there."""
    if "keras_version" in group.attrs:
        return objects.era_of({"keras_version": _text(group.attrs["keras_version"])}), (
            _text(group.attrs.get("backend", b"")) == "theano"
        )
    names = [
        weight
        for layer in _attribute(group, "layer_names")
        for weight in _attribute(group[layer], "weight_names")
    ]
    return 1, not any(
        name.endswith(":0") for name in names
    )  # TensorFlow numbers the outputs of its operations


def read_layers(group, model, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Read the older layout, by place or by layer name; checked before the first weight changes."""
    found, origin = layer_arrays(group), origin_of(group)
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
    fitting = []
    for layer, arrays in pairs:
        arrays = era_weights.understood(layer, arrays, *origin)
        wanted = dict(enumerate(cell.numpy() for cell in layer.weights))
        problem = mismatch(wanted, dict(enumerate(arrays)))
        if problem and not skip_mismatch:
            raise ValueError(f"The file does not fit {type(layer).__name__} {layer.name!r}: {problem}")
        if not problem:
            fitting.append((layer, arrays))
    for layer, arrays in fitting:
        for cell, array in zip(layer.weights, arrays, strict=True):
            cell.assign(array)


def write_model(file, model, include_optimizer: bool = True) -> None:
    """A whole model in the older format: configuration, weights, training configuration, optimizer."""
    file.attrs["keras_version"] = objects.VERSION.encode()
    file.attrs["backend"] = b"jax"
    file.attrs["model_config"] = json.dumps(objects.describe(model)).encode()
    write_layers(file.create_group("model_weights"), model)
    if include_optimizer and model.compiled:
        file.attrs["training_config"] = json.dumps(model.training_config()).encode()
        if model.optimizer.built:
            group = file.create_group("optimizer_weights")
            store: dict[str, np.ndarray] = {}
            model.optimizer.save_own_variables(store)
            _set_attribute(group, "weight_names", list(store))
            for name, value in store.items():
                group.create_dataset(name, data=value)


def _text(value) -> str:
    return value.decode("utf8") if isinstance(value, bytes) else str(value)


def _read_optimizer(file, model, version: str, era: int) -> None:
    """The optimizer's state, where it fits; a word where it does not."""
    group = file["optimizer_weights"]
    arrays = [np.asarray(group[name]) for name in _attribute(group, "weight_names")]
    model.optimizer.build(model.trainable_variables)
    if era == 3:
        model.optimizer.load_own_variables({str(i): array for i, array in enumerate(arrays)})
        return
    layers = file["model_weights"]
    names = [
        weight
        for layer in _attribute(layers, "layer_names")
        for weight in _attribute(layers[layer], "weight_names")
    ]
    if not era_optimizers.restore(model, names, arrays, version, origin_of(layers)[1]):
        warnings.warn(
            f"The file's optimizer state does not fit {type(model.optimizer).__name__}: it starts afresh",
            stacklevel=4,
        )


def read_model(file, custom_objects=None, compile: bool = True):
    """The model in a file of the older format.

    Raises ValueError when it holds weights only.
    """
    if "model_config" not in file.attrs:
        raise ValueError("This file has no model in it, only weights: build the model and use `load_weights`")
    description = json.loads(_text(file.attrs["model_config"]))
    version = _text(file.attrs.get("keras_version", b"1"))
    era = objects.era_of({"keras_version": version})
    wrote = "theano" if origin_of(file["model_weights"])[1] else "tensorflow"
    with config.backend_scope(wrote):
        model = objects.from_description(description, custom_objects, era)
    read_layers(file["model_weights"], model)
    if compile and "training_config" in file.attrs:
        with registry.custom_object_scope(custom_objects), objects.made_as(description, era):
            model.compile_from_config(json.loads(_text(file.attrs["training_config"])))
        if "optimizer_weights" in file and model.compiled:
            _read_optimizer(file, model, version, era)
    return model
