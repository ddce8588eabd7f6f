"""Convolutions and their transposes, over one to three spatial axes, in both data formats."""

from .. import config, registry
from ..ops import nn
from ..ops import numpy as ops
from .arguments import each, keep, positive, weight
from .layer import Layer
from .spec import InputSpec

PADDINGS = ("valid", "same", "full", "causal")


class _Convolution(Layer):
    """What all convolutions share: sizes for each of `rank` axes, a channel axis, a bias, an activation."""

    rank = 1
    paddings = PADDINGS[:3]

    def settle(self, given: dict, *counts: str) -> None:
        """Check and keep the constructor's arguments; `counts` are whole numbers above zero."""
        who = type(self).__name__
        for name in counts:
            positive(given[name], f"{who}: `{name}`")
        sizes = {
            name: each(given[name], self.rank, f"{who}: `{name}`")
            for name in ("kernel_size", "strides", "dilation_rate")
        }
        padding = given["padding"].lower()
        if padding not in self.paddings:
            raise ValueError(
                f"{who}: `padding` is one of {', '.join(self.paddings)}; got {given['padding']!r}"
            )
        keep(self, {**given, **sizes, "padding": padding})
        self.theano = config.backend() == "theano"
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def channels(self, input_shape) -> int:
        """How many channels come in; from now on no other number may."""
        number = input_shape[self.channel_axis]
        if number is None:
            raise ValueError(
                f"{type(self).__name__} layer {self.name!r}: axis {self.channel_axis} of the inputs, the channels, "
                f"needs a known size; got {tuple(input_shape)} ({self.data_format})"
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: number})
        return number

    def make_bias(self, size: int) -> None:
        self.bias = weight(self, "bias", (size,)) if self.use_bias else None

    def options(self) -> dict:
        """What the op is told besides inputs and kernels."""
        names = ("strides", "padding", "data_format", "dilation_rate")
        made = {name: getattr(self, name) for name in names}
        if self.padding == "same" and self.theano:
            made["padding"] = "half"  # where Theano laid windows of even size, and strides
        return made

    def finish(self, outputs):
        """Add the bias and apply the activation."""
        if self.bias is not None:
            last = self.channel_axis == -1
            outputs = outputs + (self.bias if last else ops.reshape(self.bias, (-1, *(1,) * self.rank)))
        return self.activation(outputs)


class _Conv(_Convolution):
    def __init__(
        self, filters: int, kernel_size, strides=1, padding: str = "valid", data_format: str | None = None,
        dilation_rate=1, groups: int = 1, activation=None, use_bias: bool = True,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.settle(locals(), "filters", "groups")
        if filters % groups:
            raise ValueError(
                f"{type(self).__name__}: {filters} filters cannot be shared among {groups} groups"
            )

    def build(self, input_shape):
        channels = self.channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{type(self).__name__} layer {self.name!r}: {channels} input channels cannot be shared among "
                f"{self.groups} groups"
            )
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.make_bias(self.filters)

    def call(self, inputs):
        return self.activation(nn.conv(inputs, self.kernel, **self.options(), bias=self.bias))


@registry.member("layers")
class Conv1D(_Conv):
    """Convolution over time: `activation(conv(x, kernel) + bias)`.

    Args:
        filters: int, channels of the outputs.
        kernel_size: int, length of the window.
        strides: int, step of the window.
        padding: 'valid' (none), 'same' (as many steps out as in), 'causal' (looks back only) or 'full'.
        data_format: 'channels_last', inputs `(batch, steps, channels)`, or 'channels_first'.
        dilation_rate: int, distance of the places in a window.
        groups: int, how many parts the channels are split into, each with filters of its own.
        activation, use_bias, `*_initializer`, `*_regularizer`, `*_constraint`: as in `Dense`.

    Example:
        >>> Conv1D(4, 3, padding="same")(np.ones((2, 10, 5), "float32")).shape
        (2, 10, 4)
    """

    paddings = PADDINGS


@registry.member("layers")
class Conv2D(_Conv):
    """Convolution over images: `activation(conv(x, kernel) + bias)`.

    Args:
        filters: int, channels of the outputs.
        kernel_size, strides, dilation_rate: int, or one each for rows and columns.
        padding: 'valid' (none), 'same' or 'full'.
        data_format: 'channels_last', inputs `(batch, rows, columns, channels)`, or 'channels_first'.
        groups, activation, ...: as in `Conv1D`.

    Example:
        >>> Conv2D(8, (3, 3))(np.ones((2, 28, 28, 1), "float32")).shape
        (2, 26, 26, 8)
    """

    rank = 2


@registry.member("layers")
class Conv3D(_Conv):
    """Convolution over volumes: `activation(conv(x, kernel) + bias)`.

    Args:
        kernel_size, strides, dilation_rate: int, or one for each of the three axes.
        data_format: 'channels_last', inputs `(batch, depth, rows, columns, channels)`, or 'channels_first'.
        filters, padding, groups, activation, ...: as in `Conv2D`.
    """

    rank = 3


class _ConvTranspose(_Convolution):
    paddings = PADDINGS[:2]

    def __init__(
        self, filters: int, kernel_size, strides=1, padding: str = "valid", output_padding=None,
        data_format: str | None = None, dilation_rate=1, activation=None, use_bias: bool = True,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        who = type(self).__name__
        if output_padding is not None:
            output_padding = each(output_padding, self.rank, f"{who}: `output_padding`", least=0)
            steps = each(strides, self.rank, f"{who}: `strides`")
            if any(more >= step for more, step in zip(output_padding, steps, strict=True)):
                raise ValueError(f"{who}: output_padding={output_padding} must be below strides={steps}")
        self.settle(locals(), "filters")

    def build(self, input_shape):
        self.kernel = weight(self, "kernel", (*self.kernel_size, self.filters, self.channels(input_shape)))
        self.make_bias(self.filters)

    def call(self, inputs):
        options = {**self.options(), "padding": self.padding, "output_padding": self.output_padding}
        return self.finish(nn.conv_transpose(inputs, self.kernel, **options))


@registry.member("layers")
class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution over time: makes long sequences of short ones.

    Args:
        filters: int, channels of the outputs.
        kernel_size: int, length of the window.
        strides: int, how many steps come out for one that goes in.
        padding: 'valid' or 'same'.
        output_padding: int, steps added at the end, below `strides`; what fits if None.
        data_format, dilation_rate, activation, ...: as in `Conv1D`.
    """


@registry.member("layers")
class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over images: makes large ones of small ones.

    Args:
        kernel_size, strides, output_padding, dilation_rate: int, or one each for rows and columns.
        filters, padding, data_format, activation, ...: as in `Conv1DTranspose`.

    Example:
        >>> Conv2DTranspose(3, 2, strides=2)(np.ones((1, 4, 4, 8), "float32")).shape
        (1, 8, 8, 3)
    """

    rank = 2


@registry.member("layers")
class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over volumes.

    Args:
        kernel_size, strides, output_padding, dilation_rate: int, or one for each of the three axes.
        filters, padding, data_format, activation, ...: as in `Conv1DTranspose`.
    """

    rank = 3

    def __init__(
        self, filters: int, kernel_size, strides=1, padding: str = "valid", data_format: str | None = None,
        output_padding=None, dilation_rate=1, activation=None, use_bias: bool = True,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        # written out since Keras 3 has data_format and output_padding the other way round in this one class
        given = {
            name: value for name, value in locals().items() if name not in ("self", "kwargs", "__class__")
        }
        super().__init__(**given, **kwargs)
