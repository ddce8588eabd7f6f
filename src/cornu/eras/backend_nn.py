"""`keras.backend`: activations, losses, normalisation, random numbers."""

import jax
import jax.numpy as jnp

from .. import activations, dtypes, random
from ..ops import nn
from ..ops import numpy as ops
from ..ops.wrap import op
from .backend_graph import whenever_computed
from .backend_sizes import numbers
from .backend_table import FUNCTIONS, entry, follow_all

FUNCTIONS |= follow_all(
    {
        "x": {
            "hard_sigmoid": activations.hard_sigmoid_steep,
            "sigmoid": nn.sigmoid,
            "softplus": nn.softplus,
            "softsign": nn.softsign,
            "tanh": ops.tanh,
        },
        "x, alpha=1.0": {"elu": nn.elu},
        "x, alpha=0.0, max_value=None, threshold=0.0": {"relu": activations.relu},
        "x, axis=-1": {"softmax": nn.softmax},
    }
)

# ---- losses ------------------------------------------------------------------------------------


@entry
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """`-sum(target * log(output))` over the classes, outputs scaled to sum to 1; one number a row."""
    return nn.categorical_crossentropy(target, output, from_logits, axis)


@entry
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """`-log(output[target])`, targets whole numbers of the outputs' shape without the classes (or with 1 there)."""
    return _sparse(target, output, from_logits, axis)


@op
def _sparse(target, output, from_logits, axis):
    output = dtypes.as_array(output)
    target = dtypes.as_array(target).reshape(jnp.moveaxis(output, axis, -1).shape[:-1])
    return nn.sparse_categorical_crossentropy(target, output, from_logits, axis)


@entry
def binary_crossentropy(target, output, from_logits=False):
    """`-target * log(output) - (1 - target) * log(1 - output)`, element by element."""
    return nn.binary_crossentropy(target, output, from_logits)


# ---- normalisation -----------------------------------------------------------------------------


@op
def _across(vector, x, axis):
    """A vector in a shape that broadcasts along an axis of `x`; anything else as it is."""
    vector = dtypes.as_array(vector)
    if vector.ndim != 1:
        return vector
    shape = [1] * x.ndim
    shape[axis] = -1
    return vector.reshape(shape)


@entry
def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`; vectors are laid along `axis`, other arrays broadcast.

    Args:
        beta, gamma: arrays, or None for 0 and 1.
    """
    mean, var, beta, gamma = (
        each if each is None else _across(each, x, axis) for each in (mean, var, beta, gamma)
    )
    normed = (x - mean) / ops.sqrt(var + epsilon)
    normed = normed if gamma is None else normed * gamma
    return normed if beta is None else normed + beta


@entry
def normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon=1e-3):
    """`x` normalised by its own mean and variance over some axes, and these two, without those axes."""
    axes = [axis % ops.ndim(x) for axis in reduction_axes]
    mean, var = ops.mean(x, axes, keepdims=True), ops.var(x, axes, keepdims=True)
    kept = [axis for axis in range(ops.ndim(x)) if axis not in axes]
    if len(kept) == 1:
        normed = batch_normalization(x, mean, var, beta, gamma, kept[0], epsilon)
    else:
        wide = lambda each: None if each is None else ops.expand_dims(each, tuple(axes))  # noqa: E731
        normed = batch_normalization(x, mean, var, wide(beta), wide(gamma), epsilon=epsilon)
    return normed, ops.squeeze(mean, axes), ops.squeeze(var, axes)


# ---- random numbers ----------------------------------------------------------------------------


def _key(seed) -> jax.Array:
    """The next key: of the seed's own stream, or of the global one."""
    own, count = random.global_generator().next()
    return jax.random.fold_in(jax.random.key(own if seed is None else seed), count)


def _dtype(dtype) -> str:
    return dtypes.standardize_dtype(dtype)


@entry
@whenever_computed
def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draws from the normal distribution, other ones each time."""
    return random.normal(numbers(shape), mean, stddev, _dtype(dtype), _key(seed))


@entry
@whenever_computed
def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Draws from `[minval, maxval)`, other ones each time."""
    return random.uniform(numbers(shape), minval, maxval, _dtype(dtype), _key(seed))


@entry
@whenever_computed
def random_binomial(shape, p=0.0, dtype=None, seed=None):
    """1 with probability `p` and 0 else, other ones each time."""
    return random.bernoulli(numbers(shape), p, _key(seed)).astype(_dtype(dtype))


@entry
@whenever_computed
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draws from the normal distribution within two standard deviations, other ones each time."""
    return random.truncated_normal(numbers(shape), mean, stddev, _dtype(dtype), _key(seed))


@whenever_computed
def dropped_out(x, level, noise_shape, seed):
    shape = None if noise_shape is None else [None if n is None else numbers(n)[0] for n in noise_shape]
    return random.dropout(dtypes.as_array(x), level, shape, _key(seed))


@entry
def dropout(x, level, noise_shape=None, seed=None):
    """Zeros with probability `level`, the rest scaled by `1 / (1 - level)`, in training and testing alike.

    Args:
        noise_shape: shape of the mask, broadcast to `x`; None in it: the size of `x`.

    Raises ValueError for a level outside of [0, 1).
    """
    if not 0 <= level < 1:
        raise ValueError(f"K.dropout: `level` lies in [0, 1); got {level}")
    return dropped_out(x, level, None if noise_shape is None else tuple(noise_shape), seed)
