"""Functions of neural networks: activations, encodings, cross-entropies, normalisations.

Layers import this module as `nn`, so what `attention`, `convolution`, `ctc`, `patches` and `pooling` hold is here too.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jax import nn as jnn

from .. import config
from ..dtypes import as_array, is_float, standardize_dtype
from . import attention, convolution, ctc, patches, pooling
from .attention import *  # noqa: F403
from .convolution import *  # noqa: F403
from .ctc import *  # noqa: F403
from .patches import *  # noqa: F403
from .pooling import *  # noqa: F403
from .table import follow_all, plain
from .wrap import op

# ---- activations -------------------------------------------------------------------------------

# signature -> name -> what it is; `jax.nn` has it under the same name
TABLE = {
    "x": {
        "hard_sigmoid": "`clip(x / 6 + 1 / 2, 0, 1)`.",
        "hard_silu": "`x * hard_sigmoid(x)`.",
        "hard_swish": "`x * hard_sigmoid(x)`.",
        "hard_tanh": "`clip(x, -1, 1)`.",
        "log_sigmoid": "`log(sigmoid(x))`.",
        "relu": "`max(x, 0)`.",
        "relu6": "`min(max(x, 0), 6)`.",
        "selu": "`scale * elu(x, alpha)`, which keeps mean 0 and variance 1 (Klambauer et al. 2017).",
        "sigmoid": "`1 / (1 + exp(-x))`.",
        "silu": "`x * sigmoid(x)`.",
        "softplus": "`log(1 + exp(x))`.",
        "sparse_plus": "0 up to -1, x from 1 on, `(x + 1) ** 2 / 4` between.",
        "sparse_sigmoid": "`clip((x + 1) / 2, 0, 1)`.",
        "swish": "`x * sigmoid(x)`.",
    },
    "x, alpha=1.0": {
        "celu": "`max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)` (Barron 2017).",
        "elu": "x where positive, else `alpha * (exp(x) - 1)` (Clevert et al. 2015).",
    },
    "x, approximate=True": {"gelu": "`x * P(X <= x)` for a normal X (Hendrycks & Gimpel 2016)."},
    "x, axis=-1": {
        "glu": "The first half times the sigmoid of the second (Dauphin et al. 2016).",
        "log_softmax": "`x - log(sum(exp(x)))`.",
    },
    "x, negative_slope=0.2": {"leaky_relu": "x where positive, else `negative_slope * x`."},
    "x, b=4": {"squareplus": "`(x + sqrt(x ** 2 + b)) / 2` (Barron 2021)."},
}
globals().update(follow_all(jnn, TABLE, __name__))


@op
def softsign(x):
    """`x / (1 + |x|)`."""
    return jnn.soft_sign(as_array(x))


@op
def tanh_shrink(x):
    """`x - tanh(x)`."""
    x = as_array(x)
    return x - jnp.tanh(x)


@op
def soft_shrink(x, threshold: float = 0.5):
    """Moved towards zero by `threshold`, and no further than zero."""
    x = as_array(x)
    return jnp.sign(x) * jnp.maximum(jnp.abs(x) - threshold, 0)


@op
def hard_shrink(x, threshold: float = 0.5):
    """x where `|x| > threshold`, else 0."""
    x = as_array(x)
    return jnp.where(jnp.abs(x) > threshold, x, 0)


@op
def threshold(x, threshold: float, default_value: float):
    """x where `x > threshold`, else `default_value`."""
    x = as_array(x)
    return jnp.where(x > threshold, x, jnp.asarray(default_value, x.dtype))


@op
def sparsemax(x, axis: int = -1):
    """The nearest point of the probability simplex; many of its elements are 0 (Martins & Astudillo 2016)."""
    x = jnp.moveaxis(as_array(x), axis, -1)
    falling = jnp.flip(jnp.sort(x, -1), -1)
    excess = jnp.cumsum(falling, -1) - 1
    count = jnp.arange(1, x.shape[-1] + 1)
    inside = jnp.sum(falling * count > excess, -1, keepdims=True)
    level = jnp.take_along_axis(excess, inside - 1, -1) / inside
    return jnp.moveaxis(jnp.maximum(x - level.astype(x.dtype), 0), -1, axis)


# ---- encodings ---------------------------------------------------------------------------------


def _dense(name: str, sparse: bool) -> None:
    if sparse:
        raise ValueError(f"{name}: arrays here are dense; `sparse` cannot be True")


@op
def one_hot(x, num_classes: int, axis: int = -1, dtype=None, sparse: bool = False):
    """1 at the place of the class and 0 elsewhere, along a new axis; no 1 for classes out of range.

    Args:
        x: ints of any shape.
        num_classes: size of the new axis.

    Example:
        >>> from cornu import ops
        >>> ops.one_hot([2, 0], 3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    _dense("one_hot", sparse)
    return jnn.one_hot(as_array(x), num_classes, axis=axis, dtype=standardize_dtype(dtype))


@op
def multi_hot(
    inputs, num_classes: int | None = None, axis: int = -1, dtype=None, sparse: bool = False, **kwargs
):
    """1 at the place of every class that occurs in a row, and 0 elsewhere.

    Args:
        inputs: ints, `(classes,)` or `(batch, classes, ...)`.

    Example:
        >>> from cornu import ops
        >>> ops.multi_hot([2, 0], 4).tolist()
        [1.0, 0.0, 1.0, 0.0]
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs or num_classes is None:
        raise TypeError(f"multi_hot: expected `num_classes` and no {sorted(kwargs) or 'None for it'}")
    inputs = as_array(inputs)
    hot = one_hot(inputs.astype("int32"), num_classes, axis, dtype, sparse)
    return hot.max(1 if inputs.ndim > 1 else 0)


# ---- cross-entropies ---------------------------------------------------------------------------


def _fuzzed(p, axis: int | None = None):
    """Probabilities that sum to 1, kept off 0 and 1 by epsilon."""
    if axis is not None:
        p = p / p.sum(axis, keepdims=True)
    return jnp.clip(p, config.epsilon(), 1 - config.epsilon())


def _alike(name: str, target, output) -> None:
    if target.shape != output.shape:
        raise ValueError(
            f"{name}: targets of shape {target.shape} and outputs of shape {output.shape} differ in shape"
        )


@op
def categorical_crossentropy(target, output, from_logits: bool = False, axis: int = -1):
    """`-sum(target * log(output))` over the classes.

    Args:
        target: probabilities of the classes (one-hot or soft), of the outputs' shape.
        output: probabilities, scaled to sum to 1; or, `from_logits`, unnormalised log-probabilities.
        axis: the axis of the classes.

    Raises ValueError when the shapes differ.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.categorical_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
        0.6931
    """
    target, output = as_array(target), as_array(output)
    _alike("categorical_crossentropy", target, output)
    if not output.ndim:
        raise ValueError("categorical_crossentropy: scalars have no axis of classes")
    log_p = jnn.log_softmax(output, axis) if from_logits else jnp.log(_fuzzed(output, axis))
    return -jnp.sum(target * log_p, axis)


@op
def sparse_categorical_crossentropy(target, output, from_logits: bool = False, axis: int = -1):
    """`-log(output[target])`.

    Args:
        target: ints, of the outputs' shape without the axis of classes, or with size 1 there.
        output: probabilities, scaled to sum to 1; or, `from_logits`, unnormalised log-probabilities.
        axis: the axis of the classes.

    Raises ValueError when the shapes do not go together.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.sparse_categorical_crossentropy(1, [0.5, 0.5])), 4)
        0.6931
    """
    target, output = as_array(target).astype("int32"), as_array(output)
    if not output.ndim:
        raise ValueError("sparse_categorical_crossentropy: scalars have no axis of classes")
    axis %= output.ndim
    rest = output.shape[:axis] + output.shape[axis + 1 :]
    if target.ndim == output.ndim and target.shape[axis] == 1:
        target = target.squeeze(axis)
    if target.shape != rest:
        raise ValueError(
            f"sparse_categorical_crossentropy: outputs of shape {output.shape} need integer targets of shape "
            f"{rest}; got {target.shape}. For one-hot targets use categorical_crossentropy"
        )
    log_p = jnn.log_softmax(output, axis) if from_logits else jnp.log(_fuzzed(output, axis))
    return -jnp.sum(jnn.one_hot(target, output.shape[axis], axis=axis, dtype=log_p.dtype) * log_p, axis)


@op
def binary_crossentropy(target, output, from_logits: bool = False):
    """`-target * log(output) - (1 - target) * log(1 - output)`, element by element.

    Logarithms are of numbers no smaller than epsilon; in era 2 epsilon was added to them as well (Keras 2.3.1).
    Raises ValueError when the shapes differ.
    """
    target, output = as_array(target), as_array(output)
    _alike("binary_crossentropy", target, output)
    if from_logits:
        return -target * jnn.log_sigmoid(output) - (1 - target) * jnn.log_sigmoid(-output)
    output, more = _fuzzed(output), config.epsilon() if config.era() == 2 else 0
    return -target * jnp.log(output + more) - (1 - target) * jnp.log(1 - output + more)


# ---- normalisation -----------------------------------------------------------------------------


def _wide(x):
    """Halves as float32, in which sums and squares of them do not overflow."""
    return x.astype(jnp.promote_types(x.dtype, "float32"))


def _within(x, dtype):
    """`x` in a type, its largest finite number instead of infinity."""
    if not is_float(dtype) or x.dtype == dtype:
        return x.astype(dtype)
    largest = float(jnp.finfo("float16").max)
    return jnp.clip(x, -largest, largest).astype(dtype)


@op
def moments(x, axes: int | Sequence[int], keepdims: bool = False, synchronized: bool = False):
    """Mean and variance (divided by n) over axes.

    Raises ValueError for `synchronized`: one program spans all devices here, so means are global already.
    """
    if synchronized:
        raise ValueError("moments: one program spans all devices; leave `synchronized` False")
    x = as_array(x)
    wide, axes = _wide(x), plain(axes)
    mean, variance = wide.mean(axes, keepdims=keepdims), wide.var(axes, keepdims=keepdims)
    return _within(mean, x.dtype), _within(variance, x.dtype)


@op
def batch_normalization(x, mean, variance, axis: int, offset=None, scale=None, epsilon: float = 1e-3):
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`.

    Args:
        mean, variance, offset, scale: vectors along `axis`.
    """
    x = as_array(x)
    shape = [1] * x.ndim
    shape[axis] = -1
    mean, variance = as_array(mean).reshape(shape), as_array(variance).reshape(shape)
    factor = lax.rsqrt(variance + epsilon)
    if scale is not None:
        factor = factor * as_array(scale).reshape(shape)
    shift = -mean * factor
    if offset is not None:
        shift = shift + as_array(offset).reshape(shape)
    return x * factor + shift


def _along(vector, x, axes: Sequence[int]):
    """A weight over `axes` of x, in a shape that broadcasts against x."""
    vector = as_array(vector).astype(x.dtype)
    if vector.ndim == x.ndim:
        return vector
    return vector.reshape([x.shape[i] if i in axes else 1 for i in range(x.ndim)])


def _axes(axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    return tuple(sorted(i % ndim for i in ([axis] if isinstance(axis, int) else axis)))


@op
def layer_normalization(x, gamma=None, beta=None, axis: int | Sequence[int] = -1, epsilon=None, **kwargs):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, statistics over `axis` (Ba et al. 2016).

    Args:
        gamma, beta: arrays of the sizes of those axes.
        epsilon: the global one if None.
        rms_scaling: (keyword) no mean taken off and no `beta` added.
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization: unknown arguments {sorted(kwargs)}")
    x = as_array(x)
    wide, axes = _wide(x), _axes(axis, x.ndim)
    mean, variance = wide.mean(axes, keepdims=True), wide.var(axes, keepdims=True)
    factor = lax.rsqrt(variance + (config.epsilon() if epsilon is None else epsilon))
    if gamma is not None:
        factor = factor * _along(gamma, wide, axes)
    if rms_scaling:
        return (wide * factor).astype(x.dtype)
    shift = -mean * factor
    if beta is not None:
        shift = shift + _along(beta, wide, axes)
    return (wide * factor + shift).astype(x.dtype)


@op
def rms_normalization(x, scale=None, axis: int | Sequence[int] = -1, epsilon: float | None = None):
    """`x / sqrt(mean(x ** 2) + epsilon) * scale`, the mean over `axis` (Zhang & Sennrich 2019)."""
    x = jnp.atleast_1d(as_array(x))
    wide = _wide(x)
    mean = jnp.square(wide).mean(plain(axis), keepdims=True)
    wide = wide * lax.rsqrt(mean + (config.epsilon() if epsilon is None else epsilon))
    return (wide if scale is None else wide * as_array(scale).astype(wide.dtype)).astype(x.dtype)


@op
def normalize(x, axis: int | Sequence[int] = -1, order: int = 2, epsilon: float | None = None):
    """`x / max(norm(x), epsilon)`, norms of that order along `axis`.

    Raises ValueError for an order that is no int of at least 1.
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize: `order` is an int of at least 1; got {order!r}")
    x, epsilon = jnp.atleast_1d(as_array(x)), config.epsilon() if epsilon is None else epsilon
    if order == 2:
        return x * jnp.minimum(lax.rsqrt(jnp.sum(x * x, plain(axis), keepdims=True)), 1 / epsilon)
    return x / jnp.maximum(jnp.linalg.norm(x, order, plain(axis), keepdims=True), epsilon)


# ---- others ----------------------------------------------------------------------------------


@op
def psnr(x1, x2, max_val: float):
    """`20 log10(max_val) - 10 log10(mean((x1 - x2) ** 2))`, in decibels.

    Raises ValueError when the shapes differ.
    """
    x1, x2 = as_array(x1), as_array(x2)
    _alike("psnr", x1, x2)
    return 20 * jnp.log10(jnp.asarray(max_val, x2.dtype)) - 10 * jnp.log10(jnp.mean((x1 - x2) ** 2))


@op
def polar(abs_, angle):
    """`abs_ * exp(i * angle)`, the angle in radians."""
    return lax.complex(abs_ * jnp.cos(as_array(angle)), abs_ * jnp.sin(as_array(angle)))


__all__ = [*attention.__all__, *convolution.__all__, *ctc.__all__, *patches.__all__, *pooling.__all__]
__all__ += [name for row in TABLE.values() for name in row]
__all__ += (
    "batch_normalization binary_crossentropy categorical_crossentropy hard_shrink "
    "layer_normalization moments multi_hot normalize one_hot polar psnr rms_normalization soft_shrink "
    "softsign sparse_categorical_crossentropy sparsemax tanh_shrink threshold"
).split()
__all__.sort()
