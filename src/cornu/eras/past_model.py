"""What programs of Keras 1 and 2 ask of models, in today's terms."""

import warnings
from collections.abc import Iterable

import jax
import numpy as np

from .. import graph, scope, symbol
from ..saving import hdf5
from ..symbol import Symbol
from .past import PastLayer, asks_for_phase, listed


def _index(symbol: Symbol) -> int:
    """Which of the outputs of its call a symbol is."""
    return next(index for index, each in enumerate(symbol.node.output_tensors) if each is symbol)


class _Within:
    """`model.model`: the model that a Sequential of Keras 1 and 2 had inside is the Sequential itself."""

    def __get__(self, model, owner: type):
        if model is None or model._era == 3 or not hasattr(model, "_stack"):
            raise AttributeError(f"{owner.__name__} has no attribute 'model'")
        return model


class PastModel(PastLayer):
    """The words that models had in Keras 1 and 2."""

    training_data = validation_data = None  # what `fit` was last given, for those who look for it
    model = _Within()
    input_layers_node_indices = property(lambda self: [x.node.index for x in self.inputs])
    output_layers_node_indices = property(lambda self: [x.node.index for x in self.outputs])
    input_layers_tensor_indices = property(lambda self: [_index(x) for x in self.inputs])
    output_layers_tensor_indices = property(lambda self: [_index(x) for x in self.outputs])
    _compile_metrics = property(lambda self: self._compile_arguments["metrics"] or [])

    @property
    def uses_learning_phase(self) -> bool:
        """Whether training and testing may differ."""
        return any(map(asks_for_phase, self.nodes or ())) or (
            self.nodes is None and super().uses_learning_phase
        )

    # ---- the graph -------------------------------------------------------------------------------

    input_layers = property(lambda self: [x.node.operation for x in self.inputs])
    output_layers = property(lambda self: [x.node.operation for x in self.outputs])
    _input_layers, _output_layers = input_layers, output_layers
    _layers_by_depth = property(lambda self: self._by_depth([*self.layers]))
    _nodes_by_depth = property(lambda self: self._by_depth(self.nodes))
    layers_by_depth, nodes_by_depth = _layers_by_depth, _nodes_by_depth

    def _by_depth(self, things: list) -> dict[int, list]:
        """Layers or calls by their distance from the outputs, the nearest first."""
        depths = graph.depths(self.nodes)
        found: dict[int, list] = {}
        for thing in sorted(things, key=lambda thing: depths[id(thing)]):
            found.setdefault(depths[id(thing)], []).append(thing)
        return found

    @property
    def losses(self) -> list:
        """What is added to the losses of the outputs: in eras 1 and 2, outside of calls, as symbols of the graph."""
        if self._era == 3 or self.nodes is None or scope.computing():
            return super().losses
        made = symbol.infer(self._added_by, *self.inputs)
        if made:
            graph.Node(self._added_by, tuple(self.inputs), {}, made)
        lasting = [*self._lasting_losses(False), *self._lasting_losses(True)]
        return [*lasting, *self._added_losses, *made, *self.penalties()]

    def _added_by(self, *inputs) -> list:
        """What the layers add to the loss when the model is called."""
        self(inputs[0] if len(inputs) == 1 else list(inputs))
        number = scope.call.number
        layers = (layer for layer in self._flatten_layers() if layer is not self)
        made = [value for layer in layers for each, value in layer._book.losses if each == number]
        self.clear_losses()
        return made

    def _conditional_losses(self) -> list:
        """The symbols to be added to the loss that follow from the model's inputs."""
        pairs = [pair for layer in self._flatten_layers(include_self=False) for pair in layer._lasting]
        return [*self._added_losses, *(loss for loss, named in pairs if named and self._leads_to(loss))]

    def _leads_to(self, loss) -> bool:
        try:
            graph.order(loss, self.inputs)
        except graph.Disconnected:
            return False
        return True

    @property
    def stateful(self) -> bool:
        """Whether a layer keeps its states from batch to batch."""
        return any(layer.stateful for layer in self._flatten_layers(include_self=False))

    def _show_validation(self, data, callbacks: Iterable) -> None:
        """Keep arrays that are validated on, `[*inputs, *targets, *weights]`, for the callbacks that look for them."""
        x, y, weights = (jax.tree.leaves(part) for part in data.parts)
        weights = weights or [np.ones(data.size)] * len(y)
        self.validation_data = [*x, *y, *weights]
        for callback in callbacks:
            callback.validation_data = self.validation_data

    def _set_inputs(self, inputs, outputs=None) -> None:
        """Say what goes in: symbols, after `model.inputs = None`; for a model without a graph also arrays, to build it.

        Raises ValueError where the model has inputs.
        """
        if self.inputs:
            raise ValueError(f"{self.name} has inputs already: {', '.join(self.input_names)}")
        if self.nodes is None:
            self._infer_outputs(inputs)
        else:
            self._set_graph(inputs, self._outputs if outputs is None else outputs)

    def _tell_stale(self) -> None:
        """In era 2 a warning where `trainable` was changed after `compile`, whose word holds."""
        if self._era == 2 and self.compiled and self._trained is not None:
            now, then = len(self.trainable_variables), len(self._trained)
            if now != then:
                warnings.warn(
                    f"Discrepancy in {self.name}: {now} weights are trainable, but `compile` found {then}, which are "
                    "those that `fit` trains. Call `compile` again where `trainable` was meant to count",
                    stacklevel=5,
                )

    def _make_train_function(self) -> None:
        """What `fit` does when it begins: the optimizer makes the cells that it keeps for the trained weights."""
        self._require_compiled("_make_train_function")
        self.optimizer.build(self.trainable_variables)

    def _make_test_function(self) -> None:
        """Nothing: steps are compiled when they are first run."""

    _make_predict_function = _make_test_function

    def _fed(self, x, times: int = 1):
        """The data with, for `Input`s that were made for cells or what follows from them, the values of these.

        `times`: how often they come, one after the other.
        """
        symbols = self.inputs if self._era < 3 else None
        sources = {x.node.operation.name: x.node.inputs[0] for x in symbols or () if x.node and x.node.inputs}
        given = x if isinstance(x, dict) else listed(x)
        if not sources or len(given) + len(sources) != len(symbols):
            return x
        values: dict = {}
        with scope.entered(values=(values,)):
            graph.replay(graph.order(list(sources.values())), values)
        own = {
            name: np.concatenate([np.asarray(values[id(source)])] * times) for name, source in sources.items()
        }
        if isinstance(given, dict):
            return own | given
        rest = iter(given)
        return [own[name] if name in own else next(rest) for name in self.input_names]

    def _as_long_as_first(self, x):
        """Of several inputs as many rows as the first one has: so many Keras 1 and 2 predicted, whatever was left."""
        if self._era == 3 or not isinstance(x, list) or not all(isinstance(each, np.ndarray) for each in x):
            return x
        return [each[: len(x[0])] for each in x]

    def _is_empty(self, x) -> bool:
        """Whether there are arrays without a sample, of which Keras 1 and 2 predicted nothing, and no error."""
        shapes = [getattr(leaf, "shape", ()) for leaf in jax.tree.leaves(x)]
        return self._era < 3 and bool(shapes) and all(tuple(shape[:1]) == (0,) for shape in shapes)

    def _outputs_of_nothing(self, x):
        """The outputs for no samples: arrays with no rows."""
        stand_in = jax.tree.map(lambda array: np.zeros(np.shape(array), np.result_type(array)), x)
        outputs = self._infer_outputs(self._check_inputs(stand_in))
        return jax.tree.map(lambda leaf: np.zeros((0, *leaf.shape[1:]), leaf.dtype), outputs)

    def _count_added(self) -> None:
        """Count what `add_metric` was given symbols for, from the values of the graph that are at hand."""
        for metric, counted in vars(self).get("_counted_symbols", ()):
            value = graph.find(counted)
            if counted.node.operation is not metric:  # which has counted it as it was called
                metric.update_state(value)

    def reset_states(self) -> None:
        """Set the states of all stateful layers to zero."""
        for layer in self._flatten_layers(include_self=False):
            if layer.stateful and hasattr(layer, "reset_states"):
                layer.reset_states()

    @property
    def flattened_layers(self) -> list:
        """The layers, with those of its branches in the place of a `Merge` of layers."""
        found = []
        for layer in self.layers:
            for branch in getattr(layer, "branches", None) or [layer]:
                found += (
                    branch.flattened_layers
                    if branch is not layer and isinstance(branch, PastModel)
                    else [branch]
                )
        return list(dict.fromkeys(found))

    def save_weights_to_hdf5_group(self, f) -> None:
        """Write the weights into an open group of an HDF5 file, in the older layout."""
        hdf5.write_layers(f, self)

    def load_weights_from_hdf5_group(self, f) -> None:
        """Read the weights, layer by layer, from an open group that Keras of any version wrote."""
        hdf5.read_layers(f, self)

    def load_weights_from_hdf5_group_by_name(self, f) -> None:
        """The same for layers of the same name only."""
        hdf5.read_layers(f, self, by_name=True)

    def run_internal_graph(self, inputs, masks=None) -> tuple[list, list, list]:
        """What the model makes of some inputs: `(outputs, their masks, their shapes)`, each a list."""
        inputs, masks = listed(inputs), listed(masks)
        for x, mask in zip(inputs, masks, strict=False):
            scope.set_mask(x, mask)
        outputs = jax.tree.leaves(self(inputs[0] if len(inputs) == 1 else inputs))
        return outputs, [scope.mask_of(x) for x in outputs], [x.shape for x in outputs]
