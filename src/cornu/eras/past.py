"""What programs of Keras 1 and 2 ask of layers, in today's terms."""

import inspect
from collections.abc import Iterable, Sequence

import jax
import numpy as np

from .. import graph, registry, scope
from ..random import SeedGenerator
from ..symbol import Symbol
from ..variable import Variable, unwrap
from . import border


def listed(x) -> list:
    """A list as it is, None as an empty one, anything else alone in one."""
    return list(x) if isinstance(x, list | tuple) else [] if x is None else [x]


class MaskRefused(TypeError):
    """A mask came to a layer that takes no notice of masks."""


class PastLayer:
    """The words that layers had in Keras 1 and 2."""

    stateful = False
    _lasting: tuple = ()  # (loss, whether inputs were named) of `add_loss` outside of calls
    _free: tuple = ()  # updates that were added without inputs that they depend on
    _constraints: dict | None = None
    _regularizers: list | None = None

    # ---- shapes, masks and calls -----------------------------------------------------------------

    def get_output_shape_for(self, input_shape):
        """The shape that comes out for a shape that goes in, batch included."""
        return self.compute_output_shape(input_shape)

    def get_input_shape_at(self, node_index: int = 0):
        """The shape, or shapes, of what the layer was called on the `node_index`-th time."""
        return jax.tree.map(lambda leaf: leaf.shape, self.get_input_at(node_index))

    def get_output_shape_at(self, node_index: int = 0):
        """The shape, or shapes, of what came out the `node_index`-th time."""
        return jax.tree.map(lambda leaf: leaf.shape, self.get_output_at(node_index))

    def get_input_mask_at(self, node_index: int = 0):
        """The mask, or masks, of what the layer was called on the `node_index`-th time."""
        return jax.tree.map(scope.mask_of, self.get_input_at(node_index))

    def get_output_mask_at(self, node_index: int = 0):
        """The mask, or masks, of what came out the `node_index`-th time."""
        return jax.tree.map(scope.mask_of, self.get_output_at(node_index))

    input_mask = property(lambda self: jax.tree.map(scope.mask_of, self.input))
    output_mask = property(lambda self: jax.tree.map(scope.mask_of, self.output))

    @property
    def outbound_nodes(self) -> list:
        """The calls of other layers on what this one put out."""
        return self._book.outbound

    @outbound_nodes.setter
    def outbound_nodes(self, nodes: list) -> None:
        self._book.outbound = nodes

    _seed_generators = property(lambda self: [each for _, each in self.held(SeedGenerator)])
    _inbound_nodes = property(lambda self: self.inbound_nodes)
    _outbound_nodes = property(
        lambda self: self.outbound_nodes, lambda self, nodes: setattr(self, "outbound_nodes", nodes)
    )

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

    def _refuse_mask(self, mask):
        """In eras 1 and 2 an error for a mask that the layer does not support; in era 3 the mask."""
        if self._era == 3:
            return mask
        if any(each is not None for each in jax.tree.leaves(mask, is_leaf=lambda leaf: leaf is None)):
            raise (ValueError if self._era == 1 else MaskRefused)(
                f"{self.name} ({type(self).__name__}) does not support masking, and was given a masked input"
            )
        return None

    # ---- metrics ---------------------------------------------------------------------------------

    def add_metric(self, value, name: str | None = None, aggregation: str | None = None) -> None:
        """Let the model count a value in each step, and tell its mean beside the loss.

        Args:
            value: an array inside `call`; for a model also a symbol of its graph; or what a Metric made of either.
            name: a word for logs; a Metric has one.
            aggregation: None or 'mean'; does not matter for what a Metric made.

        Raises ValueError without a name, and for one that two metrics have.
        """
        if aggregation not in (None, "mean"):
            raise ValueError(f"{self.name}.add_metric: `aggregation` is None or 'mean'; got {aggregation!r}")
        added = vars(self).setdefault("_added_metrics", {})
        if isinstance(value, Symbol):
            made = getattr(value.node, "operation", None)
            metric = made if isinstance(made, PastMetric) else self._mean(name, added)
            added[metric.name] = metric
            vars(self).setdefault("_counted_symbols", []).append((metric, value))
            return
        own = [metric.name for _, metric in self.held(PastMetric) if metric not in added.values()]
        if name is None and len(own) == 1:
            return  # it was counted as it was called
        if own.count(name) > 1:
            raise ValueError(
                f"{self.name}: {own.count(name)} metrics have the name {name!r}; give each its own"
            )
        if name not in own:
            metric = added.get(name) or added.setdefault(name, self._mean(name, added))
            if metric._counts(value):
                metric.update_state(value)

    def _mean(self, name: str | None, added: dict) -> "PastMetric":
        if name is None or name in added:
            raise ValueError(f"{self.name}.add_metric: give a `name` that no other metric has; got {name!r}")
        return registry.lookup("metrics", "Mean")(name=name)

    # ---- updates, losses, penalties --------------------------------------------------------------

    def add_update(self, updates, inputs=None) -> None:
        """Let cells take new values in each step of training.

        Args:
            updates: a pair `(cell, value)`, what `K.update` and its like return, or a list of such; inside `call` they
                are written at once, made outside they are computed whenever the layer is called.
            inputs: what they depend on, for `get_updates_for`.
        """
        single = isinstance(updates, tuple) and isinstance(updates[0], Variable)
        for update in [updates] if single else listed(updates):
            self._free = self._free if inputs is not None else (*self._free, update)
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
        if not (self.trainable or self.stateful):
            return []
        phases = [node.kwargs.get("training") for node in self._book.nodes]
        own = [] if phases and all(phase is False for phase in phases) else self.own_cells()
        cells = [cell for cell in own if not cell.trainable]
        below = [update for layer in self._layers for update in layer.updates]
        return list({id(update): update for update in [*cells, *self._book.updates, *below]}.values())

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
        """Those of `updates` that depend on `inputs`; None: those that were added without."""
        free = [update for layer in self._flatten_layers() for update in layer._free]
        return [each for each in self.updates if any(each is one for one in free) is (inputs is None)]

    @border.method("Layer.add_loss")
    def add_loss(self, loss, inputs=None) -> None:
        """Add a scalar, or a list of them, to what `fit` minimises; inside `call` that of the pass.

        In eras 1 and 2 also in `build`, or by whoever has the layer: what follows from weights is then computed anew in
        each step. `inputs` are what it depends on, for `get_losses_for`.
        """
        if self._era == 3 or scope.computing():
            return super().add_loss(loss, inputs)
        self._lasting = (*self._lasting, *((each, inputs is not None) for each in listed(loss)))

    def _lasting_losses(self, named: bool) -> list:
        """What was added outside of calls, with `inputs` named or without; while something is computed, its value.

        What depends on inputs is then counted by the model that knows them.
        """
        pairs = [pair for layer in self._flatten_layers() for pair in layer._lasting]
        values = [value for value, told in pairs if told is named]
        if not scope.computing():
            return values
        return [] if named else [unwrap(graph.find(value)) for value in values]

    @property
    def losses(self) -> list:
        """The scalars that were added, those of the last call among them, and the penalties of the weights."""
        return [*self._lasting_losses(False), *self._lasting_losses(True), *super().losses]

    def get_losses_for(self, inputs) -> list:
        """What depends on `inputs`, as what the last call added; None: the penalties of the weights, and the like."""
        free, penalties, losses = self._lasting_losses(False), self.penalties(), self.losses
        return [*free, *penalties] if inputs is None else losses[len(free) : len(losses) - len(penalties)]

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
        own = any(True for _ in self.held(SeedGenerator)) or getattr(self, "moving_mean", None) is not None
        return own or any(layer.uses_learning_phase for layer in self._layers)


def asks_for_phase(node: graph.Node) -> bool:
    """Whether what a call makes depends on whether it is for training, which its arguments do not say."""
    called = node.operation
    if getattr(called, "__name__", None) in ("learning_phase", "by_phase"):
        return True
    if not isinstance(called, PastLayer) or node.kwargs.get("training") is not None:
        return False
    own = not type(called).__module__.startswith("cornu.")  # a user's, which may do anything
    return called.uses_learning_phase or own and "training" in inspect.signature(called.call).parameters


class PastMetric:
    """The words that metrics had in Keras 2.3, where they were layers."""

    stateful = True
    _dtype = property(lambda self: self.dtype)
    weights = property(lambda self: self.variables)

    def _counts(self, given) -> bool:
        """Whether a batch is to be counted in: not by a compiled step that keeps nothing, as that of `predict`."""
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(given))
        kept = not traced or scope.call.probing or all(cell._lent for cell in self.variables)
        return kept or self._era == 3

    def reset_states(self) -> None:
        """Begin anew: zeros in all cells. A class of that time has its own in the place of `reset_state`."""
        for cell in self.variables:
            cell.assign(np.zeros(cell.shape, cell.dtype))
