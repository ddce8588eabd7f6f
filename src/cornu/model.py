"""Model: a layer made of layers, by a graph or by a user's own `call`, that can be trained."""

from typing import Any, Self

import jax
import jax.numpy as jnp

from . import ends, functional, graph, registry, scope, symbol
from .eras import border
from .eras.past_model import PastModel
from .layers.layer import Layer
from .saving import objects
from .saving.saved import Saved
from .symbol import Symbol
from .training.data import cast_like, is_arrays, leaves
from .training.loop import Trainer


@registry.member("models")
class Model(PastModel, Saved, Trainer, Layer):
    """A layer that can be trained: the graph between `inputs` and `outputs`, or a subclass with its own `call`.

    Args:
        inputs: symbols made by `Input`, or a list, dict or nested structure of them.
        outputs: symbols that calls of layers and ops on these inputs made, in any structure.
        name: unique word for messages and files.

    Raises ValueError when the outputs need something that the inputs do not lead to.

    Example:
        >>> x = cornu.Input((10,))
        >>> y = cornu.layers.Dense(3)(x)
        >>> Model(x, y).count_params()
        33
    """

    inherited = ("name", "trainable", "dtype")
    unseen = ("_book", "_arguments", "_trained", "_runners", "nodes", "_inputs", "_outputs", "_graph_layers")
    supports_masking = True
    nodes: list[graph.Node] | None = None

    def __init__(
        self, inputs=None, outputs=None, name: str | None = None, trainable: bool = True, dtype=None
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if (inputs is None) != (outputs is None):
            raise ValueError(f"{self.name}: a graph needs both `inputs` and `outputs`")
        if inputs is not None:
            self._set_graph(inputs, outputs)

    def _set_graph(self, inputs, outputs) -> None:
        ends.check(self.name, inputs, outputs)
        try:
            self.nodes = graph.order(outputs, inputs)
        except graph.Disconnected as error:
            raise ValueError(f"{self.name}: the graph is not connected. {error}") from None
        unused = [x.node for x in jax.tree.leaves(inputs) if x.node and x.node not in self.nodes]
        self.nodes[-1:-1] = [node for node in unused if getattr(node.operation, "is_input", False)]
        one = lambda tree: tree[0] if isinstance(tree, list | tuple) and len(tree) == 1 else tree  # noqa: E731
        self._inputs, self._outputs = one(inputs), one(outputs)
        operations = dict.fromkeys(node.operation for node in self.nodes)
        self._graph_layers = [each for each in operations if isinstance(each, Layer)]
        self._added_losses: list = []
        self._runners: dict = {}  # what was compiled ran the graph before
        self.built = True

    # ---- the graph -----------------------------------------------------------------------------

    @property
    def inputs(self) -> list[Symbol] | None:
        """The symbols that go in, as a flat list; None without a graph."""
        return jax.tree.leaves(self._inputs) if self.nodes is not None else None

    @property
    def outputs(self) -> list[Symbol] | None:
        """The symbols that come out, as a flat list; None without a graph."""
        return jax.tree.leaves(self._outputs) if self.nodes is not None else None

    @inputs.setter
    def inputs(self, symbols) -> None:
        self._inputs = None  # and nothing more, until `_set_inputs`
        if symbols is not None:
            self._set_graph(symbols, self._outputs)

    @outputs.setter
    def outputs(self, symbols) -> None:
        self._set_graph(self._inputs, symbols[0] if len(symbols) == 1 else symbols)

    input = property(lambda self: self._inputs if self.nodes is not None else self._only("input"))
    output = property(lambda self: self._outputs if self.nodes is not None else self._only("output"))
    input_shape = property(lambda self: jax.tree.map(lambda leaf: leaf.shape, self.input))
    output_shape = property(lambda self: jax.tree.map(lambda leaf: leaf.shape, self.output))

    def _names(self, symbols, tree) -> list[str]:
        if isinstance(tree, dict):
            return sorted(tree)
        names: list[str] = []
        for leaf in symbols:
            name = getattr(leaf.node and leaf.node.operation, "name", None) or leaf.name
            base, number = name, 1
            while name in names:
                name, number = f"{base}_{number}", number + 1
            names.append(name)
        return names

    @property
    def input_names(self) -> list[str] | None:
        return self._names(self.inputs, self._inputs) if self.nodes is not None else None

    @property
    def output_names(self) -> list[str] | None:
        return self._names(self.outputs, self._outputs) if self.nodes is not None else None

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of their weights in files."""
        if self.nodes is None:
            return self._layers
        return self._graph_layers

    @property
    def _layers(self) -> list[Layer]:
        held = super()._layers
        if self.nodes is None:
            return held
        return list(dict.fromkeys([*self.layers, *held]))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or at that place.

        Raises ValueError when there is none, with the nearest name.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError("get_layer needs a name or an index")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"{self.name} has {len(layers)} layers; there is no layer {index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"{self.name} has no layer {name!r}.{registry.nearest(name, [x.name for x in layers])}"
        )

    def call(self, inputs, training: bool | None = None, mask=None):
        """The outputs of the graph for these inputs; a subclass writes its own."""
        if self.nodes is None:
            raise NotImplementedError(
                f"{type(self).__name__} needs a `call` method, or `inputs` and `outputs`"
            )
        given = self._match_inputs(inputs)
        values = {}
        masks = mask if isinstance(mask, list | tuple) else [mask] * len(given)
        for target, value, each in zip(self.inputs, given, masks, strict=True):
            value = self._fit_input(target, value)
            if each is not None:
                scope.set_mask(value, each)
            values[id(target)] = value
        with scope.entered(values=(*scope.call.values, values)):
            graph.replay(self.nodes, values)
        if scope.call.kept is not None and scope.call.depth == 1:
            scope.call.kept.update(values)
        for loss in self._conditional_losses():
            super().add_loss(graph.fill(loss, graph.replay(graph.order(loss, self.inputs), dict(values))))
        return graph.fill(self._outputs, values)

    def compute_mask(self, inputs, previous_mask=None):
        """The masks of the outputs, in their structure."""
        if self.nodes is None:
            return previous_mask
        run = self.call if scope.computing() and not symbol.has_symbols(inputs) else self
        return jax.tree.map(scope.mask_of, run(inputs, mask=previous_mask))

    def _pass_mask(self, inputs, outputs, mask, wanted) -> None:
        if self.nodes is None:  # in a graph the layers have passed theirs
            super()._pass_mask(inputs, outputs, mask, wanted)

    def _match_inputs(self, inputs) -> list:
        """Inputs in the order of the graph's: by name, or by place."""
        if isinstance(inputs, dict):
            names = sorted(self._inputs) if isinstance(self._inputs, dict) else self.input_names
            missing = [name for name in names if name not in inputs]
            if missing:
                raise ValueError(
                    f"{self.name} has the inputs {', '.join(names)}; the data has {', '.join(map(str, inputs))}"
                )
            inputs = [inputs[name] for name in names]
        given = leaves(inputs)
        if len(given) != len(self.inputs) or any(each is None for each in given):
            got = ", ".join(str(getattr(each, "shape", None)) for each in given)
            raise ValueError(
                f"{self.name} has {len(self.inputs)} inputs ({', '.join(self.input_names)}); got {len(given)}: {got}"
            )
        return given

    def _fit_shape(self, target: Symbol, shape: tuple) -> tuple:
        """The shape in which data of some shape is handed to an `Input`; ValueError where it does not fit."""
        expected, fitted = target.shape, shape
        if len(shape) == len(expected) - 1 and expected[-1] == 1:
            fitted = (*shape, 1)
        elif len(shape) == len(expected) + 1 and shape[-1] == 1:
            fitted = shape[:-1]
        pairs = zip(expected[1:], fitted[1:], strict=False)
        if len(fitted) != len(expected) or any(None not in (m, n) and m != n for m, n in pairs):
            name = getattr(target.node and target.node.operation, "name", target.name)
            raise ValueError(
                f"{self.name}: input {name!r} expects shape {expected}, the data has shape {shape}"
            )
        return fitted

    def _fit_input(self, target: Symbol, value):
        """A value with the rank and the kind of number that the `Input` declares."""
        try:
            fitted = self._fit_shape(target, tuple(value.shape))
        except ValueError:
            if self._era == 3:
                raise
            fitted = value.shape  # in eras 1 and 2 that was for the layers to say
        value = value if fitted == value.shape else value.reshape(fitted)
        floats = target.dtype.startswith(("float", "bfloat")) and jnp.issubdtype(value.dtype, jnp.floating)
        return value if floats else cast_like(value, target.dtype)

    def _check_inputs(self, x):
        if self.nodes is not None:
            for target, value in zip(self.inputs, self._match_inputs(x), strict=True):
                self._fit_shape(target, tuple(value.shape))
        return x

    @border.method("Layer.add_loss")
    def add_loss(self, loss, inputs=None) -> None:
        """Add to what `fit` minimises: arrays inside `call`, or symbols of the model's graph."""
        if symbol.has_symbols(loss) or (self.nodes is not None and not scope.computing()):
            self._added_losses += loss if isinstance(loss, list | tuple) else [loss]
        else:
            super().add_loss(loss)

    def _after_build(self) -> None:
        """Nothing: a model is built when its layers are."""

    def build(self, input_shape=None) -> None:
        """Make the weights for inputs of this shape, by running `call` abstractly."""
        if self.nodes is None and input_shape is not None and type(self).call is not Model.call:

            def is_shape(x):
                return isinstance(x, tuple | list) and all(n is None or isinstance(n, int) for n in x)  # noqa: E731

            make = lambda shape: Symbol(shape, self.input_dtype)  # noqa: E731
            stand_in = jax.tree.map(make, input_shape, is_leaf=is_shape)
            symbol.infer(lambda inputs: self.call(inputs), stand_in)
        self.built = True

    def _infer_outputs(self, x):
        """The outputs for such inputs, as symbols: those of the graph, where there is one and no other `call`."""
        own = type(self).call.__module__.partition(".")[0]
        if self.nodes is None or own != __name__.partition(".")[0]:
            return super()._infer_outputs(x)
        return self._outputs

    def _build_from(self, inputs) -> None:
        """Make the weights for inputs like these symbols."""
        symbol.infer(lambda given: self(given, training=False), inputs)
        self.built = True

    def _ensure_built(self, args: tuple, kwargs: dict) -> None:
        """Layers of a user's model build themselves when its `call` reaches them."""
        if not self.built and type(self).build is Model.build:
            self.built = True
            if args and is_arrays(args[0]):
                self._book.build_shapes = {"input": jax.tree.map(lambda leaf: tuple(leaf.shape), args[0])}
            return
        super()._ensure_built(args, kwargs)

    # ---- as data -------------------------------------------------------------------------------

    def serialized_as(self) -> tuple[str, str] | None:
        """Where Keras 3 has this class, where it is the library's own."""
        if type(self) is Model:
            return ("keras.src.models.functional", "Functional") if self.nodes is not None else None
        return None

    def get_config(self) -> dict[str, Any]:
        if self.nodes is None:
            return {k: v for k, v in super().get_config().items() if k not in ("inputs", "outputs")}
        base = {"name": self.name, "trainable": self.trainable}
        return base | functional.describe(self.nodes, self._inputs, self._outputs)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects=None) -> Self:
        """A model from what `get_config` returned, in the form of any era."""
        with registry.custom_object_scope(custom_objects):
            if "layers" not in config or "input_layers" not in config:
                return super().from_config(config)
            inputs, outputs = functional.rebuild(config, objects.layer_from)
            one = lambda tree: tree[0] if isinstance(tree, list) and len(tree) == 1 else tree  # noqa: E731
            model = cls(inputs=one(inputs), outputs=one(outputs), name=config.get("name"))
            if not config.get("trainable", True):
                model.trainable = False
            return model


registry.family("models", {"Functional": Model})
