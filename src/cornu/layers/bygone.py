"""Layers of Keras 1 that later versions left out."""

from .. import registry
from ..ops import nn
from ..ops import numpy as ops
from .arguments import keep, positive, weight
from .core import Dense
from .layer import Layer
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
