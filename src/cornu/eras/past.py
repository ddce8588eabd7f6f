"""What programs of Keras 1 and 2 ask of layers and models, in today's terms."""

from collections.abc import Iterable, Sequence

import jax
import numpy as np

from .. import graph, registry, scope
from ..random import SeedGenerator
from ..saving import hdf5
from ..variable import Variable, unwrap


def listed(x) -> list:
    """A list as it is, None as an empty one, anything else alone in one."""
    return list(x) if isinstance(x, list | tuple) else [] if x is None else [x]


class PastLayer:
    """The words that layers had in Keras 1 and 2."""

    stateful = False
    _constraints: dict | None = None
    _regularizers: list | None = None

    # ---- shapes, masks and calls -----------------------------------------------------------------

    def get_output_shape_for(self, input_shape):
        """The shape that comes out for a shape that goes in, batch included."""
        return self.compute_output_shape(input_shape)

    def get_input_mask_at(self, node_index: int = 0):
        """The mask, or masks, of what the layer was called on the `node_index`-th time."""
        return jax.tree.map(scope.mask_of, self.get_input_at(node_index))

    def get_output_mask_at(self, node_index: int = 0):
        """The mask, or masks, of what came out the `node_index`-th time."""
        return jax.tree.map(scope.mask_of, self.get_output_at(node_index))

    @property
    def outbound_nodes(self) -> list:
        """The calls of other layers on what this one put out."""
        return self._book.outbound

    @outbound_nodes.setter
    def outbound_nodes(self, nodes: list) -> None:
        self._book.outbound = nodes

    def create_input_layer(self, batch_input_shape: Sequence, input_dtype=None, name: str | None = None):
        """Call the layer on a new `Input` of that shape, batch included; returns what comes out."""
        source = registry.lookup("layers", "InputLayer")(
            batch_shape=tuple(batch_input_shape), dtype=input_dtype or self.input_dtype, name=name
        )
        return self(source.output)

    def add_inbound_node(self, inbound_layers, node_indices=None, tensor_indices=None) -> None:
        """Call the layer on what other layers put out; which call of each, and which of its outputs, may be said."""
        layers = listed(inbound_layers)
        calls, which = node_indices or [0] * len(layers), tensor_indices or [0] * len(layers)
        inputs = [
            jax.tree.leaves(layer.get_output_at(call))[index]
            for layer, call, index in zip(layers, calls, which, strict=True)
        ]
        self(inputs[0] if len(inputs) == 1 else inputs)

    @property
    def initial_weights(self) -> Sequence | None:
        """The arrays that the constructor was given, until the layer is built; `build` may set them itself."""
        return self._book.initial_weights

    @initial_weights.setter
    def initial_weights(self, weights: Sequence | None) -> None:
        self._book.initial_weights = weights

    @initial_weights.deleter
    def initial_weights(self) -> None:
        self._book.initial_weights = None

    # ---- updates, losses, penalties --------------------------------------------------------------

    def add_update(self, updates, inputs=None) -> None:
        """Let cells take new values in each step of training.

        Args:
            updates: a pair `(cell, value)`, what `K.update` and its like return, or a list of such; inside `call` they
                are written at once, made outside they are computed whenever the layer is called.
            inputs: what they depend on; does not matter here.
        """
        single = isinstance(updates, tuple) and isinstance(updates[0], Variable)
        for update in [updates] if single else listed(updates):
            if not scope.computing():
                self._book.updates.append(update)
            elif scope.call.training:
                cell, value = update
                cell.assign(value)

    def _carry_out_updates(self) -> None:
        """Compute and write what `add_update` was given outside of `call`."""
        for cell, value in self._book.updates:
            cell.assign(unwrap(graph.find(value)))

    @property
    def updates(self) -> list:
        """What changes while training without being trained: cells, such as moving averages, and pairs with new values.

        As the `updates` of a `K.function` they make it keep what layers write into them.
        """
        layers = [layer for layer in self._flatten_layers() if layer.trainable]
        cells = [cell for layer in layers for cell in layer.own_cells() if not cell.trainable]
        return [*cells, *(update for layer in layers for update in layer._book.updates)]

    @updates.setter
    def updates(self, updates: Iterable) -> None:
        self._book.updates = []
        self.add_update(list(updates))

    @property
    def state_updates(self) -> list:
        """The cells in which stateful layers keep their states, for the `updates` of a `K.function`."""
        return [
            cell
            for layer in self._flatten_layers()
            if layer.stateful
            for cell in jax.tree.leaves(getattr(layer, "states", None))
            if isinstance(cell, Variable)
        ]

    def get_updates_for(self, inputs) -> list:
        """Those of `updates` that depend on `inputs`: all, or none if it is None."""
        return [] if inputs is None else self.updates

    def get_losses_for(self, inputs) -> list:
        """The penalties of the weights where `inputs` is None, else what the last call added."""
        added = [value for layer in self._flatten_layers() for _, value in layer._book.losses]
        return self.penalties() if inputs is None else added

    @property
    def regularizers(self) -> list:
        """The regularizers of the trained weights and of the outputs.

        A layer's `build` may set or extend them, as up to Keras 1.1: one that was given a weight by `set_param`
        penalises that weight, one that was given a layer by `set_layer` the layer's outputs.
        """
        if self._regularizers is not None:
            return self._regularizers
        own = [layer.activity_regularizer for layer in self._flatten_layers()]
        own += [cell.regularizer for cell in self.trainable_variables]
        return [each for each in own if each is not None]

    @regularizers.setter
    def regularizers(self, regularizers: Iterable) -> None:
        self._regularizers = list(regularizers)

    @property
    def constraints(self) -> dict:
        """Weight -> what it is held to; a layer's `build` may set or extend it, as up to Keras 1.1."""
        if self._constraints is not None:
            return self._constraints
        return {cell: cell.constraint for cell in self.weights if cell.constraint is not None}

    @constraints.setter
    def constraints(self, constraints: dict) -> None:
        self._constraints = dict(constraints)

    def _settle_past(self) -> None:
        """Hand the weights what `build` wrote into `regularizers` and `constraints`."""
        for regularizer in self._regularizers or ():
            target = getattr(regularizer, "target", None)
            if target is self:
                self.activity_regularizer = regularizer
            elif target is not None:
                target.regularizer = regularizer
        for cell, constraint in (self._constraints or {}).items():
            cell.constraint = constraint
        self._regularizers = self._constraints = None

    @property
    def uses_learning_phase(self) -> bool:
        """Whether training and testing may differ: something draws at random, or statistics are kept."""
        layers = self._flatten_layers()
        return any(
            any(True for _ in layer.held(SeedGenerator)) or getattr(layer, "moving_mean", None) is not None
            for layer in layers
        )


class PastModel(PastLayer):
    """The words that models had in Keras 1 and 2."""

    training_data = validation_data = None  # what `fit` was last given, for those who look for it

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
