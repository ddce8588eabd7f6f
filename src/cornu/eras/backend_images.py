"""`keras.backend`: convolutions, pooling, padding and resizing, of sequences, images and volumes.

On Theano (the default of era 1) kernels are flipped, and 'same' lays its windows as Theano did.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import config, dtypes
from ..ops import image, nn
from ..ops import numpy as ops
from ..ops.wrap import op
from .backend_maths import int_shape, ndim
from .backend_sizes import numbers
from .backend_table import entry

# ---- convolutions ------------------------------------------------------------------------------


def _of_engine(kernel, padding: str, engine: str) -> tuple:
    """Kernel and padding as the engine understood them that held when the function was called."""
    kernel = dtypes.as_array(kernel)
    if engine != "theano":
        return kernel, padding
    return jnp.flip(kernel, range(kernel.ndim - 2)), "half" if padding == "same" else padding


@op
def convolved(x, kernel, strides, padding, data_format, dilation_rate, engine):
    """Convolution of any rank, by a kernel `(*size, in, out)`."""
    kernel, padding = _of_engine(kernel, padding, engine)
    return nn.conv(x, kernel, strides, padding, data_format, dilation_rate)


@entry
def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution over time: `x` is `(batch, time, channels)`, the kernel `(length, in, out)`."""
    return convolved(x, kernel, strides, padding, data_format, dilation_rate, config.backend())


@entry
def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """Convolution over images, by a kernel `(rows, columns, in, out)`."""
    return convolved(x, kernel, strides, padding, data_format, dilation_rate, config.backend())


@entry
def conv3d(x, kernel, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1)):
    """Convolution over volumes, by a kernel `(*size, in, out)`."""
    return convolved(x, kernel, strides, padding, data_format, dilation_rate, config.backend())


@op
def _transposed(x, kernel, output_shape, strides, padding, data_format, engine, dilation_rate=(1, 1)):
    """The transpose of the convolution that makes `x` of what has `output_shape`."""
    kernel, padding = _of_engine(kernel, padding, engine)
    if any(rate != 1 for rate in dilation_rate):  # zeros between its places
        gaps = [(0, 0, rate - 1) for rate in dilation_rate]
        kernel = lax.pad(kernel, kernel.dtype.type(0), [*gaps, (0, 0, 0), (0, 0, 0)])
    return nn.deconv(x, kernel, numbers(output_shape[1:]), strides, padding, data_format)


@entry
def conv2d_transpose(
    x, kernel, output_shape, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """Transposed convolution over images, by a kernel `(rows, columns, out, in)`.

    Args:
        output_shape: of the whole output; its batch size is that of `x`, whatever is said.
    """
    shape, engine = tuple(output_shape), config.backend()
    return _transposed(x, kernel, shape, strides, padding, data_format, engine, tuple(dilation_rate))


@entry
def conv3d_transpose(x, kernel, output_shape, strides=(1, 1, 1), padding="valid", data_format=None):
    """Transposed convolution over volumes, by a kernel `(*size, out, in)`; arguments as in `conv2d_transpose`."""
    return _transposed(x, kernel, tuple(output_shape), strides, padding, data_format, config.backend())


@entry
def depthwise_conv2d(
    x, depthwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """Convolution of each channel by itself, by a kernel `(rows, columns, channels, multiplier)`."""
    return nn.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


@entry
def separable_conv1d(
    x, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """Convolution over time of each channel by itself, then one of length 1 that mixes them."""
    return nn.separable_conv(
        x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate
    )


@entry
def separable_conv2d(
    x, depthwise_kernel, pointwise_kernel, strides=(1, 1), padding="valid", data_format=None,
    dilation_rate=(1, 1),
):  # fmt: skip
    """Convolution over images of each channel by itself, then one of size 1 that mixes them."""
    return nn.separable_conv(
        x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate
    )


@entry
@op
def local_conv1d(inputs, kernel, kernel_size, strides, data_format=None):
    """Convolution with a kernel of its own at each place: `(places, length * in, out)`."""
    return _local(inputs, kernel, kernel_size, strides, (kernel.shape[0],), data_format)


@entry
@op
def local_conv2d(inputs, kernel, kernel_size, strides, output_shape, data_format=None):
    """Convolution with a kernel of its own at each place: `(places, rows * columns * in, out)`."""
    return _local(inputs, kernel, kernel_size, strides, output_shape, data_format)


def _local(inputs, kernel, kernel_size: Sequence, strides: Sequence, output_shape: Sequence, data_format):
    inputs, first = dtypes.as_array(inputs), config.standardize_data_format(data_format) == "channels_first"
    rank = inputs.ndim - 2
    windows = jnp.moveaxis(inputs, 1, -1) if first else inputs  # (batch, *space, channels)
    for axis in range(rank):  # each axis of space becomes two: the place, and where in the window there
        at = np.arange(output_shape[axis])[:, None] * strides[axis] + np.arange(kernel_size[axis])
        windows = jnp.moveaxis(jnp.take(windows, at, axis=1 + axis), axis + 2, -2)
    places = int(np.prod(output_shape))
    if first:  # the kernel was flattened with the channels first
        windows = jnp.moveaxis(windows, -1, 1 + rank)
    flat = windows.reshape(inputs.shape[0], places, -1)
    out = jnp.einsum("bpk,pkf->bpf", flat, kernel).reshape(inputs.shape[0], *output_shape, -1)
    return jnp.moveaxis(out, -1, 1) if first else out


# ---- pooling -----------------------------------------------------------------------------------


POOLS = {"avg": nn.average_pool, "max": nn.max_pool}


def _pooled(x, pool_size, strides, padding, data_format, pool_mode):
    if pool_mode not in POOLS:
        raise ValueError(f"`pool_mode` is 'max' or 'avg'; got {pool_mode!r}")
    if padding == "same" and config.backend() == "theano" and len(pool_size) < 3:
        padding = "shifted"
    return POOLS[pool_mode](x, tuple(pool_size), tuple(strides), padding, data_format)


@entry
def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    """The largest value ('max') or the mean ('avg') of windows of images."""
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


@entry
def pool3d(x, pool_size, strides=(1, 1, 1), padding="valid", data_format=None, pool_mode="max"):
    """The largest value ('max') or the mean ('avg') of windows of volumes."""
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


# ---- padding -----------------------------------------------------------------------------------


def padded(x, padding: Sequence, data_format: str | None):
    """Zeros added before and after each axis of space: a number for both, or two."""
    pairs = [(each, each) if np.ndim(each) == 0 else tuple(each) for each in padding]
    if len(pairs) != ndim(x) - 2:
        raise ValueError(f"padding: expected {ndim(x) - 2} pairs for shape {int_shape(x)}; got {padding}")
    none = [(0, 0)]
    last = config.standardize_data_format(data_format) == "channels_last"
    return ops.pad(x, [*none, *pairs, *none] if last else [*none, *none, *pairs])


@entry
def temporal_padding(x, padding=(1, 1)):
    """Zeros added before and after the time axis of `(batch, time, channels)`."""
    return padded(x, [padding], "channels_last")


@entry
def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Zeros added around images: `((top, bottom), (left, right))`."""
    return padded(x, padding, data_format)


@entry
def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Zeros added around volumes, a pair an axis."""
    return padded(x, padding, data_format)


# ---- sizes -------------------------------------------------------------------------------------


def enlarged(x, factors: Sequence[int], data_format: str | None):
    """Each element repeated along the axes of space."""
    first = 1 if config.standardize_data_format(data_format) == "channels_last" else 2
    for axis, factor in enumerate(factors, first):
        x = ops.repeat(x, factor, axis)
    return x


@entry
def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    """Images enlarged by whole factors, by repetition or 'bilinear'."""
    if interpolation == "nearest":
        return enlarged(x, (height_factor, width_factor), data_format)
    if interpolation != "bilinear":
        raise ValueError(
            f"K.resize_images: `interpolation` is 'nearest' or 'bilinear'; got {interpolation!r}"
        )
    return _bilinear(x, height_factor, width_factor, data_format)


@op
def _bilinear(x, height_factor, width_factor, data_format):
    first = 1 if config.standardize_data_format(data_format) == "channels_last" else 2
    size = (x.shape[first] * height_factor, x.shape[first + 1] * width_factor)
    return image.resize(x, size, "bilinear", data_format=data_format)


@entry
def resize_volumes(x, depth_factor, height_factor, width_factor, data_format):
    """Volumes enlarged by whole factors, by repetition."""
    return enlarged(x, (depth_factor, height_factor, width_factor), data_format)
