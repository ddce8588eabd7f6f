"""Convolutions with a kernel of its own at each place (Keras 1 and 2)."""

import itertools
import math
from collections.abc import Sequence

from .. import registry
from ..ops import numpy as ops
from ..ops.wrap import op
from .arguments import each, keep, positive, weight
from .layer import Layer
from .spec import InputSpec


@op
def local_conv(inputs, kernel, window: Sequence[int], strides: Sequence[int], data_format: str):
    """Sums of products of each window with the kernel of that place.

    Args:
        inputs: `(batch, *space, channels)`, or `(batch, channels, *space)`.
        kernel: `(places, window * channels, filters)`; for 'channels_first' the channels vary slowest.
    """
    last = data_format == "channels_last"
    first = 1 if last else 2
    space = inputs.shape[first : first + len(window)]
    out = [(size - width) // step + 1 for size, width, step in zip(space, window, strides, strict=True)]
    parts = []
    for place in itertools.product(*map(range, window)):
        index = [slice(None)] * inputs.ndim
        for axis, (start, count, step) in enumerate(zip(place, out, strides, strict=True), first):
            index[axis] = slice(start, start + (count - 1) * step + 1, step)
        part = inputs[tuple(index)]
        parts.append(part if last else ops.moveaxis(part, 1, -1))
    patches = ops.stack(parts, axis=-2 if last else -1)
    patches = ops.reshape(patches, (inputs.shape[0], kernel.shape[0], kernel.shape[1]))
    outputs = ops.reshape(
        ops.einsum("bpn,pnf->bpf", patches, kernel), (inputs.shape[0], *out, kernel.shape[2])
    )
    return outputs if last else ops.moveaxis(outputs, -1, 1)


class _LocallyConnected(Layer):
    rank = 1

    def __init__(
        self, filters: int, kernel_size, strides=1, padding: str = "valid", data_format: str | None = None,
        activation=None, use_bias: bool = True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        who = type(self).__name__
        positive(filters, f"{who}: `filters`")
        kernel_size = each(kernel_size, self.rank, f"{who}: `kernel_size`")
        strides = each(strides, self.rank, f"{who}: `strides`")
        if padding.lower() != "valid":
            raise ValueError(f"{who}: `padding` is 'valid'; got {padding!r}")
        keep(self, locals())
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape):
        last = self.data_format == "channels_last"
        space = tuple(input_shape[1:-1] if last else input_shape[2:])
        channels = input_shape[-1 if last else 1]
        if None in (*space, channels):
            raise ValueError(
                f"{type(self).__name__} layer {self.name!r} has a kernel for each place: all sizes of the inputs "
                f"but the batch must be known; got {tuple(input_shape)}"
            )
        sizes = zip(space, self.kernel_size, self.strides, strict=True)
        self.places = [(size - width) // step + 1 for size, width, step in sizes]
        if min(self.places) < 1:
            raise ValueError(f"{self.name}: inputs of shape {tuple(input_shape)} are smaller than the window")
        shape = (math.prod(self.places), math.prod(self.kernel_size) * channels, self.filters)
        self.kernel = weight(self, "kernel", shape)
        self.bias = weight(self, "bias", (*self.places, self.filters)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes=dict(enumerate(input_shape[1:], 1)))

    def call(self, inputs):
        outputs = local_conv(inputs, self.kernel, self.kernel_size, self.strides, self.data_format)
        if self.bias is not None:
            # in the order in which the numbers lie, as Keras had it, whatever the axes mean
            outputs = outputs + ops.reshape(self.bias, (1, *outputs.shape[1:]))
        return self.activation(outputs)


@registry.member("layers")
class LocallyConnected1D(_LocallyConnected):
    """`Conv1D` with a kernel and a bias of its own at each step.

    Args:
        filters, kernel_size, strides, data_format, activation, ...: as in `Conv1D`.
        padding: 'valid'.

    Example:
        >>> LocallyConnected1D(4, 3)(np.ones((2, 10, 5), "float32")).shape
        (2, 8, 4)
    """


@registry.member("layers")
class LocallyConnected2D(_LocallyConnected):
    """`Conv2D` with a kernel and a bias of its own at each place.

    Args:
        filters, kernel_size, strides, data_format, activation, ...: as in `Conv2D`.
        padding: 'valid'.
    """

    rank = 2
