"""What recurrent layers do at one step of time.

A cell of ours says three things, so that what does not depend on the state can be done for all steps at once: `noise`
(the dropout masks of one pass), `project` (what inputs contribute) and `step`. Anybody's layer with `state_size` and
`call(inputs, states)` is a cell too.
"""

from collections.abc import Callable, Sequence

from .. import activations, initializers, random, registry
from ..ops import numpy as ops
from ..ops.recurrent import gru_step, lstm_step
from .arguments import build_for, keep, positive, share, weight
from .layer import Layer


class Guest:
    """A cell that only has `call`, behind the words that ours have."""

    def __init__(self, cell):
        self.cell = cell

    def noise(self, shape: tuple, dtype: str, training: bool):
        return None

    def project(self, inputs, noise):
        return inputs

    def step(self, projected, states: Sequence, noise, **constants):
        run = self.cell if callable(self.cell) else self.cell.call  # a cell need be no layer
        output, states = run(projected, list(states), **constants)
        return output, list(states) if isinstance(states, list | tuple) else [states]


def welcome(cell):
    """The cell itself if it is one of ours, else a `Guest`."""
    return cell if hasattr(cell, "project") else Guest(cell)


def state_sizes(cell) -> list:
    """The sizes of a cell's states, as a list."""
    size = cell.state_size
    return list(size) if isinstance(size, list | tuple) else [size]


def initial_states(cell, batch: int, dtype: str) -> list:
    """Zeros, or what the cell itself says."""
    if (own := getattr(cell, "get_initial_state", None)) is not None:
        states = own(batch_size=batch)
        return list(states) if isinstance(states, list | tuple) else [states]
    return [
        ops.zeros((batch, *(size if isinstance(size, tuple | list) else (size,))), dtype)
        for size in state_sizes(cell)
    ]


def gate_by_gate(initializer: Callable, gates: int) -> Callable:
    """An initializer that draws each gate's matrix by itself, as era 1 did."""

    def draw(shape, dtype=None):
        part = (*shape[:-1], shape[-1] // gates)
        return ops.concatenate([initializers.draw(initializer, part, dtype) for _ in range(gates)], axis=-1)

    return draw


def by_gates(regularizer: Callable | None, gates: int) -> Callable | None:
    """A regularizer that looks at each gate's part by itself, and says a list of penalties, as era 1 did."""
    return regularizer and (lambda x: [regularizer(part) for part in ops.split(x, gates, axis=-1)])


class _Cell(Layer):
    """Holds `kernel`, `recurrent_kernel` and `bias` for `gates` gates, and draws dropout masks."""

    gates = 1
    states = 1
    whole = False  # whether the gates are one matrix in era 1 too
    recurrent_in_1 = "recurrent"  # whose initializer and regularizer the recurrent matrices had in Keras 1.2

    def settle(self, given: dict) -> None:
        who = type(self).__name__
        positive(given["units"], f"{who}: `units`")
        share(given["dropout"], f"{who}: `dropout`")
        share(given["recurrent_dropout"], f"{who}: `recurrent_dropout`")
        keep(self, given)
        self.state_size = self.units if self.states == 1 else [self.units] * self.states
        self.output_size = self.units
        if self.dropout or self.recurrent_dropout:
            self.seed_generator = random.SeedGenerator(self.seed)

    def build(self, input_shape):
        wide = self.gates * self.units
        self.kernel = self.matrix("kernel", (input_shape[-1], wide))
        self.recurrent_kernel = self.matrix("recurrent_kernel", (self.units, wide), "recurrent")
        self.make_bias(wide)

    def make_bias(self, wide: int) -> None:
        made, options = (self, "bias", self.bias_shape(wide)), self.bias_options()
        if self._era == 1 and not self.whole:
            options["regularizer"] = by_gates(self.bias_regularizer, self.gates)
        self.bias = weight(*made, **options) if self.use_bias else None

    def matrix(self, name: str, shape: tuple[int, int], prefix: str = "kernel"):
        parts = ("initializer", "regularizer", "constraint")
        apart = self._era == 1 and not self.whole
        if apart and prefix == "recurrent":
            prefix = self.recurrent_in_1
        said = {part: getattr(self, f"{prefix}_{part}") for part in parts}
        square = prefix == "recurrent" and isinstance(said["initializer"], initializers.Identity)
        if apart or (self._era == 2 and square):  # then each gate had a whole unit matrix
            said["initializer"] = gate_by_gate(said["initializer"], self.gates)
        if apart:
            said["regularizer"] = by_gates(said["regularizer"], self.gates)
        return self.add_weight(shape, name=name, **said)

    def bias_shape(self, wide: int) -> tuple[int, ...]:
        return (wide,)

    def bias_options(self) -> dict:
        """The initializer of a bias whose second part, the forget gate's, begins at one."""
        if not getattr(self, "unit_forget_bias", False):
            return {}

        def draw(shape, dtype=None):
            bias = initializers.draw(self.bias_initializer, shape, dtype)
            return ops.concatenate([bias[: self.units], ops.ones(self.units, dtype), bias[2 * self.units :]])

        return {"initializer": draw}

    def get_initial_state(self, batch_size: int | None = None) -> list:
        """Zeros `(batch, units)`, one for each state."""
        return [ops.zeros((batch_size, self.units), self.compute_dtype) for _ in range(self.states)]

    def noise(self, shape: tuple, dtype: str, training: bool) -> tuple:
        """Dropout masks of inputs and outputs, the same at all steps; None where nothing is dropped.

        Args:
            shape, dtype: of the inputs at one step.
        """
        if not training:
            return None, None
        masks = ((self.dropout, shape), (self.recurrent_dropout, self.state_shape(shape)))
        draw = lambda rate, shape: random.dropout(ops.ones(shape, dtype), rate, seed=self.seed_generator)  # noqa: E731
        return tuple(draw(rate, shape) if rate else None for rate, shape in masks)

    def state_shape(self, shape: tuple) -> tuple:
        """The shape of a state, for inputs of that shape at one step."""
        return (shape[0], self.units)

    def project(self, inputs, noise):
        """`inputs @ kernel + bias`, for one step `(batch, features)` or many `(time, batch, features)`."""
        if noise[0] is not None:
            inputs = inputs * noise[0]
        outputs = ops.matmul(inputs, self.kernel)
        bias = self.input_bias()
        return outputs if bias is None else ops.add(outputs, bias)

    def input_bias(self):
        return self.bias

    def call(self, inputs, states, training=False):
        noise = self.noise(inputs.shape, inputs.dtype, training)
        states = states if isinstance(states, list | tuple) else [states]
        return self.step(self.project(inputs, noise), states, noise)

    def step(self, projected, states: Sequence, noise):
        raise NotImplementedError

    def compiled(self) -> tuple | None:
        """Name and bias by which the compiled loops know a cell of this arithmetic; None where they have none."""
        if (name := LOOPS.get(self.arithmetic())) is None:
            return None
        return name, ops.zeros(self.gates * self.units) if self.bias is None else self.bias.value

    def arithmetic(self) -> tuple:
        """What tells one kind of arithmetic from another, as in LOOPS."""
        return type(self), self.activation


def _dropped(h, noise):
    return h if noise[1] is None else h * noise[1]


@registry.member("layers")
class SimpleRNNCell(_Cell):
    """`h = activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Args:
        units: int, size of the outputs.
        activation: name or function.
        use_bias: whether a bias is added.
        `kernel_*`, `recurrent_*`, `bias_*`: initializers, regularizers and constraints of the weights.
        dropout, recurrent_dropout: shares of the inputs, of the outputs, that are dropped while training.
        seed: int, for the same draws every time.
    """

    def __init__(
        self, units: int, activation="tanh", use_bias: bool = True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None, recurrent_constraint=None,
        bias_constraint=None, dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.settle(locals())

    def step(self, projected, states, noise):
        h = self.activation(ops.add(projected, ops.matmul(_dropped(states[0], noise), self.recurrent_kernel)))
        return h, [h]


@registry.member("layers")
class LSTMCell(_Cell):
    """`c = f * c + i * g; h = o * activation(c)`, gates in the order i, f, g, o (Hochreiter & Schmidhuber, 1997).

    Args:
        recurrent_activation: name or function, of the three gates.
        unit_forget_bias: whether the forget gate's bias begins at one.
        units, activation, ...: as in `SimpleRNNCell`.
    """

    gates, states = 4, 2
    recurrent_in_1 = "kernel"  # unless consume_less="gpu"

    def __init__(
        self, units: int, activation="tanh", recurrent_activation="sigmoid", use_bias: bool = True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        unit_forget_bias: bool = True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: int | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.settle(locals())

    def step(self, projected, states, noise):
        h, c = states
        z = ops.add(projected, ops.matmul(_dropped(h, noise), self.recurrent_kernel))
        h, c = lstm_step(z, c, self.activation, self.recurrent_activation)
        return h, [h, c]

    def arithmetic(self) -> tuple:
        return *super().arithmetic(), self.recurrent_activation


@registry.member("layers")
class GRUCell(_Cell):
    """`h = z * h + (1 - z) * candidate`, gates in the order z, r, candidate (Cho et al., 2014).

    Args:
        recurrent_activation: name or function, of the two gates.
        reset_after: whether the reset gate acts after the recurrent product, which then has a bias of its own.
        units, activation, ...: as in `SimpleRNNCell`.
    """

    gates = 3
    recurrent_in_1 = "kernel"  # unless consume_less="gpu"

    def __init__(
        self, units: int, activation="tanh", recurrent_activation="sigmoid", use_bias: bool = True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
        reset_after: bool = True, seed: int | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.settle(locals())

    def bias_shape(self, wide: int) -> tuple[int, ...]:
        return (2, wide) if self.reset_after else (wide,)

    def input_bias(self):
        return self.bias[0] if self.use_bias and self.reset_after else self.bias

    def step(self, projected, states, noise):
        bias = self.bias[1] if self.use_bias and self.reset_after else None
        gates = self.activation, self.recurrent_activation, self.reset_after
        h = states[0]
        h = gru_step(projected, h, self.recurrent_kernel.value, bias, *gates, _dropped(h, noise))
        return h, [h]

    def arithmetic(self) -> tuple:
        return *super().arithmetic(), self.recurrent_activation, self.reset_after

    def compiled(self) -> tuple | None:
        found = super().compiled()
        if found is None or not self.reset_after:
            return found
        name, bias = found
        first, second = bias if self.use_bias else (bias, bias)
        both = 2 * self.units  # gates; the candidate's two parts come to the reset gate apart
        return name, ops.concatenate([first[:both] + second[:both], first[both:], second[both:]])


LOOPS = {  # `arithmetic` of a cell -> the name of the compiled loops that compute it
    (SimpleRNNCell, activations.tanh): "tanh",
    (SimpleRNNCell, activations.relu): "relu",
    (LSTMCell, activations.tanh, activations.sigmoid): "lstm",
    (GRUCell, activations.tanh, activations.sigmoid, True): "gru",
    (GRUCell, activations.tanh, activations.sigmoid, False): "gru_before",
}


@registry.member("layers")
class StackedRNNCells(Layer):
    """Several cells as one: each gets the output of the one before.

    Args:
        cells: list of cells.
        reverse_state_order: of Keras 2.2; whether the states of the last cell stand first, as they did before it.
    """

    def __init__(self, cells: Sequence, reverse_state_order: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.reverse_state_order = reverse_state_order
        for cell in cells:
            if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
                raise ValueError(f"StackedRNNCells: a cell has `call` and `state_size`; got {cell!r}")
        self.cells = list(cells)

    @classmethod
    def from_config(cls, config: dict) -> "StackedRNNCells":
        """Cells from a configuration; Keras 2 wrote those inside without their modules."""
        cells = [
            registry.deserialize(each, "layers") if isinstance(each, dict) else each
            for each in config["cells"]
        ]
        return super().from_config({**config, "cells": cells})

    def get_config(self) -> dict:
        made = super().get_config()
        if not self.reverse_state_order:  # no word of later versions
            del made["reverse_state_order"]
        return made

    def _in_order(self, states: Sequence) -> list:
        """What belongs to each cell, in the order in which states stand; and the other way round."""
        return list(states)[::-1] if self.reverse_state_order else list(states)

    @property
    def state_size(self) -> list | tuple:
        """The state sizes of each cell; in eras 1 and 2 all of them in one tuple."""
        cells = self._in_order(self.cells)
        if self._era == 3:
            return [cell.state_size for cell in cells]
        return tuple(size for cell in cells for size in state_sizes(cell))

    @property
    def output_size(self):
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list:
        """A list of each cell's states."""
        return self._in_order(initial_states(cell, batch_size, self.compute_dtype) for cell in self.cells)

    def build(self, input_shape):
        input_shape, *constants = input_shape if isinstance(input_shape, list) else (input_shape,)
        for cell in self.cells:
            if constants and isinstance(welcome(cell), Guest):
                cell.build([tuple(input_shape), *constants])
            elif isinstance(cell, Layer):
                build_for(cell, tuple(input_shape))
            input_shape = (input_shape[0], output_size(cell))

    def noise(self, shape: tuple, dtype: str, training: bool) -> list:
        masks = []
        for cell in self.cells:
            masks.append(welcome(cell).noise(shape, dtype, training))
            shape = (shape[0], output_size(cell))
        return masks

    def project(self, inputs, noise):
        return welcome(self.cells[0]).project(inputs, noise[0])

    def step(self, projected, states, noise, **constants):
        x, new = projected, []
        for index, (cell, mine, masks) in enumerate(
            zip(map(welcome, self.cells), self._in_order(states), noise, strict=True)
        ):
            given = constants if isinstance(cell, Guest) else {}
            x, mine = cell.step(cell.project(x, masks) if index else x, mine, masks, **given)
            new.append(list(mine))
        return x, self._in_order(new)

    def call(self, inputs, states, training=False):
        noise = self.noise(inputs.shape, inputs.dtype, training)
        return self.step(self.project(inputs, noise), states, noise)


def output_size(cell) -> int:
    """The size of a cell's outputs: that of its first state, where it does not say."""
    size = getattr(cell, "output_size", None)
    return state_sizes(cell)[0] if size is None else size
