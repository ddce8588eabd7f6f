"""Models, and the ways to get one: from a clone, a configuration, or a file."""

from collections.abc import Callable
from typing import Any

import jax

from . import graph, scope
from .layers.core import InputLayer, entering
from .layers.layer import Layer
from .model import Model
from .saving import objects
from .saving.archive import load_model, save_model
from .sequential import Sequential

__all__ = [
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "model_from_yaml",
    "save_model",
]


@scope.entered(safe=False)  # the code of its functions is already here
def clone_model(model: Model, input_tensors=None, clone_function: Callable | None = None) -> Model:
    """A model of the same architecture with weights of its own.

    Args:
        input_tensors: symbols, or cells of `keras.backend`, that the twin is made upon in the place of new inputs.
        clone_function: what makes the twin of each layer; by default through its configuration.

    Raises ValueError for another number of `input_tensors` than the model has inputs.
    """
    make = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))
    given = entering(jax.tree.leaves(input_tensors), model.inputs)
    if isinstance(model, Sequential):
        if model._stack and getattr(model._stack[0], "branches", None):
            return Sequential.from_config(model.get_config())
        stack = [layer for layer in model._stack if not (given and layer.is_input)]
        return Sequential(
            [*given, *(layer.output if layer.is_input else make(layer) for layer in stack)], model.name
        )
    if model.nodes is None:
        return type(model).from_config(model.get_config())
    twins: dict = {}
    values = dict(zip(map(id, model.inputs), given, strict=False))
    for node in model.nodes:
        operation = node.operation
        if isinstance(operation, Layer) and operation not in twins:
            twins[operation] = (
                make(operation) if not operation.is_input else InputLayer.from_config(operation.get_config())
            )
        if operation in twins and operation.is_input:
            values.setdefault(id(node.outputs), twins[operation].output)
            continue
        call = twins.get(operation, operation)
        result = call(*graph.fill(node.args, values), **graph.fill(node.kwargs, values))
        values.update(zip(map(id, jax.tree.leaves(node.outputs)), jax.tree.leaves(result), strict=True))
    return Model(graph.fill(model._inputs, values), graph.fill(model._outputs, values), name=model.name)


def model_from_json(json_string: str, custom_objects=None) -> Model:
    """The model that `to_json` of any Keras wrote, without its weights."""
    return objects.from_json(json_string, custom_objects)


def model_from_yaml(yaml_string: str, custom_objects=None) -> Model:
    """The model that `to_yaml` of any Keras wrote, without its weights; needs the package pyyaml."""
    return objects.from_yaml(yaml_string, custom_objects)


def model_from_config(config: dict[str, Any], custom_objects=None) -> Model:
    """The model that a serialized form (`class_name` and `config`) describes."""
    return objects.from_description(config, custom_objects)
