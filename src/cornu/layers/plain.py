"""Layers as plain data, and back."""

from collections.abc import Mapping
from typing import Any

from .. import registry
from ..saving import objects
from .layer import Layer

__all__ = ["deserialize", "serialize"]


def serialize(layer: Layer) -> dict[str, Any]:
    """A layer as its class's name and its configuration, without its weights.

    Example:
        >>> serialize(cornu.layers.Dense(3))["config"]["units"]
        3
    """
    return registry.serialize(layer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """The layer, or model, that `class_name` and `config` describe.

    Args:
        config: what `serialize` returned, of any era.
        custom_objects: dict from names in it to your own classes and functions.

    Raises ValueError for a class that is not known.

    Example:
        >>> deserialize(serialize(cornu.layers.Dense(3))).units
        3
    """
    with registry.custom_object_scope(custom_objects):
        return objects.layer_from(config)
