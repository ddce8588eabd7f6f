"""Recurrent layers whose products are convolutions, for films and the like."""

from .. import registry, symbol
from ..ops import nn
from ..ops import numpy as ops
from ..ops.recurrent import lstm_step
from ..symbol import Symbol
from .arguments import each, positive
from .cells import _Cell, _dropped
from .recurrent import RNN
from .recurrent_steps import ConvRecurrent2D


class ConvLSTMCell(_Cell):
    """One step of `ConvLSTM1D`, 2D and 3D: an LSTM whose products are convolutions.

    Args:
        rank: int, how many axes of space.
        filters, ..., seed: as in `ConvLSTM2D`.
    """

    gates, states = 4, 2

    def __init__(
        self, rank: int, filters: int, kernel_size, strides=1, padding: str = "valid", data_format: str | None = None,
        dilation_rate=1, activation="tanh", recurrent_activation="sigmoid", use_bias: bool = True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        unit_forget_bias: bool = True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: int | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        kernel_size = each(kernel_size, rank, "ConvLSTM: `kernel_size`")
        strides = each(strides, rank, "ConvLSTM: `strides`")
        dilation_rate = each(dilation_rate, rank, "ConvLSTM: `dilation_rate`")
        padding = padding.lower()
        if padding not in ("valid", "same"):
            raise ValueError(f"ConvLSTM: `padding` is 'valid' or 'same'; got {padding!r}")
        positive(filters, "ConvLSTM: `filters`")
        self.settle({**locals(), "units": filters})

    def build(self, input_shape):
        last = self.data_format == "channels_last"
        wide, channels = 4 * self.filters, input_shape[-1 if last else 1]
        self.kernel = self.matrix("kernel", (*self.kernel_size, channels, wide))
        self.recurrent_kernel = self.matrix(
            "recurrent_kernel", (*self.kernel_size, self.filters, wide), "recurrent"
        )
        self.make_bias(wide)

    def state_shape(self, shape: tuple) -> tuple:
        made = symbol.infer(self._convolved, Symbol(shape, self.compute_dtype)).shape
        return (
            (*made[:-1], self.filters)
            if self.data_format == "channels_last"
            else (made[0], self.filters, *made[2:])
        )

    def _convolved(self, inputs):
        return nn.conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def project(self, inputs, noise):
        if noise[0] is not None:
            inputs = inputs * noise[0]
        many = inputs.ndim > self.rank + 2
        flat = ops.reshape(inputs, (-1, *inputs.shape[2:])) if many else inputs
        outputs = self._convolved(flat)
        if self.bias is not None:
            bias = (
                self.bias
                if self.data_format == "channels_last"
                else ops.reshape(self.bias, (-1, *(1,) * self.rank))
            )
            outputs = outputs + bias
        return ops.reshape(outputs, (*inputs.shape[:2], *outputs.shape[1:])) if many else outputs

    def step(self, projected, states, noise):
        h, c = states
        z = projected + nn.conv(_dropped(h, noise), self.recurrent_kernel, 1, "same", self.data_format)
        axis = -1 if self.data_format == "channels_last" else 1
        h, c = lstm_step(z, c, self.activation, self.recurrent_activation, axis)
        return h, [h, c]


class _ConvLSTM(RNN):
    rank = 4  # of the sequences: batch, time, space, channels

    def __init__(
        self, filters: int, kernel_size, strides=1, padding: str = "valid", data_format: str | None = None,
        dilation_rate=1, activation="tanh", recurrent_activation="sigmoid", use_bias: bool = True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        unit_forget_bias: bool = True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
        return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, **kwargs,
    ):  # fmt: skip
        self.settle(ConvLSTMCell, {**locals(), "rank": self.rank - 3})

    def zero_states(self, shape: tuple) -> list:
        zeros = ops.zeros(self.cell.state_shape(shape), self.compute_dtype)
        return [zeros, zeros]


@registry.member("layers")
class ConvLSTM1D(_ConvLSTM):
    """LSTM over sequences `(batch, time, steps, channels)`, its products convolutions (Shi et al., 2015).

    Args:
        filters, kernel_size, strides, padding, data_format, dilation_rate: of the convolution of the inputs, as in
            `Conv1D`; that of the outputs has step 1 and keeps the size.
        activation, recurrent_activation, ..., return_state, go_backwards, stateful: as in `LSTM`.
    """


@registry.member("layers")
class ConvLSTM2D(_ConvLSTM):
    """LSTM over films `(batch, time, rows, columns, channels)`, its products convolutions (Shi et al., 2015).

    Args:
        filters, kernel_size, ..., stateful: as in `ConvLSTM1D`.

    Example:
        >>> ConvLSTM2D(4, 3, padding="same")(np.ones((1, 5, 8, 8, 2), "float32")).shape
        (1, 8, 8, 4)
    """

    rank = 5


ConvRecurrent2D.register(ConvLSTM2D)


@registry.member("layers")
class ConvLSTM3D(_ConvLSTM):
    """LSTM over sequences of volumes, its products convolutions.

    Args:
        filters, kernel_size, ..., stateful: as in `ConvLSTM1D`.
    """

    rank = 6
