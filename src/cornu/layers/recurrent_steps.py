"""Recurrent layers as Keras 1 let programs write them: a layer with a `step` of its own."""

import abc
import functools
from collections.abc import Sequence

import jax
import numpy as np

from .. import random, scope
from ..ops import nn, recurrent
from ..ops import numpy as ops
from ..variable import Variable
from .layer import Layer
from .spec import InputSpec

__all__ = ["ConvRecurrent2D", "Recurrent", "_generate_dropout_mask", "time_distributed_dense"]


GATES = {3: "zrh", 4: "ifco"}  # in the order in which they lie side by side
PARTS = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}


def time_distributed_dense(
    x, w, b=None, dropout: float | None = None, input_dim: int | None = None, output_dim: int | None = None,
    timesteps: int | None = None,
):  # fmt: skip
    """`x @ w + b` at every step of `(batch, time, features)`; the same share of features is dropped at all steps.

    Args:
        dropout: what share, while training.
        input_dim, output_dim, timesteps: sizes, which the arrays tell.
    """
    if dropout and scope.call.training:
        x = random.dropout(x, dropout, (None, 1, None))
    outputs = ops.matmul(x, w)
    return outputs if b is None else ops.add(outputs, b)


def _generate_dropout_mask(ones, rate: float, training=None, count: int = 1):
    """Ones of which a share is dropped while training, as the cells of Keras 2 drew them.

    Args:
        ones: array of the shape of what is to be multiplied by it.
        rate: what share.
        training: None: as the call around it.
        count: how many; a list of them where it is more than one.
    """
    training = scope.call.training if training is None else training
    made = [random.dropout(ones, rate) if training else ones for _ in range(count)]
    return made if count > 1 else made[0]


def _projected(cell, x):
    """What a cell's inputs contribute at all steps `(batch, time, ...)`."""
    steps = ops.swapaxes(x, 0, 1)
    noise = cell.noise(steps.shape[1:], steps.dtype, bool(scope.call.training))
    return ops.swapaxes(cell.project(steps, noise), 0, 1)


def run_steps(layer, x, states: Sequence, mask):
    """Run `layer.step` over time: `(outputs at all steps or the last, states)`."""
    constants = layer.get_constants(x)
    options = {"mask": mask, "constants": constants, "unroll": layer.unroll}
    last, outputs, states = recurrent.rnn(
        layer.step, layer.preprocess_input(x), states, layer.go_backwards, **options
    )
    return outputs if layer.return_sequences else last, states


class PastRecurrent:
    """The words of Keras 1's recurrent layers, for those around a cell.

    A subclass may override them, and then its `step` is what runs: `states` are the layer's, then the constants, of
    which the first two are what drops outputs and inputs.
    """

    consume_less = "cpu"
    BY_HAND = ("get_constants", "get_initial_states", "preprocess_input", "step")

    @classmethod
    @functools.cache
    def by_hand(cls) -> bool:
        """Whether a subclass overrides one of them."""
        return any(getattr(cls, name) is not getattr(PastRecurrent, name) for name in PastRecurrent.BY_HAND)

    def __getattr__(self, name: str):
        """The part of a weight that belongs to one gate, as Keras 1 had it: `W_i`, `U_f`, `b_o`."""
        part, _, gate = name.partition("_")
        order = GATES.get(getattr(vars(self).get("cell"), "gates", None), "")
        if part in PARTS and gate and gate in order:
            return ops.split(getattr(self.cell, PARTS[part]), len(order), axis=-1)[order.index(gate)]
        return super().__getattr__(name)

    def get_constants(self, x) -> list:
        """What every step gets besides its states: masks of what is dropped of outputs and inputs, or ones."""
        shape = (x.shape[0], *x.shape[2:])
        inputs, outputs = self.cell.noise(shape, x.dtype, bool(scope.call.training))
        return [ops.ones((), x.dtype) if mask is None else mask for mask in (outputs, inputs)]

    def get_initial_states(self, x) -> list:
        """The states before the first step."""
        return self.zero_states((x.shape[0], *x.shape[2:]))

    def preprocess_input(self, x):
        """What the inputs contribute, at all steps at once."""
        return _projected(self.cell, x)

    def step(self, x, states: Sequence) -> tuple:
        """`(output, new states)` of one step, for what `preprocess_input` made of its inputs."""
        count = len(self.state_size)
        dropped = states[count] if len(states) > count else None
        return self.cell.step(x, list(states[:count]), (None, dropped))

    def conv_step(self, x, W, b=None, border_mode: str = "valid"):  # noqa: N803 - Keras's name
        """The convolution of a `ConvLSTM2D`'s inputs at one step."""
        outputs = nn.conv(x, W, self.cell.strides, border_mode, self.cell.data_format)
        if b is None:
            return outputs
        last = self.cell.data_format == "channels_last"
        return ops.add(outputs, b if last else ops.reshape(b, (-1, 1, 1)))

    def conv_step_hidden(self, x, W, border_mode: str = "valid"):  # noqa: N803 - Keras's name
        """The convolution of a `ConvLSTM2D`'s outputs at one step."""
        return nn.conv(x, W, 1, border_mode, self.cell.data_format)


class Recurrent(Layer, metaclass=abc.ABCMeta):
    """A base for recurrent layers of one's own, as in Keras 1 and 2; the library's are instances of it too.

    A subclass has `build`, which sets `states` to as many None as there are states, `output_dim` or `units`, and
    `step(x, states) -> (output, new states)`. It may override `get_constants(x)`, what every step finds after its
    states, `get_initial_states(x)` or `get_initial_state(x)`, `preprocess_input(x)` for all steps at once, and
    `reset_states()`.

    Args:
        weights: list of arrays to begin with.
        return_sequences: whether the outputs of all steps come back, or the last one only.
        go_backwards: whether time runs from the end.
        stateful: whether the states of one batch are the first states of the next.
        unroll: whether every step is compiled by itself.
        consume_less, implementation: for the subclass, in the words of Keras 1 and of Keras 2.
        return_state: whether the last states come back too: `[outputs, *states]`.

    Called with `(sequences, initial_state=None, mask=None)`; `sequences` may be the list `[sequences, *initial_state]`.

    Example:
        >>> class Sum(Recurrent):
        ...     def build(self, input_shape):
        ...         self.output_dim, self.states = input_shape[-1], [None]
        ...     def step(self, x, states):
        ...         return x + states[0], [x + states[0]]
        >>> Sum()(np.ones((1, 3, 2), "float32")).tolist()
        [[3.0, 3.0]]
    """

    supports_masking = True
    output_dim: int
    states: list = []
    state_spec = None
    dropout = recurrent_dropout = 0.0

    def __init__(
        self, weights: Sequence | None = None, return_sequences: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, consume_less: str = "cpu", implementation: int = 0,
        return_state: bool = False, **kwargs,
    ):  # fmt: skip
        super().__init__(weights=weights, **kwargs)
        self.return_sequences, self.go_backwards, self.stateful = return_sequences, go_backwards, stateful
        self.unroll, self.consume_less, self.implementation = unroll, consume_less, implementation
        self.return_state = return_state
        self.input_spec = InputSpec(min_ndim=3)

    @property
    def _size(self) -> int:
        return self.output_dim if "output_dim" in vars(self) else self.units

    def step(self, x, states: Sequence) -> tuple:
        """`(output, new states)` of one step."""
        raise NotImplementedError(f"{type(self).__name__} needs a `step(x, states)` method")

    def get_constants(self, x) -> list:
        """What every step finds after its states."""
        return []

    def get_initial_states(self, x) -> list:
        """The states before the first step: zeros `(batch, output_dim)`."""
        return [ops.zeros((x.shape[0], self._size), x.dtype) for _ in self.states]

    def get_initial_state(self, inputs) -> list:
        """The same in the words of Keras 2."""
        return self.get_initial_states(inputs)

    def preprocess_input(self, x):
        """What steps are given of `(batch, time, ...)`."""
        return x

    def reset_states(self, states: Sequence | None = None) -> None:
        """Set the states of a stateful layer to zero, or to arrays; make them, where `states` has None so far.

        Raises ValueError if it is not stateful, for another number of states, and without a known batch size.
        """
        if not self.stateful:
            raise ValueError(f"{self.name} is not stateful: it has no states to reset")
        if any(state is None for state in self.states):
            batch = (jax.tree.leaves(self.input_spec)[0].shape or [None])[0]
            if batch is None:
                raise ValueError(
                    f"{self.name} is stateful: it needs a known batch size. Give `batch_shape=(batch, time, features)`"
                )
            zeros = np.zeros((batch, self._size), self.variable_dtype)
            self.states = [Variable(zeros, trainable=False) for _ in self.states]
        values = [np.zeros(cell.shape) for cell in self.states] if states is None else list(states)
        for cell, value in zip(self.states, values, strict=True):
            cell.assign(value)

    def __call__(self, x, *args, **kwargs):
        if isinstance(x, list | tuple):  # the states lie beside the sequences
            x, *kwargs["initial_state"] = x
        return super().__call__(x, *args, **kwargs)

    def call(self, x, mask=None, initial_state=None):
        if self.stateful and not all(isinstance(state, Variable) for state in self.states):
            raise ValueError(
                f"{self.name} is stateful: its `build` has to set `states` to cells such as "
                "K.zeros((batch_size, output_dim))"
            )
        own = [cell.value for cell in self.states] if self.stateful else None
        first = jax.tree.leaves(initial_state) or own or self.get_initial_state(x)
        if len(first) != len(self.states):
            raise ValueError(f"{self.name} has {len(self.states)} states; got {len(first)} to begin with")
        outputs, states = run_steps(self, x, first, mask)
        for cell, state in zip(self.states, states, strict=True) if self.stateful else ():
            cell.assign(state)
        return [outputs, *states] if self.return_state else outputs

    def compute_mask(self, inputs, previous_mask=None):
        mask = previous_mask[0] if isinstance(previous_mask, list | tuple) else previous_mask
        mask = mask if self.return_sequences else None
        return [mask] + [None] * len(self.states) if self.return_state else mask


class ConvRecurrent2D(Recurrent):
    """The same over films `(batch, time, rows, columns, channels)`, or with the channels after the time for 'th'.

    Args:
        nb_filter, nb_row, nb_col: of the convolution, for the subclass.
        dim_ordering: 'tf', 'th', or None for the global setting.
    """

    def __init__(
        self, weights: Sequence | None = None, nb_row: int | None = None, nb_col: int | None = None,
        nb_filter: int | None = None, return_sequences: bool = False, go_backwards: bool = False,
        stateful: bool = False, dim_ordering: str | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(weights, return_sequences, go_backwards, stateful, **kwargs)
        self.nb_row, self.nb_col, self.nb_filter, self.dim_ordering = nb_row, nb_col, nb_filter, dim_ordering
        self.input_spec = InputSpec(ndim=5)

    def get_constants(self, X, train: bool = False) -> list:  # noqa: N803 - Keras's name
        """What every step finds after its states."""
        return super().get_constants(X)
