"""Layers of a model: made, counted, printed, and their kernels turned about."""

import math
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import config, registry
from ..eras import border
from ..saving import era_weights, objects
from . import text_summary

__all__ = [
    "convert_all_kernels_in_model",
    "convert_dense_weights_data_format",
    "count_params",
    "count_total_params",
    "layer_from_config",
    "print_summary",
]

FLIPPED = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose")


def layer_from_config(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None):
    """The layer or model that `class_name` and `config` describe.

    Args:
        custom_objects: dict from names to the user's own classes and functions.

    Raises ValueError for a class that is not known.
    """
    with registry.custom_object_scope(custom_objects):
        return objects.layer_from(config)


def _relevant(layers: Sequence, keys: Iterable[str] | None) -> list:
    """The calls of some layers; `keys` are such as 'dense_1_ib-0', the first call of dense_1."""
    return [
        node
        for layer in layers
        for number, node in enumerate(layer.inbound_nodes)
        if not keys or f"{layer.name}_ib-{number}" in keys
    ]


@border.method("print_summary")
def print_summary(
    model,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    relevant_nodes: Iterable[str] | None = None,
) -> None:
    """Print the table that `model.summary()` prints.

    Args:
        model: a model, or a list of layers.
        line_length: characters of a line.
        positions: where the columns end, as shares of the line.
        print_fn: called instead of `print`.
        relevant_nodes: of a list of layers: which calls count, such as 'dense_1_ib-0'; all if None.
    """
    if isinstance(model, list | tuple):
        trained = [cell for layer in model for cell in layer.trainable_weights]
        others = [cell for layer in model for cell in layer.non_trainable_weights]
        model = types.SimpleNamespace(
            name="layers",
            layers=list(model),
            nodes=_relevant(model, relevant_nodes),
            trainable_weights=trained,
            non_trainable_weights=others,
        )
    text_summary.summary(model, line_length, positions, print_fn)


def count_total_params(layers: Iterable, layer_set: set | None = None) -> tuple[int, int]:
    """How many numbers the weights of some layers hold: those that are trained, and the others.

    Args:
        layers: layers and models.
        layer_set: layers that have been counted and are not counted again; it grows.
    """
    seen = set() if layer_set is None else layer_set
    counts = [0, 0]
    for layer in layers:
        if layer in seen:
            continue
        seen.add(layer)
        if hasattr(layer, "layers"):
            each = count_total_params(layer.layers, seen)
        else:
            each = count_params(layer.trainable_weights), count_params(layer.non_trainable_weights)
        counts = [total + more for total, more in zip(counts, each, strict=True)]
    return tuple(counts)


def count_params(weights: Iterable) -> int:
    """How many numbers some weights hold, each weight counted once."""
    return sum(math.prod(cell.shape) for cell in {id(cell): cell for cell in weights}.values())


def convert_all_kernels_in_model(model) -> None:
    """Turn the kernels of all convolutions about in space: what Theano convolves with, TensorFlow correlates with.

    Layers with weights from a file of Keras 1 are left alone, once: programs called this after `load_weights` since the
    file was the other backend's, and here it has been understood as such.
    """
    turned = [layer for layer in model.layers if layer not in era_weights.settled]
    era_weights.settled.difference_update(model.layers)
    turn_kernels(turned)


def turn_kernels(layers: Iterable) -> None:
    """Turn the kernels of those of the layers that are convolutions about in space."""
    for layer in layers:
        if any(each.__name__ in FLIPPED for each in type(layer).__mro__):
            kernel = layer.kernel.numpy()
            layer.kernel.assign(np.flip(kernel, range(kernel.ndim - 2)))


def convert_dense_weights_data_format(
    dense, previous_feature_map_shape: Sequence[int], target_data_format: str = "channels_first"
) -> None:
    """Reorder the weights of a layer behind a `Flatten`, for images whose channels come first, or last, from now on.

    Args:
        dense: layer with a kernel `(height * width * channels, units)`.
        previous_feature_map_shape: what is flattened from now on: `(channels, height, width)`, or channels last.
        target_data_format: 'channels_first' or 'channels_last', of that.
    """
    shape, kernel = tuple(previous_feature_map_shape), dense.kernel.numpy()
    if config.standardize_data_format(target_data_format) == "channels_first":
        before, order = (*shape[1:], shape[0]), (2, 0, 1, 3)
    else:
        before, order = (shape[2], *shape[:2]), (1, 2, 0, 3)
    if len(shape) != 3 or math.prod(shape) != len(kernel):
        raise ValueError(f"{dense.name} has {len(kernel)} inputs; a feature map {shape} does not make these")
    dense.kernel.assign(kernel.reshape(*before, -1).transpose(order).reshape(kernel.shape))
