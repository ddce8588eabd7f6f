"""Models as files and as plain data."""

from ..registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize,
)
from ..safety import UnsafeFile, enable_unsafe_deserialization
from .archive import load_model, load_weights, save_model, save_weights
from .objects import deserialize_keras_object

CustomObjectScope = custom_object_scope
serialize_keras_object = serialize
del serialize

__all__ = [
    "CustomObjectScope",
    "UnsafeFile",
    "custom_object_scope",
    "deserialize_keras_object",
    "enable_unsafe_deserialization",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
