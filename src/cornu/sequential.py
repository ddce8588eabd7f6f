"""Sequential: a stack of layers, each called on what the one before it returns."""

from collections.abc import Sequence
from typing import Any, Self

import jax

from . import registry, scope
from .eras import border
from .eras.engine import get_source_inputs
from .layers.core import Input
from .layers.layer import Layer
from .model import Model
from .saving import objects
from .symbol import Symbol, is_symbol


class _Layers(list):
    """The layers of a stack; programs of 2016 took the top one off this list."""

    def __init__(self, model: "Sequential", layers: list[Layer]):
        super().__init__(layers)
        self.model = model

    def pop(self, index: int = -1) -> Layer:
        if index not in (-1, len(self) - 1):
            raise ValueError("Only the top layer can be taken off")
        super().pop()
        return self.model.pop()


@registry.member("models")
class Sequential(Model):
    """A stack of layers, each called on what the one before it returns.

    Args:
        layers: list of layers; the first may be an `Input`, or have an `input_shape`.
        name: unique word for messages and files.

    Example:
        >>> model = Sequential([cornu.Input((10,)), cornu.layers.Dense(3)])
        >>> model.output_shape
        (None, 3)
    """

    def __init__(self, layers: Sequence | None = None, name: str | None = None, trainable: bool = True):
        super().__init__(name=name, trainable=trainable)
        self._stack: list[Layer] = []
        self._source: Symbol | None = None
        for layer in layers or []:
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers; `layers.pop()` takes the top one off, as `pop()` does."""
        return _Layers(self, [layer for layer in self._stack if not layer.is_input])

    @property
    def _layers(self) -> list[Layer]:
        return self._stack

    def add(self, layer) -> None:
        """Put a layer on top.

        Raises TypeError for what is no layer and ValueError where its name is taken or its input does not fit.
        """
        if is_symbol(layer) and getattr(layer.node and layer.node.operation, "is_input", False):
            layer = layer.node.operation
        if not isinstance(layer, Layer):
            if not callable(layer) or isinstance(layer, type):
                raise TypeError(f"{self.name}: expected a layer; got {layer!r}")
            layer = registry.lookup("layers", "Lambda")(function=layer)
        if any(layer.name == other.name and layer is not other for other in self._stack):
            raise ValueError(
                f"{self.name} has a layer named {layer.name!r} already: names are unique in a model"
            )
        if layer.is_input and self._stack:
            raise ValueError(f"{self.name}: an Input comes first, but there are layers already")
        if not self._stack:
            self._source = self._source_of(layer)
        if not self._stack and getattr(layer, "branches", None):
            sources = get_source_inputs(layer.output)
            self._stack.append(layer)
            self._set_graph(sources[0] if len(sources) == 1 else sources, layer.output)
        elif (self.nodes or self._source) is not None and not layer.is_input:
            outputs = layer(self._outputs if self.nodes is not None else self._source)
            if len(jax.tree.leaves(outputs)) != 1:
                raise ValueError(f"{layer.name} has several outputs; a Sequential needs layers with one")
            self._stack.append(layer)
            self._set_graph(self._inputs if self.nodes is not None else self._source, outputs)
        else:
            self._stack.append(layer)
            if layer.is_input:
                self._set_graph(self._source, self._source)
        self._forget_compiled()

    def _source_of(self, layer: Layer) -> Symbol | None:
        """The symbol that goes in, where the first layer tells its shape."""
        if layer.is_input:
            return layer.output
        shape, dtype = layer._book.batch_shape, layer.input_dtype
        if shape is None and getattr(layer, "nodes", None):
            return self._copy_of(layer.inputs[0])
        return None if shape is None else Input(batch_shape=shape, dtype=dtype)

    @staticmethod
    def _copy_of(source: Symbol) -> Symbol:
        return Input(batch_shape=source.shape, dtype=source.dtype)

    def _forget_compiled(self) -> None:
        if self.compiled:
            self._compiled_metrics, self._trained = None, None

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off and return it.

        Raises TypeError when there is none.
        """
        if not self.layers:
            raise TypeError(f"{self.name} has no layer to take off")
        layer = self._stack.pop()
        if self.nodes is not None and self._stack:
            node = self._outputs.node
            if layer._book.nodes and layer._book.nodes[-1] is node:
                layer._book.nodes.pop()
            self._set_graph(self._inputs, node.args[0])
        elif self._source is not None:
            self._set_graph(self._inputs, self._inputs)
        else:
            self.nodes = None
        self._forget_compiled()
        return layer

    def build(self, input_shape=None) -> None:
        """Make the weights for inputs of this shape, batch included."""
        if self.nodes is None and input_shape is not None and self._stack:
            dtype = self._stack[0].input_dtype
            self._connect(Input(batch_shape=tuple(input_shape), dtype=dtype))
        self.built = self.built or self.nodes is not None

    def _connect(self, source: Symbol) -> None:
        outputs = source
        for layer in self._stack:
            outputs = layer(outputs)
        self._source = source
        self._set_graph(source, outputs)

    def _build_from(self, inputs) -> None:
        only = jax.tree.leaves(inputs)
        if self.nodes is None and len(only) == 1 and self._stack:
            self._connect(Input(batch_shape=only[0].shape, dtype=only[0].dtype))
        elif not self._stack:
            raise ValueError(f"{self.name} has no layers")

    def _ensure_built(self, args: tuple, kwargs: dict) -> None:
        if self.nodes is None and args:
            with scope.LOCK, scope.entered(compute_dtype=None):
                stand_in = jax.tree.map(lambda leaf: Symbol((None, *leaf.shape[1:]), leaf.dtype), args[0])
                self._build_from(stand_in)
            self._book.build_shapes = {"input": jax.tree.map(lambda leaf: tuple(leaf.shape), args[0])}

    def _fit_shape(self, target: Symbol, shape: tuple) -> tuple:
        """As of any model; the length of sequences, in era 3, is for the layers to judge: many take any other."""
        free = not self._stack[0].is_input or shape[-1:] == target.shape[-1:]
        fits = self._era == 3 and len(shape) == len(target.shape) and free
        return shape if fits else super()._fit_shape(target, shape)

    def call(self, inputs, training: bool | None = None, mask=None):
        """The layers one after the other."""
        if self.nodes is not None:
            return super().call(inputs, training, mask)
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    @border.method("Sequential.predict_classes")
    def predict_classes(self, x, batch_size: int = 32, verbose: int = 0):
        """The most probable class of each sample, `(batch,)`; for one probability a sample, whether it is over 0.5."""
        outputs = self.predict(x, batch_size=batch_size, verbose=verbose)
        return outputs.argmax(-1) if outputs.shape[-1] > 1 else (outputs > 0.5).astype("int32")

    @border.method("Sequential.predict_proba")
    def predict_proba(self, x, batch_size: int = 32, verbose: int = 0):
        """The outputs, which a model that classifies means as probabilities."""
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def serialized_as(self) -> tuple[str, str] | None:
        return ("keras", "Sequential") if type(self) is Sequential else None

    def get_config(self) -> dict[str, Any]:
        layers = [registry.serialize(layer) for layer in self._stack]
        if layers and getattr(self._stack[0], "branches", None):
            layers[0]["config"]["layers"] = [registry.serialize(branch) for branch in self._stack[0].branches]
        if (
            self._source is not None
            and not self._stack[0].is_input
            and "batch_shape" not in layers[0]["config"]
        ):
            layers.insert(0, registry.serialize(self._source.node.operation))
        made = {"name": self.name, "trainable": self.trainable, "layers": layers}
        if self._source is not None:
            made["build_input_shape"] = self._source.shape
        return made

    @classmethod
    def from_config(cls, config: dict[str, Any] | list, custom_objects=None) -> Self:
        """A stack from what `get_config` returned; Keras 1 wrote a bare list of layers."""
        if isinstance(config, list):
            config = {"layers": config}
        with registry.custom_object_scope(custom_objects):
            made = cls(name=config.get("name"))
            for head in config["layers"]:
                made.add(objects.layer_from(head))
            if made.nodes is None and config.get("build_input_shape"):
                made.build(tuple(config["build_input_shape"]))
            if not config.get("trainable", True):
                made.trainable = False
            return made
