"""What an optimizer keeps: its cells in the order of Keras 3's files, and its learning rate."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence

import jax
import numpy as np

from .. import config, initializers
from ..base import Configurable
from ..variable import Live, Variable
from . import schedules


class OptimizerState(Configurable):
    """The cells of an optimizer, and the learning rate among them."""

    slots: tuple[tuple[str, ...], ...] = ()  # what a rule keeps for each weight, in groups that lie together
    optional: Mapping[str, str] = {}  # slot -> the setting that asks for it
    filled: Mapping[str, str] = {}  # slot -> the setting that it starts with, instead of 0
    shared: Mapping[str, float] = {}  # what a rule keeps once for all weights -> what it starts with
    built = False
    _own_iterations: Variable | None = None
    _own_weights: list[Variable] | None = None

    def _begin(self, learning_rate: float | Callable) -> None:
        self._cells: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._indices: dict[Variable, int] = {}
        self._averages: dict[Variable, Variable] = {}
        self._sums: dict[Variable, Variable] = {}
        self._slots: dict[Variable, list[Variable | None]] = {}
        self._shared: dict[str, Variable] = {}
        kind = Live if self.states_updates() else Variable
        self._iterations = self._own(kind(0, (), "int32", trainable=False), "iteration")
        self._learning_rate = self._rate_of(learning_rate)

    def initial(self, slot: str, variable: Variable) -> np.ndarray | None:
        """What a slot of a weight starts with; None if it is not kept."""
        if slot in self.optional and not getattr(self, self.optional[slot]):
            return None
        value = getattr(self, self.filled[slot]) if slot in self.filled else 0
        return np.full(variable.shape, value, variable.dtype)

    # ---- cells ---------------------------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Make what has to be kept for these weights; what was built for them before is left as it is.

        Raises ValueError in era 3 when others come after the first ones. In eras 1 and 2 one optimizer may serve
        several models: it keeps slots for the weights of each, and counts their updates together.
        """
        new = [variable for variable in variables if variable not in self._indices]
        if not new and self.built:
            return
        if self.built and self._era == 3:
            raise ValueError(
                f"{self.name} was built for other weights and does not know {', '.join(v.path for v in new)}. "
                "Make a new optimizer for a new model, or after adding weights."
            )
        for variable in new:
            self._indices[variable] = len(self._trainable_variables)
            self._trainable_variables.append(variable)
        if self.use_ema:
            self._averages.update(zip(new, self.add_optimizer_variables(new, "average"), strict=True))
        if self.gradient_accumulation_steps:
            sums = self.add_optimizer_variables(new, "gradient_accumulator")
            self._sums.update(zip(new, sums, strict=True))
        for group in self.slots:
            for variable in new:
                for slot in group:
                    value = self.initial(slot, variable)
                    cell = None if value is None else self._beside(variable, slot, value)
                    self._slots.setdefault(variable, []).append(cell)
        for variable in new:
            self._slots.setdefault(variable, [])
        if not self.built:
            dtype = new[0].dtype if new else config.floatx()
            for name, value in self.shared.items():
                self._shared[name] = self._own(Variable(value, (), dtype, trainable=False), name)
        self.built = True
        if self.states_updates() and new:
            self.state_updates(new)

    def _own(self, cell: Variable, name: str) -> Variable:
        cell.name, cell.path, cell.trainable = name, f"{self.name}/{name}", False
        self._cells.append(cell)
        return cell

    def _beside(self, variable: Variable, name: str, value) -> Variable:
        return self._own(Variable(value, trainable=False), f"{variable.path.replace('/', '_')}_{name}")

    def add_variable(
        self, shape, initializer="zeros", dtype=None, aggregation: str = "none", name: str | None = None
    ) -> Variable:
        """A new cell of the optimizer."""
        make = functools.partial(initializers.draw, initializers.get(initializer))
        cell = Variable(make, shape, dtype, trainable=False, aggregation=aggregation)
        return self._own(cell, name or "variable")

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer="zeros"
    ) -> Variable:
        """A new cell of the shape and type of a weight."""
        path = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=path)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: str | Sequence[str], initializer="zeros"
    ) -> list[Variable] | tuple[list[Variable], ...]:
        """A new cell for each weight, or one for each weight and name: a list for each name."""
        names = [name] if isinstance(name, str) else list(name)
        makers = list(initializer) if isinstance(initializer, list | tuple) else [initializer] * len(names)
        if len(names) != len(makers):
            raise ValueError(f"{len(names)} names and {len(makers)} initializers do not go together")
        rows = [
            [self.add_variable_from_reference(variable, *each) for each in zip(names, makers, strict=True)]
            for variable in trainable_variables
        ]
        columns = tuple([row[i] for row in rows] for i in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    @property
    def variables(self) -> list[Variable]:
        """Every cell of the optimizer, those too that a subclass holds in attributes."""
        held = [
            cell
            for value in vars(self).values()
            for cell in (value if isinstance(value, list | tuple) else [value])
            if isinstance(cell, Variable) and cell not in self._indices
        ]
        return list(dict.fromkeys([*self._cells, *held]))

    def slots_of(self, variable: Variable) -> list[Variable | None]:
        """What is kept for a weight, in the order of `slots`; None where the settings need no such slot."""
        return list(self._slots[variable])

    @property
    def weights(self) -> list[Variable]:
        """The cells that `get_weights` tells; a `get_updates` of one's own may set them."""
        return self.variables if self._own_weights is None else self._own_weights

    @weights.setter
    def weights(self, cells: Sequence[Variable]) -> None:
        self._own_weights = list(cells)

    def _get_variable_index(self, variable: Variable) -> int:
        return self._indices[variable]

    def get_weights(self) -> list[np.ndarray]:
        """The cells as NumPy arrays."""
        return [cell.numpy() for cell in self.weights]

    def set_weights(self, weights: Sequence) -> None:
        """Put arrays into the cells, in the order of `get_weights`.

        Raises ValueError, before anything changes, for another number of arrays or another shape.
        """
        cells, hint = self.weights, "" if self.built else " (it is not built yet: call `build` first)"
        if len(cells) != len(weights):
            raise ValueError(f"{self.name} has {len(cells)} arrays, got {len(weights)}{hint}")
        for cell, value in zip(cells, weights, strict=True):
            if cell.shape != np.shape(value):
                raise ValueError(f"{cell.path} has shape {cell.shape}; it cannot take {np.shape(value)}")
        for cell, value in zip(cells, weights, strict=True):
            cell.assign(value)

    def save_own_variables(self, store) -> None:
        """Write the cells into a dict-like of arrays."""
        for index, cell in enumerate(self.variables):
            store[str(index)] = cell.numpy()

    def load_own_variables(self, store) -> None:
        """Read the cells from a dict-like of arrays.

        Raises ValueError for another number of arrays or another shape.
        """
        self.set_weights([np.asarray(store[str(index)]) for index in range(len(store))])

    # ---- learning rate -------------------------------------------------------------------------

    @property
    def iterations(self):
        """How many updates were made: a cell; an array where gradients are accumulated."""
        if self._own_iterations is not None:
            return self._own_iterations
        return self._count() if self.gradient_accumulation_steps else self._iterations

    @iterations.setter
    def iterations(self, cell: Variable) -> None:
        self._own_iterations = cell

    def _count(self) -> jax.Array:
        return self._iterations.value // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self):
        """The learning rate: a cell that can be assigned; under a schedule the present value."""
        rate = self._learning_rate
        return rate if isinstance(rate, Variable) else self._present(rate)

    @learning_rate.setter
    def learning_rate(self, value) -> None:
        cell = self._learning_rate
        if isinstance(value, Live):  # the cell that a `get_updates` of one's own reads
            self._cells = [value if each is cell else each for each in self._cells]
            self._learning_rate = value
        elif isinstance(value, Callable | Mapping):
            self._cells = [each for each in self._cells if each is not cell]
            self._learning_rate = self._rate_of(value)
        elif isinstance(cell, Variable):
            cell.assign(_number(self, value))
        else:
            raise TypeError(
                f"{self.name} has a learning rate schedule: its learning rate is not set by hand. "
                "Make the optimizer with a number, or assign another schedule."
            )

    lr = property(
        lambda self: self.learning_rate,
        lambda self, value: setattr(self, "learning_rate", value),
        doc="The learning rate, as Keras 1 and 2 call it.",
    )

    def _rate_of(self, value):
        """What is kept of an argument `learning_rate`."""
        if isinstance(value, Mapping):
            return schedules.deserialize(value)
        if callable(value):
            return value
        kind = Live if self.states_updates() else Variable
        cell = kind(_number(self, value), (), config.floatx(), trainable=False)
        return self._own(cell, "learning_rate")

    def _present(self, rate: Callable):
        wants_step = isinstance(rate, schedules.LearningRateSchedule) or any(
            p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            for p in inspect.signature(rate).parameters.values()
        )
        return rate(self._iterations.value) if wants_step else rate()


def _number(optimizer: OptimizerState, value) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"{type(optimizer).__name__}: `learning_rate` is a number, a LearningRateSchedule or a function; "
            f"got {value!r}"
        ) from None
