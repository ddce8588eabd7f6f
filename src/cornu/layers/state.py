"""What a layer holds: weights and other layers, found by looking at its attributes, not tracked."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import config, dtypes, graph, initializers, registry, regularizers, scope
from ..base import Configurable
from ..eras import border
from ..random import SeedGenerator
from ..saving import era_weights
from ..variable import Live, Variable


class Book:
    """What the engine notes about a layer, apart from the layer's own attributes."""

    def __init__(self):
        self.cells: list[Variable] = []  # in the order of `add_weight`
        self.nodes: list[graph.Node] = []  # calls on symbols
        self.outbound: list[graph.Node] = []  # calls of other layers on what came out
        self.updates: list = []  # pairs of `add_update`
        self.losses: list = []  # (pass, value) of `add_loss`
        self.build_shapes: dict[str, Any] = {}
        self.batch_shape: tuple | None = None  # of the first layer of a Sequential
        self.input_dtype: str | None = None
        self.initial_weights: Sequence | None = None

    def __deepcopy__(self, memo: dict) -> "Book":
        twin = Book()
        twin.cells = copy.deepcopy(self.cells, memo)
        twin.build_shapes, twin.batch_shape = self.build_shapes, self.batch_shape
        return twin


class Memory:
    """A cell that lasts from call to call without being a weight: files don't keep it."""

    def __init__(self, value, name: str):
        self.state = Variable(value, trainable=False, name=name)


class Holder(Configurable):
    """An object that holds cells and other holders in its attributes."""

    unseen: tuple[str, ...] = ("_book", "_arguments")  # attributes that may lead to what is held elsewhere
    built = False
    name: str | None = None
    dtype_policy: dtypes.DTypePolicy
    _trainable = True
    _book: Book

    # ---- types ---------------------------------------------------------------------------------

    @property
    def compute_dtype(self) -> str:
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.dtype_policy.variable_dtype

    dtype = variable_dtype

    @property
    def input_dtype(self) -> str:
        return self._book.input_dtype or self.compute_dtype

    # ---- state: found by looking ---------------------------------------------------------------

    def held(self, kind: type | tuple[type, ...]) -> Iterator[tuple[str, Any]]:
        """(attribute, object) for everything of a kind in attributes, lists, tuples and dicts."""

        def look(value):
            if isinstance(value, kind):
                yield value
            elif isinstance(value, list | tuple):
                for each in value:
                    yield from look(each)
            elif isinstance(value, dict):
                for each in value.values():
                    yield from look(each)

        for attribute, value in list(vars(self).items()):
            if attribute not in self.unseen:
                for found in look(value):
                    yield attribute, found

    def children(self) -> Iterator[tuple[str, "Holder"]]:
        """(attribute, layer) for every layer held."""
        return self.held(Holder)

    @property
    def _layers(self) -> list["Holder"]:
        return list(dict.fromkeys(child for _, child in self.children()))

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list["Holder"]:
        """This layer and all below it, each once."""
        found, stack = {}, [self]
        while stack:
            layer = stack.pop()
            if layer not in found:
                found[layer] = None
                if layer is self or recursive:
                    stack.extend(reversed(layer._layers))
        return [layer for layer in found if include_self or layer is not self]

    def own_cells(self) -> list[Variable]:
        """The layer's own weights: trainable ones first, each group in the order of creation.

        Cells in attributes count; to Keras 1 and 2 only what `add_weight` made or `trainable_weights` was set to.
        """
        held = (cell for _, cell in self.held(Variable)) if self._era == 3 else ()
        return sorted(dict.fromkeys([*self._book.cells, *held]), key=lambda cell: not cell.trainable)

    def _cells(self, trainable: bool = True, seeds: bool = False, seen: set | None = None):
        """(cell, whether it is to be trained) for every cell below, once."""
        seen = set() if seen is None else seen
        trainable = trainable and self.trainable
        for cell in self.own_cells():
            if cell not in seen:
                seen.add(cell)
                yield cell, trainable and cell.trainable
        for _, holder in self.held((SeedGenerator, Memory)) if seeds else ():
            if holder.state not in seen:
                seen.add(holder.state)
                yield holder.state, False
        for layer in self._layers:
            if layer not in seen:
                seen.add(layer)
                yield from layer._cells(trainable, seeds, seen)

    def _loose_cells(self) -> list[Variable]:
        """Cells in attributes that Keras 1 and 2 don't count as weights; they last from call to call."""
        return [
            cell for layer in self._flatten_layers() if layer._era < 3 for _, cell in layer.held(Variable)
        ]

    @property
    def variables(self) -> list[Variable]:
        """Every cell: weights, the states of random generators, and what else lasts from call to call."""
        return list(dict.fromkeys([*(cell for cell, _ in self._cells(seeds=True)), *self._loose_cells()]))

    @property
    def weights(self) -> list[Variable]:
        """The cells that files keep: all but the states of random generators."""
        return [cell for cell, _ in self._cells()]

    @property
    def trainable_variables(self) -> list[Variable]:
        return [cell for cell, trainable in self._cells() if trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        trained = set(self.trainable_variables)
        return [cell for cell in self.variables if cell not in trained]

    @property
    def trainable_weights(self) -> list[Variable]:
        return self.trainable_variables

    @trainable_weights.setter
    def trainable_weights(self, cells: Sequence[Variable]) -> None:
        below = {cell for layer in self._layers for cell in layer.weights}
        rest = (cell for cell in self._book.cells if not cell.trainable)
        self._book.cells = [*(cell for cell in cells if cell not in below), *rest]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        return [cell for cell, trainable in self._cells() if not trainable]

    @non_trainable_weights.setter
    def non_trainable_weights(self, cells: Sequence[Variable]) -> None:
        for cell in cells:
            cell.trainable = False
        self._book.cells = [*(cell for cell in self._book.cells if cell.trainable), *cells]

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        if config.era() == 3:
            for layer in self._layers:
                layer.trainable = value

    @border.method("Layer.add_weight")
    def add_weight(
        self,
        shape: Sequence[int] | int | None = None,
        initializer=None,
        dtype=None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer=None,
        constraint=None,
        aggregation: str = "none",
        name: str | None = None,
    ) -> Variable:
        """A new weight.

        Args:
            shape: tuple of ints; () for a scalar.
            initializer: name, object or function; glorot_uniform for floats, zeros otherwise.
            regularizer, constraint: what the weight is penalised by and held to.
        """
        if isinstance(shape, str):  # Keras 2 began with the name
            shape, name = (name if isinstance(name, tuple | list) else initializer), shape
            initializer = None if isinstance(initializer, tuple | list) else initializer
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ValueError(f"{self.name}: weight {name!r} needs a known shape; got {shape}")
        if scope.call.room is not None:
            scope.call.room.take(shape, name)
        dtype = dtypes.standardize_dtype(dtype or self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        initializer = initializers.get(initializer)
        cell = (Live if self._era < 3 else Variable)(
            lambda shape, dtype: initializers.draw(initializer, shape, dtype),
            shape,
            dtype,
            trainable,
            autocast,
            name=name or "weight",
            regularizer=regularizers.get(regularizer),
            constraint=registry.get("constraints", constraint),
        )
        cell.path = f"{self.name}/{cell.name}"
        self._book.cells.append(cell)
        return cell

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        if not self.built:
            raise ValueError(f"{self.name} has no weights yet: call it or its `build` first")
        return sum(int(np.prod(cell.shape)) for cell in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """The weights as NumPy arrays; in era 1 laid out as Keras 1 had them."""
        arrays = [cell.numpy() for cell in self.weights]
        return era_weights.to_old(self, arrays, era_weights.theano()) if config.era() == 1 else arrays

    def set_weights(self, weights: Sequence) -> None:
        """Put arrays into the weights, in the order of `get_weights`, in today's layout or in Keras 1's.

        Raises ValueError, before any weight changes, for another number of arrays or another shape.
        """
        cells = self.weights
        weights = era_weights.understood(self, weights, config.era(), era_weights.theano())
        if len(cells) != len(weights):
            raise ValueError(
                f"{self.name} has {len(cells)} weights; `set_weights` was given {len(weights)} arrays. "
                f"It needs {[(cell.name, cell.shape) for cell in cells]}."
            )
        for cell, value in zip(cells, weights, strict=True):
            if cell.shape != np.shape(value):
                raise ValueError(f"{cell.path} has shape {cell.shape}; it cannot take {np.shape(value)}")
        for cell, value in zip(cells, weights, strict=True):
            cell.assign(value)

    def save_own_variables(self, store) -> None:
        """Write the layer's own cells into a dict-like of arrays."""
        for index, cell in enumerate(self.own_cells()):
            store[str(index)] = cell.numpy()

    def load_own_variables(self, store) -> None:
        """Read the layer's own cells from a dict-like of arrays.

        Raises ValueError for another number of arrays or another shape.
        """
        cells = self.own_cells()
        if len(store) != len(cells):
            raise ValueError(
                f"{self.name} has {len(cells)} weights, the file has {len(store)} for it"
                + ("" if self.built else " (the layer is not built yet)")
            )
        for index, cell in enumerate(cells):
            cell.assign(np.asarray(store[str(index)]))

    # ---- losses --------------------------------------------------------------------------------

    def add_loss(self, loss, inputs=None) -> None:
        """Add a scalar, or a list of them, to what `fit` minimises; meant to be called inside `call`.

        What it depends on, which Keras 1 and 2 were told by `inputs`, does not matter here.
        """
        losses = self._book.losses
        if losses and losses[0][0] != scope.call.number:
            losses.clear()
        for each in loss if isinstance(loss, list | tuple) else [loss]:
            losses.append((scope.call.number, each))

    @property
    def losses(self) -> list:
        """The scalars added during the last call, and the penalties of the weights."""
        added = [value for layer in self._flatten_layers() for _, value in layer._book.losses]
        return added + self.penalties()

    def penalties(self) -> list:
        """What the regularizers of the trained weights ask for."""
        return regularizers.penalties(self.trainable_variables)

    def clear_losses(self) -> None:
        """Forget the scalars of the last call."""
        for layer in self._flatten_layers():
            layer._book.losses.clear()
