"""Small things that programs need beside a model."""

import importlib

from ..dtypes import standardize_dtype
from ..eras.backend_settings import clear_session
from ..eras.engine import get_source_inputs
from ..random import set_random_seed
from ..registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize,
)
from ..saving.objects import deserialize_keras_object
from ..symbol import is_symbol as is_keras_tensor
from ..training.compiled import pack_x_y_sample_weight, unpack_x_y_sample_weight
from ..training.progress import Progbar
from .data import OrderedEnqueuer, PyDataset, Sequence
from .layer_utils import (
    convert_all_kernels_in_model,
    convert_dense_weights_data_format,
    layer_from_config,
    print_summary,
)
from .numeric import normalize, pad_sequences, to_categorical

_LATER = {  # imported when they are asked for
    **dict.fromkeys(["array_to_img", "img_to_array", "load_img", "save_img"], "image"),
    **dict.fromkeys(["get_file", "hash_file", "urlretrieve", "validate_file"], "files"),
    **dict.fromkeys(["model_to_dot", "plot_model"], "plot"),
    "HDF5Matrix": "io_utils",
}


def __getattr__(name: str):
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"cornu.utils has no {name!r}")


CustomObjectScope = custom_object_scope
serialize_keras_object = serialize
del serialize

__all__ = [
    "CustomObjectScope",
    "HDF5Matrix",
    "OrderedEnqueuer",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "convert_all_kernels_in_model",
    "convert_dense_weights_data_format",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "img_to_array",
    "is_keras_tensor",
    "layer_from_config",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "print_summary",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
    "validate_file",
]
