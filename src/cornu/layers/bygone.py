"""Layers of Keras 1 and 2 that later versions left out."""

from collections.abc import Sequence

from .. import registry
from ..ops import nn
from ..ops import numpy as ops
from .arguments import keep, positive, weight
from .conv import PADDINGS, Conv1D, Conv2D, Conv2DTranspose
from .core import Dense
from .layer import Layer
from .recurrent import GRU, LSTM
from .spec import InputSpec


@registry.member("layers")
class MaxoutDense(Layer):
    """The largest of `nb_feature` linear maps, for each output: `max_k(x @ kernel[k] + bias[k])`.

    Goodfellow et al., 2013.

    Args:
        units: int, size of the outputs.
        nb_feature: int, how many maps.
        use_bias, `kernel_*`, `bias_*`: as in `Dense`.
    """

    def __init__(
        self, units: int, nb_feature: int = 4, use_bias: bool = True, kernel_initializer="glorot_uniform",
        bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        keep(self, locals())
        positive(units, "MaxoutDense: `units`")
        positive(nb_feature, "MaxoutDense: `nb_feature`")
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape):
        self.kernel = weight(self, "kernel", (self.nb_feature, input_shape[-1], self.units))
        self.bias = weight(self, "bias", (self.nb_feature, self.units)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs):
        outputs = ops.einsum("bi,kio->bko", inputs, self.kernel)
        return ops.max(outputs if self.bias is None else outputs + self.bias, axis=1)


@registry.member("layers")
class Highway(Layer):
    """`t * activation(x @ kernel + bias) + (1 - t) * x`, with `t = sigmoid(x @ kernel_carry + bias_carry)`.

    Srivastava et al., 2015.

    Args:
        activation: name or function; none if None.
        use_bias, `kernel_*`, `bias_*`: as in `Dense`; `bias_carry` begins at one.
    """

    def __init__(
        self, activation=None, use_bias: bool = True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        keep(self, locals())
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape):
        size = input_shape[-1]
        self.kernel = weight(self, "kernel", (size, size))
        self.kernel_carry = self.add_weight((size, size), self.kernel_initializer, name="kernel_carry")
        self.bias = self.bias_carry = None
        if self.use_bias:
            self.bias = weight(self, "bias", (size,))
            self.bias_carry = self.add_weight((size,), "ones", name="bias_carry")
        self.input_spec = InputSpec(ndim=2, axes={-1: size})

    def call(self, inputs):
        linear = lambda kernel, bias: ops.matmul(inputs, kernel) + (0 if bias is None else bias)  # noqa: E731
        share = nn.sigmoid(linear(self.kernel_carry, self.bias_carry))
        return share * self.activation(linear(self.kernel, self.bias)) + (1 - share) * inputs


@registry.member("layers")
class TimeDistributedDense(Dense):
    """`Dense` at each time step of `(batch, time, features)`; arguments as there."""

    def build(self, input_shape):
        super().build(input_shape)
        self.input_spec = InputSpec(ndim=3, axes={-1: input_shape[-1]})


MERGES = {  # `mode` of a TimeDistributedMerge -> what it does over the steps
    "ave": lambda x: ops.mean(x, axis=1),
    "max": lambda x: ops.max(x, axis=1),
    "mul": lambda x: ops.prod(x, axis=1),
    "sum": lambda x: ops.sum(x, axis=1),
}


@registry.member("layers")
class TimeDistributedMerge(Layer):
    """All steps of `(batch, time, features)` merged into one, `(batch, features)` (Keras 0).

    Args:
        mode: 'sum', 'mul', 'ave' or 'max'.

    Raises ValueError for another.
    """

    def __init__(self, mode: str = "sum", **kwargs):
        super().__init__(**kwargs)
        if mode not in MERGES:
            raise ValueError(f"TimeDistributedMerge: `mode` is one of {', '.join(MERGES)}; got {mode!r}")
        self.mode = mode
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs):
        return MERGES[self.mode](inputs)


def _handed_on(given: dict, *kept: str) -> dict:
    """A constructor's arguments, `locals()`, as those of the class that it comes from; without those it keeps."""
    own = ("self", "kwargs", "__class__", *kept)
    return {name: value for name, value in given.items() if name not in own} | given["kwargs"]


@registry.member("layers")
class AtrousConvolution1D(Conv1D):
    """`Conv1D` with holes in its window, as wide as `dilation_rate` says; arguments as there."""


@registry.member("layers")
class AtrousConvolution2D(Conv2D):
    """`Conv2D` with holes in its window, as wide as `dilation_rate` says; arguments as there."""


@registry.member("layers")
class Deconvolution2D(Conv2DTranspose):
    """`Conv2DTranspose` to outputs of a size that is said.

    Args:
        filters: int, channels of the outputs.
        kernel_size, strides: int, or one each for rows and columns, of the convolution that is turned round.
        padding: 'valid', 'same' or 'full', of that convolution.
        output_shape: `(batch, rows, columns, channels)` of the outputs, or with the channels after the batch;
            the batch does not count. As `Conv2DTranspose` has it if None.
        data_format, activation, ...: as in `Conv2DTranspose`.

    Raises ValueError where no inputs lead to such outputs.

    Example:
        >>> layer = Deconvolution2D(3, 3, strides=2, output_shape=(None, 10, 10, 3), padding="same")
        >>> layer(np.ones((1, 5, 5, 8), "float32")).shape
        (1, 10, 10, 3)
    """

    paddings = PADDINGS[:3]

    def __init__(
        self, filters: int, kernel_size, strides=1, padding: str = "valid", output_padding=None,
        data_format: str | None = None, dilation_rate=1, activation=None, use_bias: bool = True,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
        output_shape: Sequence[int | None] | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(**_handed_on(locals(), "output_shape"))
        if output_shape is not None and len(output_shape) != 4:
            raise ValueError(
                f"Deconvolution2D: `output_shape` has four sizes, batch included; got {output_shape}"
            )
        self.stated_shape = None if output_shape is None else tuple(output_shape)

    def call(self, inputs):
        if self.stated_shape is None:
            return super().call(inputs)
        options = {**self.options(), "output_shape": self.stated_shape[1:]}
        del options["dilation_rate"]
        return self.finish(nn.deconv(inputs, self.kernel, **options))


CUDNN = {"activation": "tanh", "recurrent_activation": "sigmoid"}  # what cuDNN's kernels compute


@registry.member("layers")
class CuDNNLSTM(LSTM):
    """`LSTM` with the activations that cuDNN has, tanh and sigmoid (Keras 2); arguments as there."""

    def __init__(
        self, units: int, kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal",
        bias_initializer="zeros", unit_forget_bias: bool = True, kernel_regularizer=None, recurrent_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None,
        bias_constraint=None, return_sequences: bool = False, return_state: bool = False, stateful: bool = False,
        **kwargs,
    ):  # fmt: skip
        super().__init__(**_handed_on(locals()), **CUDNN)


@registry.member("layers")
class CuDNNGRU(GRU):
    """`GRU` with the activations that cuDNN has, tanh and sigmoid, and two biases (Keras 2); arguments as there."""

    def __init__(
        self, units: int, kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal",
        bias_initializer="zeros", kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
        return_sequences: bool = False, return_state: bool = False, stateful: bool = False, **kwargs,
    ):  # fmt: skip
        super().__init__(**_handed_on(locals()), **CUDNN, reset_after=True)
