"""Small things that programs need beside a model."""

from ..random import set_random_seed
from ..registry import (
    custom_object_scope,
    deserialize,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize,
)
from ..training.compiled import pack_x_y_sample_weight, unpack_x_y_sample_weight
from ..training.progress import Progbar
from .data import PyDataset, Sequence
from .numeric import normalize, pad_sequences, to_categorical

CustomObjectScope = custom_object_scope
deserialize_keras_object, serialize_keras_object = deserialize, serialize
del deserialize, serialize

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
