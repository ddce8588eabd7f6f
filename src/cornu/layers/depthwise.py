"""Convolutions of each channel by itself, alone or followed by a mix of the channels."""

from .. import registry
from ..ops import nn
from .arguments import weight
from .conv import _Convolution


class _DepthwiseConv(_Convolution):
    def __init__(
        self, kernel_size, strides=1, padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate=1, activation=None, use_bias: bool = True,
        depthwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, depthwise_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.settle(locals(), "depth_multiplier")
        self.kernel_initializer = self.depthwise_initializer
        self.kernel_regularizer, self.kernel_constraint = (
            self.depthwise_regularizer,
            self.depthwise_constraint,
        )

    def build(self, input_shape):
        channels = self.channels(input_shape)
        self.kernel = weight(self, "kernel", (*self.kernel_size, channels, self.depth_multiplier))
        self.make_bias(channels * self.depth_multiplier)

    def call(self, inputs):
        return self.finish(nn.depthwise_conv(inputs, self.kernel, **self.options()))


@registry.member("layers")
class DepthwiseConv1D(_DepthwiseConv):
    """Convolution over time of each channel by itself.

    Args:
        kernel_size, strides, padding, data_format, dilation_rate: as in `Conv1D`.
        depth_multiplier: int, channels that come out for one that goes in.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel.
        activation, use_bias, `bias_*`: as in `Dense`.
    """


@registry.member("layers")
class DepthwiseConv2D(_DepthwiseConv):
    """Convolution over images of each channel by itself.

    Args:
        kernel_size, strides, dilation_rate: int, or one each for rows and columns.
        padding, depth_multiplier, data_format, activation, ...: as in `DepthwiseConv1D`.

    Example:
        >>> DepthwiseConv2D(3, depth_multiplier=2)(np.ones((1, 8, 8, 3), "float32")).shape
        (1, 6, 6, 6)
    """

    rank = 2


class _SeparableConv(_Convolution):
    def __init__(
        self, filters: int, kernel_size, strides=1, padding: str = "valid", data_format: str | None = None,
        dilation_rate=1, depth_multiplier: int = 1, activation=None, use_bias: bool = True,
        depthwise_initializer="glorot_uniform", pointwise_initializer="glorot_uniform", bias_initializer="zeros",
        depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.settle(locals(), "filters", "depth_multiplier")

    def build(self, input_shape):
        channels, deep = self.channels(input_shape), self.depth_multiplier
        ones = (1,) * self.rank
        self.depthwise_kernel = self.kernel("depthwise", (*self.kernel_size, channels, deep))
        self.pointwise_kernel = self.kernel("pointwise", (*ones, channels * deep, self.filters))
        self.make_bias(self.filters)

    def kernel(self, kind: str, shape: tuple[int, ...]):
        said = {
            part: getattr(self, f"{kind}_{part}") for part in ("initializer", "regularizer", "constraint")
        }
        return self.add_weight(shape, name=f"{kind}_kernel", **said)

    def call(self, inputs):
        kernels = self.depthwise_kernel, self.pointwise_kernel
        return self.finish(nn.separable_conv(inputs, *kernels, **self.options()))


@registry.member("layers")
class SeparableConv1D(_SeparableConv):
    """Depthwise convolution over time, then a mix of the channels.

    Args:
        filters: int, channels of the outputs.
        kernel_size, strides, padding, data_format, dilation_rate: as in `Conv1D`.
        depth_multiplier: int, channels between the two for one that goes in.
        `depthwise_*`, `pointwise_*`, `bias_*`: of the three weights, as in `Dense`.
    """

    paddings = ("valid", "same", "causal")


@registry.member("layers")
class SeparableConv2D(_SeparableConv):
    """Depthwise convolution over images, then a mix of the channels.

    Args:
        kernel_size, strides, dilation_rate: int, or one each for rows and columns.
        filters, padding, depth_multiplier, data_format, ...: as in `SeparableConv1D`.

    Example:
        >>> SeparableConv2D(4, 3)(np.ones((1, 8, 8, 3), "float32")).shape
        (1, 6, 6, 4)
    """

    rank = 2
