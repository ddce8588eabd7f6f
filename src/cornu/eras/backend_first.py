"""`keras.backend` as Keras 1 had it, where Keras 2 had it otherwise or no more.

Kernels for 'th' are `(out, in, *size)`. `image_shape`, `volume_shape` and `filter_shape` told Theano what is known
here.
"""

import jax
import numpy as np

from .. import activations, config, scope
from ..ops import nn
from ..ops import numpy as ops
from ..symbol import is_symbol
from . import backend_ctc, backend_graph, backend_images, backend_loops, backend_maths, backend_nn
from .backend_settings import layout
from .backend_table import FIRST, first, follow_all

FIRST |= follow_all(
    {
        "x": {"softmax": nn.softmax, "stack": backend_maths.stack},
        "x, y": {"lesser": ops.less, "lesser_equal": ops.less_equal},
        "x, axis": {"l2_normalize": backend_maths.l2_normalize},
        "x, dim=-1": {"expand_dims": ops.expand_dims},
        "x, alt": {
            "in_test_phase": backend_loops.in_test_phase,
            "in_train_phase": backend_loops.in_train_phase,
        },
        "x, alpha=0.0, max_value=None": {"relu": activations.relu},
        "xs": {"batch_get_value": backend_graph.batch_get_value},
        "variable, value, momentum": {"moving_average_update": backend_graph.moving_average_update},
        "value, dtype=None, name=None": {"variable": backend_graph.variable},
        "indices, nb_classes": {"one_hot": backend_maths.one_hot},
        "fn, elems, name=None": {"map_fn": backend_loops.map_fn},
        "shape, mean=0.0, std=1.0, dtype=None, seed=None": {"random_normal": backend_nn.random_normal},
        "shape, low=0.0, high=1.0, dtype=None, seed=None": {"random_uniform": backend_nn.random_uniform},
        "x, padding=1": {"temporal_padding": backend_images.temporal_padding},
    }
)


@first
def function(inputs, outputs, updates=[], **kwargs):  # noqa: B006 - as it was
    """A function from arrays to arrays, of the graph between symbols; arguments as in `Function`."""
    return backend_graph.function(inputs, outputs, updates, **kwargs)


FIRST["Function"] = backend_graph.Function

# ---- products and joins ------------------------------------------------------------------------


@first
def batch_dot(x, y, axes=None):
    """As in Keras 2; and of two matrices, on TensorFlow, along the batch too, `x` transposed if the axes differ."""
    pair = (axes, axes) if isinstance(axes, int) else tuple(axes or ())
    matrices = backend_maths.ndim(x) == backend_maths.ndim(y) == 2
    if not matrices or 0 not in pair or config.backend() != "tensorflow":
        return backend_maths.batch_dot(x, y, axes)
    turned = x if pair[0] == pair[1] else ops.transpose(x)
    return ops.expand_dims(ops.sum(turned * y, pair[1]), 1)


@first
def concatenate(tensors, axis=-1):
    """Joined along an axis; of sparse matrices the result counts as sparse too."""
    made = backend_maths.concatenate(tensors, axis)
    if is_symbol(made):
        made.sparse = all(map(backend_maths.is_sparse, tensors))
    return made


@first
def arange(start, stop=None, step=1, dtype="int32"):
    """`start, start + step, ...` below `stop`; of 64 bits it is an array of NumPy's, where the engine has none."""
    narrow = jax.dtypes.canonicalize_dtype(dtype)
    made = backend_maths.arange(start, stop, step, narrow)
    wide = narrow != dtype and not scope.computing() and not is_symbol(made)
    return np.asarray(made).astype(dtype) if wide else made


# ---- losses: the outputs came first ------------------------------------------------------------


@first
def categorical_crossentropy(output, target, from_logits=False):
    """`-sum(target * log(output))` over the classes, outputs scaled to sum to 1; one number a row."""
    return backend_nn.categorical_crossentropy(target, output, from_logits)


@first
def sparse_categorical_crossentropy(output, target, from_logits=False):
    """`-log(output[target])`, targets whole numbers of the outputs' shape without the classes (or with 1 there)."""
    return backend_nn.sparse_categorical_crossentropy(target, output, from_logits)


@first
def binary_crossentropy(output, target, from_logits=False):
    """`-target * log(output) - (1 - target) * log(1 - output)`, element by element."""
    return backend_nn.binary_crossentropy(target, output, from_logits)


@first
def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1):
    """The most likely labels and their scores; equal neighbours that a beam search finds are joined, as they were."""
    return backend_ctc.ctc_decode(y_pred, input_length, greedy, beam_width, top_paths, merge_repeated=True)


@first
def batch_normalization(x, mean, var, beta, gamma, epsilon=1e-3):
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`; vectors are laid along the last axis."""
    return backend_nn.batch_normalization(x, mean, var, beta, gamma, epsilon=epsilon)


# ---- convolutions ------------------------------------------------------------------------------


def _kernel(kernel, dim_ordering):
    """A kernel as `(*size, in, out)`."""
    if config.standardize_data_format(layout(dim_ordering)) == "channels_last":
        return kernel
    return ops.transpose(kernel, (*range(2, ops.ndim(kernel)), 1, 0))


@first
def conv1d(x, kernel, stride=1, border_mode="valid", image_shape=None, filter_shape=None):
    """Convolution over time: `x` is `(batch, time, channels)`, the kernel `(length, in, out)`."""
    return backend_images.conv1d(x, kernel, stride, border_mode, "channels_last")


@first
def conv2d(
    x, kernel, strides=(1, 1), border_mode="valid", dim_ordering="default", image_shape=None, filter_shape=None,
    filter_dilation=(1, 1),
):  # fmt: skip
    """Convolution over images, by a kernel `(rows, columns, in, out)` for 'tf'."""
    kernel = _kernel(kernel, dim_ordering)
    return backend_images.conv2d(x, kernel, strides, border_mode, layout(dim_ordering), filter_dilation)


@first
def deconv2d(
    x, kernel, output_shape, strides=(1, 1), border_mode="valid", dim_ordering="default", image_shape=None,
    filter_shape=None,
):  # fmt: skip
    """Transposed convolution over images, by a kernel `(rows, columns, out, in)` for 'tf', `(in, out, ...)` else."""
    kernel = _kernel(kernel, dim_ordering)
    return backend_images.conv2d_transpose(
        x, kernel, output_shape, strides, border_mode, layout(dim_ordering)
    )


@first
def atrous_conv2d(
    x, kernel, rate=1, border_mode="valid", dim_ordering="default", image_shape=None, filter_shape=None
):
    """`conv2d` whose places in a window are `rate` apart."""
    kernel = _kernel(kernel, dim_ordering)
    return backend_images.conv2d(x, kernel, (1, 1), border_mode, layout(dim_ordering), (rate, rate))


@first
def separable_conv2d(
    x, depthwise_kernel, pointwise_kernel, strides=(1, 1), border_mode="valid", dim_ordering="default"
):
    """Convolution over images of each channel by itself, then one of size 1 that mixes them."""
    kernels = (_kernel(kernel, dim_ordering) for kernel in (depthwise_kernel, pointwise_kernel))
    return backend_images.separable_conv2d(x, *kernels, strides, border_mode, layout(dim_ordering))


@first
def conv3d(
    x, kernel, strides=(1, 1, 1), border_mode="valid", dim_ordering="default", volume_shape=None,
    filter_shape=None,
):  # fmt: skip
    """Convolution over volumes, by a kernel `(*size, in, out)` for 'tf'."""
    kernel = _kernel(kernel, dim_ordering)
    return backend_images.conv3d(x, kernel, strides, border_mode, layout(dim_ordering))


@first
def pool2d(x, pool_size, strides=(1, 1), border_mode="valid", dim_ordering="default", pool_mode="max"):
    """The largest value ('max') or the mean ('avg') of windows of images."""
    return backend_images.pool2d(x, pool_size, strides, border_mode, layout(dim_ordering), pool_mode)


@first
def pool3d(x, pool_size, strides=(1, 1, 1), border_mode="valid", dim_ordering="default", pool_mode="max"):
    """The largest value ('max') or the mean ('avg') of windows of volumes."""
    return backend_images.pool3d(x, pool_size, strides, border_mode, layout(dim_ordering), pool_mode)


# ---- padding and sizes -------------------------------------------------------------------------


@first
def asymmetric_temporal_padding(x, left_pad=1, right_pad=1):
    """Zeros added before and after the time axis of `(batch, time, channels)`."""
    return backend_images.temporal_padding(x, (left_pad, right_pad))


@first
def spatial_2d_padding(x, padding=(1, 1), dim_ordering="default"):
    """Zeros added around images: how many rows, and how many columns."""
    return backend_images.padded(x, padding, layout(dim_ordering))


@first
def asymmetric_spatial_2d_padding(
    x, top_pad=1, bottom_pad=1, left_pad=1, right_pad=1, dim_ordering="default"
):
    """Zeros added around images, other numbers on each side."""
    return backend_images.padded(x, ((top_pad, bottom_pad), (left_pad, right_pad)), layout(dim_ordering))


@first
def spatial_3d_padding(x, padding=(1, 1, 1), dim_ordering="default"):
    """Zeros added around volumes: a number an axis."""
    return backend_images.padded(x, padding, layout(dim_ordering))


@first
def resize_images(X, height_factor, width_factor, dim_ordering):  # noqa: N803 - as it was
    """Images enlarged by whole factors, by repetition."""
    return backend_images.enlarged(X, (height_factor, width_factor), layout(dim_ordering))


@first
def resize_volumes(X, depth_factor, height_factor, width_factor, dim_ordering):  # noqa: N803 - as it was
    """Volumes enlarged by whole factors, by repetition."""
    return backend_images.enlarged(X, (depth_factor, height_factor, width_factor), layout(dim_ordering))


@first
def is_explicit_shape(shape):
    """Whether a shape is made of ints and None only."""
    return hasattr(shape, "__iter__") and all(n is None or isinstance(n, int) for n in shape)
