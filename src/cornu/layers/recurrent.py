"""Layers that run a cell over time."""

from collections.abc import Sequence

import jax

from .. import registry, scope
from ..eras import border
from ..ops import numpy as ops
from ..ops import onednn, recurrent
from ..ops.wrap import op
from .arguments import build_for, keep
from .cells import (
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    initial_states,
    state_sizes,
    welcome,
)
from .layer import Layer
from .recurrent_steps import PastRecurrent, Recurrent, run_steps
from .spec import InputSpec
from .state import Memory


@registry.member("layers")
class RNN(PastRecurrent, Layer):
    """A cell run over the time axis of `(batch, time, ...)`.

    A step that the mask leaves out keeps the states and repeats the output before.

    Args:
        cell: a layer with `state_size` and `call(inputs, states)` that returns `(output, new states)`, or a list
            of such, stacked.
        return_sequences: whether the outputs of all steps come back, `(batch, time, ...)`, or the last one only.
        return_state: whether the last states come back too: `(outputs, *states)`.
        go_backwards: whether time runs from the end; the outputs are in that order.
        stateful: whether the states of one batch are the first states of the next; the batch size must be known.
        unroll: whether every step is compiled by itself: faster for short sequences, slow to compile.
        zero_output_for_mask: whether the outputs of left-out steps are zeros instead.

    Called with `(sequences, initial_state=None, mask=None, training=False, constants=None)`; `sequences` may be the
    list `[sequences, *initial_state]`.

    Example:
        >>> RNN(LSTMCell(4), return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    inherited = (*Layer.inherited, "zero_output_for_mask", "implementation")
    supports_masking = True
    rank = None  # how many axes the sequences have; any if None
    _num_constants: int | None = None  # how many of the symbols it was called on are the same at all steps

    def __init__(
        self, cell, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, zero_output_for_mask: bool = False, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
            raise ValueError(f"{type(self).__name__}: a cell has `call` and `state_size`; got {cell!r}")
        keep(self, locals())
        self.sequence_spec = InputSpec(ndim=self.rank, min_ndim=2)
        self._memory = None

    def settle(self, kind: type, given: dict) -> None:
        """Make the cell of `given`, a constructor's arguments, and a loop around it."""
        own = {name: given[name] for name in border.parameters(kind.__init__) if name in given}
        kwargs = dict(given["kwargs"])
        whole = kwargs.pop("implementation", None) == 2 and self._era == 1
        shared = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        cell = kind(**own, **shared, name=border.snake(kind.__name__))
        cell.whole = cell.whole or whole
        loop = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")
        RNN.__init__(self, cell, **{name: given[name] for name in loop if name in given}, **kwargs)
        keep(self, {**given, **{name: getattr(cell, name) for name in own}})

    # ---- states --------------------------------------------------------------------------------

    @property
    def state_size(self) -> list:
        return state_sizes(self.cell)

    @property
    def states(self) -> list | None:
        """The cells that carry the states from batch to batch, if stateful; None where there are none."""
        if self._memory is None:  # in eras 1 and 2 a list all the same
            return None if self._era == 3 else [None] * len(self.state_size)
        return jax.tree.map(lambda each: each.state, self._memory)

    @states.setter
    def states(self, states: list | None) -> None:
        known = bool(states) and all(state is not None for state in states)
        self._memory = [Memory(state, f"{self.name}_state") for state in states] if known else None

    def get_initial_state(self, batch_size) -> list:
        """The states at the first step: zeros, or what the cell says; in Keras 2 it was given the sequences."""
        if ops.ndim(batch_size) > 1:
            return _first_of(batch_size, self)
        return initial_states(self.cell, batch_size, self.compute_dtype)

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zero."""
        self.reset_states()

    def reset_states(self, states: Sequence | None = None) -> None:
        """Set the states of a stateful layer to zero, or to arrays.

        Raises ValueError if the layer is not stateful, or has not seen its batch size yet.
        """
        if not self.stateful:
            raise ValueError(f"{self.name} is not stateful: it has no states to reset")
        if self._memory is None:
            if states is None:
                return
            raise ValueError(f"{self.name} is not built yet: it does not know its batch size")
        cells = jax.tree.leaves(self.states)
        values = [ops.zeros_like(cell.value) for cell in cells] if states is None else jax.tree.leaves(states)
        if len(values) != len(cells):
            raise ValueError(f"{self.name} has {len(cells)} states; got {len(values)}")
        for cell, value in zip(cells, values, strict=True):
            cell.assign(value)

    def zero_states(self, shape: tuple) -> list:
        """The states at the first step, for inputs of that shape at one step."""
        return self.get_initial_state(shape[0])

    def _first_states(self, given, zeros: list) -> list:
        """The states to start from, in the structure that the cell wants, which is that of `zeros`."""
        if given is None:
            if self._memory is None:
                return zeros
            given = jax.tree.map(lambda cell: cell.value, self.states)
        given = jax.tree.leaves(given)
        wanted, structure = jax.tree.flatten(zeros)
        if scope.call.probing and scope.call.size in [x.shape[0] for x in wanted]:
            # a batch size that is not known yet stands beside states that have theirs
            given = [x if x.shape == zero.shape else zero for x, zero in zip(given, wanted, strict=False)]
        if [x.shape for x in given] != [x.shape for x in wanted]:
            raise ValueError(
                f"{self.name}: states of shapes {[x.shape for x in wanted]} are needed; got {[x.shape for x in given]}"
            )
        values = [x.astype(zero.dtype) for x, zero in zip(given, wanted, strict=True)]
        return jax.tree.unflatten(structure, values)

    # ---- building and calling ------------------------------------------------------------------

    def build(self, sequences_shape, initial_state_shape=None, constants_shape=None):
        if isinstance(sequences_shape, list) and self._num_constants:
            constants_shape = constants_shape or sequences_shape[-self._num_constants :]
        shape = tuple(sequences_shape[0] if isinstance(sequences_shape, list) else sequences_shape)
        self._check(shape)
        if self.unroll and shape[1] is None:
            raise ValueError(
                f"{self.name}: unroll=True needs a known number of steps; got inputs of shape {shape}"
            )
        if isinstance(self.cell, Layer) and constants_shape and not self.cell.built:
            several = isinstance(constants_shape, list)
            self.cell.build([(shape[0], *shape[2:]), *(constants_shape if several else [constants_shape])])
        elif isinstance(self.cell, Layer):
            build_for(self.cell, (shape[0], *shape[2:]))
        if self.stateful:
            if shape[0] is None:
                raise ValueError(
                    f"{self.name} is stateful: it needs a known batch size. Give `batch_shape=(batch, time, features)` "
                    f"to the input; got {shape}"
                )
            zeros = self.zero_states((shape[0], *shape[2:]))
            self._memory = jax.tree.map(lambda x: Memory(x, f"{self.name}_state"), zeros)
        self.sequence_spec = InputSpec(ndim=len(shape), axes=dict(enumerate(shape[2:], 2)))

    def _check(self, shape: tuple) -> None:
        if complaint := self.sequence_spec.complaint(shape):
            raise ValueError(
                f"{type(self).__name__} layer {self.name!r}: {complaint} (sequences of shape {shape})"
            )

    def call(self, sequences, initial_state=None, mask=None, training=False, constants=None):
        if constants is not None and not isinstance(constants, list | tuple):
            constants = [constants]
        self._num_constants = len(constants) if constants else self._num_constants
        if isinstance(sequences, list | tuple):
            count = len(sequences) - (self._num_constants or 0)
            constants = constants or list(sequences[count:]) or None
            sequences, initial_state = sequences[0], list(sequences[1:count]) or initial_state
            mask = mask[0] if isinstance(mask, list | tuple) else mask
        self._check(sequences.shape)
        if self.by_hand():
            return self._run_by_hand(sequences, initial_state, mask)
        cell, shape = welcome(self.cell), (sequences.shape[0], *sequences.shape[2:])
        states = self._first_states(initial_state, self.zero_states(shape))
        noise = cell.noise(shape, sequences.dtype, training)
        if mask is None and constants is None and (made := self._in_one_call(sequences, states, noise)):
            output, *states = made
            self._keep_states(states)
            return self._with_states(output, states)
        given = {} if constants is None else {"constants": constants}
        xs, project = ops.swapaxes(sequences, 0, 1), cell.project
        keeping = _forget_masks(self.cell)
        if keeping:  # what they drop is drawn here once, and not in the loop
            cell.step(project(xs[0], noise), states, noise, **given)
        if recurrent.ahead():
            xs, project = project(xs, noise), lambda x, noise: x
        last, outputs, states = recurrent.rnn(
            lambda x, states: cell.step(project(x, noise), states, noise, **given),
            xs,
            states,
            self.go_backwards,
            None if mask is None else ops.swapaxes(mask, 0, 1),
            unroll=self.unroll,
            time_major=True,
            zero_output_for_mask=self.zero_output_for_mask,
            return_all_outputs=self.return_sequences,
        )
        self._keep_states(states)
        _forget_masks(*keeping)
        output = ops.swapaxes(outputs, 0, 1) if self.return_sequences else last
        return self._with_states(output, states)

    def _in_one_call(self, x, states: list, noise) -> tuple | None:
        """Output and states by the compiled loops; None where they do not compute this."""
        compiled = getattr(self.cell, "compiled", None)
        if compiled is None or not onednn.recurs(x) or noise[1] is not None or (found := compiled()) is None:
            return None
        name, bias = found
        x = x if noise[0] is None else x * ops.expand_dims(noise[0], 1)
        x = ops.flip(x, 1) if self.go_backwards else x
        weights = self.cell.kernel.value, self.cell.recurrent_kernel.value
        if any(each.dtype != x.dtype for each in (*weights, *states)):
            return None
        made = onednn.recur(name, x, states, *weights, bias, self.return_sequences)
        return made if self.return_sequences else (made[0], *made)

    def _with_states(self, output, states):
        if not self.return_state:
            return output
        return (output, *(states if self._era == 3 else jax.tree.leaves(states)))

    def _keep_states(self, states) -> None:
        if self._memory is not None:
            for kept, state in zip(jax.tree.leaves(self.states), jax.tree.leaves(states), strict=True):
                kept.assign(state)

    def _run_by_hand(self, sequences, initial_state, mask):
        """The loop of Keras 1, where a subclass has a `step` or the like of its own."""
        states = self._first_states(initial_state, self.get_initial_states(sequences))
        outputs, states = run_steps(self, sequences, states, mask)
        self._keep_states(states)
        return self._with_states(outputs, states)

    def compute_mask(self, inputs, previous_mask=None):
        mask = previous_mask[0] if isinstance(previous_mask, list | tuple) else previous_mask
        mask = mask if self.return_sequences else None
        return [mask] + [None] * len(self.state_size) if self.return_state else mask

    def get_config(self) -> dict:
        own = {} if self._num_constants is None else {"num_constants": self._num_constants}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config: dict) -> "RNN":
        config, cell = dict(config), config.get("cell")
        count = config.pop("num_constants", None)
        if isinstance(cell, dict):
            config["cell"] = registry.deserialize(cell, "layers")
        made = super().from_config(config)
        made._num_constants = count
        return made


# Where cells of Keras 2 keep what they drop at every step.
DROPPED = ("_dropout_mask", "_recurrent_dropout_mask")


def _forget_masks(*cells) -> list:
    """Let the cells among these, and in them, forget what they drop; those that keep it."""
    found = [each for cell in cells for each in (cell, *getattr(cell, "cells", ()))]
    found = [cell for cell in found if any(name in vars(cell) for name in DROPPED)]
    for cell in found:
        vars(cell).update(dict.fromkeys(DROPPED))
    return found


@op
def _first_of(sequences, layer: RNN) -> list:
    """The states at the first step, for sequences."""
    return layer.zero_states((sequences.shape[0], *sequences.shape[2:]))


Recurrent.register(RNN)


@registry.member("layers")
class SimpleRNN(RNN):
    """`h = activation(x @ kernel + h @ recurrent_kernel + bias)` at every step.

    Args:
        units, activation, ..., recurrent_dropout, seed: as in `SimpleRNNCell`.
        return_sequences, return_state, go_backwards, stateful, unroll: as in `RNN`.

    Example:
        >>> SimpleRNN(4)(np.ones((2, 5, 3), "float32")).shape
        (2, 4)
    """

    rank = 3

    def __init__(
        self, units: int, activation="tanh", use_bias: bool = True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
        return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, seed: int | None = None, **kwargs,
    ):  # fmt: skip
        self.settle(SimpleRNNCell, locals())


def _no_cudnn(use_cudnn, who: str) -> None:
    if use_cudnn not in ("auto", False, None):
        raise ValueError(f"{who}: there is no cuDNN here, XLA compiles the loop; leave `use_cudnn` 'auto'")


@registry.member("layers")
class LSTM(RNN):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997).

    Args:
        units, activation, recurrent_activation, ..., seed: as in `LSTMCell`.
        return_sequences, return_state, go_backwards, stateful, unroll: as in `RNN`.

    Example:
        >>> LSTM(4, return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    rank = 3

    def __init__(
        self, units: int, activation="tanh", recurrent_activation="sigmoid", use_bias: bool = True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        unit_forget_bias: bool = True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
        return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, use_cudnn="auto", **kwargs,
    ):  # fmt: skip
        _no_cudnn(use_cudnn, "LSTM")
        self.settle(LSTMCell, locals())


@registry.member("layers")
class GRU(RNN):
    """Gated recurrent unit (Cho et al., 2014).

    Args:
        units, activation, recurrent_activation, ..., reset_after, seed: as in `GRUCell`.
        return_sequences, return_state, go_backwards, stateful, unroll: as in `RNN`.

    Example:
        >>> GRU(4)(np.ones((2, 5, 3), "float32")).shape
        (2, 4)
    """

    rank = 3

    def __init__(
        self, units: int, activation="tanh", recurrent_activation="sigmoid", use_bias: bool = True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: int | None = None, return_sequences: bool = False,
        return_state: bool = False, go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
        reset_after: bool = True, use_cudnn="auto", **kwargs,
    ):  # fmt: skip
        _no_cudnn(use_cudnn, "GRU")
        self.settle(GRUCell, locals())
