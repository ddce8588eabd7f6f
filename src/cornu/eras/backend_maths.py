"""`keras.backend`: element by element, reductions, products, and shapes; on symbols, variables and arrays alike."""

import jax
import jax.numpy as jnp
import numpy as np

from .. import config, dtypes
from ..layers.merge import batch_dot as _batch_dot
from ..ops import maths, nn
from ..ops import numpy as ops
from ..ops.wrap import op
from ..symbol import is_symbol
from ..variable import Tensorlike, Variable
from .backend_sizes import Sizes, joined, numbers
from .backend_table import FUNCTIONS, entry, follow_all

_REDUCED = "max min sum var std mean any all".split()
_COMPARED = "equal not_equal greater greater_equal less less_equal maximum minimum".split()

FUNCTIONS |= follow_all(
    {
        "x": {
            **{name: getattr(ops, name) for name in "abs cos exp log sign sin square transpose".split()},
            "flatten": ops.ravel,
            "round": ops.round,
        },
        "x, axis=None, keepdims=False": {name: getattr(ops, name) for name in _REDUCED}
        | {"logsumexp": maths.logsumexp},
        "x, axis=-1": {"argmax": ops.argmax, "argmin": ops.argmin, "expand_dims": ops.expand_dims},
        "x, axis=0": {"cumprod": ops.cumprod, "cumsum": ops.cumsum},
        "x, axis": {"squeeze": ops.squeeze},
        "x, y": {name: getattr(ops, name) for name in _COMPARED} | {"dot": ops.dot},
        "x, a": {"pow": ops.power},
        "x, dtype": {"cast": ops.cast},
        "x, pattern": {"permute_dimensions": ops.transpose},
        "x, axes": {"reverse": ops.flip},
        "x, rep, axis": {"repeat_elements": ops.repeat},
        "variables": {"stop_gradient": ops.stop_gradient},
    }
)

# ---- what a tensor is --------------------------------------------------------------------------


@entry
def int_shape(x):
    """The sizes of a tensor as a tuple of ints, None where a size is free."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


@entry
def ndim(x):
    """How many axes a tensor has."""
    return len(int_shape(x))


@entry
def dtype(x):
    """The name of a tensor's data type."""
    return dtypes.dtype_of(x)


@entry
def count_params(x):
    """How many numbers a tensor holds."""
    return int(np.prod(int_shape(x)))


@entry
def is_sparse(tensor):
    """Whether a tensor was made of, or for, a sparse matrix; computed with is a dense one."""
    return hasattr(tensor, "toarray") or bool(getattr(tensor, "sparse", False))


@entry
def to_dense(tensor):
    """The dense tensor with the values of a sparse one."""
    return ops.copy(tensor) if is_sparse(tensor) else tensor


@entry
def is_keras_tensor(x):
    """Whether a symbol was made by a layer, `Input` among them.

    Raises ValueError in era 2 for what is no tensor at all.
    """
    if config.era() == 2 and not isinstance(x, Tensorlike | jax.Array):
        raise ValueError(
            f"K.is_keras_tensor: expected a symbol, a variable or an array of K; got {type(x).__name__}"
        )
    return is_symbol(x) and hasattr(x.node and x.node.operation, "build")


@entry
def is_placeholder(x):
    """Whether a symbol waits for data: made by `K.placeholder` or `Input`."""
    return is_symbol(x) and (x.node is None or getattr(x.node.operation, "is_input", False))


@entry
def is_symbolic(x):
    """Whether `x` is a symbol."""
    return is_symbol(x)


@entry
def is_variable(x):
    """Whether `x` is a variable."""
    return isinstance(x, Variable)


@entry
def is_tensor(x):
    """Whether `x` is a symbol, a variable or an array of the engine."""
    return is_symbol(x) or is_variable(x) or ops.is_tensor(x)


@entry
def cast_to_floatx(x):
    """A NumPy array of the default float type."""
    return np.asarray(x, dtype=config.floatx())


@entry
def ones_like(x, dtype=None, name=None):
    """Ones of the shape and type of `x`."""
    return ops.ones_like(x, dtype)


@entry
def zeros_like(x, dtype=None, name=None):
    """Zeros of the shape and type of `x`."""
    return ops.zeros_like(x, dtype)


@entry
def identity(x, name=None):
    """The same values, as a tensor of its own."""
    return ops.copy(x)


@entry
def size(x, name=None):
    """How many elements there are."""
    return _size(x)


@op
def _size(x):
    return jnp.asarray(dtypes.as_array(x).size, "int32")


# ---- elements ----------------------------------------------------------------------------------


@entry
def sqrt(x):
    """Square root, of 0 where `x` is negative."""
    return ops.sqrt(ops.maximum(x, 0.0))


@entry
def clip(x, min_value, max_value):
    """`x` raised to `min_value` and lowered to `max_value`, which counts as `min_value` if it is less."""
    if max_value is not None and min_value is not None and np.isscalar(max_value) and np.isscalar(min_value):
        max_value = max(min_value, max_value)
    return ops.clip(x, min_value, max_value)


@entry
def prod(x, axis=None, keepdims=False):
    """Product; that of sizes can be part of a shape."""
    return Sizes(np.prod, x) if isinstance(x, Sizes) else ops.prod(x, axis, keepdims)


@entry
def l2_normalize(x, axis=None):
    """`x / sqrt(max(sum(x ** 2), 1e-12))`, the sum along `axis`."""
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis, keepdims=True), 1e-12))


@entry
def in_top_k(predictions, targets, k):
    """Whether fewer than `k` predictions of a row are larger than that of the target."""
    return maths.in_top_k(targets, predictions, k)


@entry
def one_hot(indices, num_classes):
    """1 at the place of the class and 0 elsewhere, along a new last axis."""
    return nn.one_hot(ops.cast(indices, "int32"), num_classes)


# ---- products ----------------------------------------------------------------------------------


@entry
def batch_dot(x, y, axes=None):
    """Sum of products over one axis of each, row by row of the batch; at least two axes come out.

    Args:
        axes: the axis to sum over, of both or one each; by default the last of `x` and the last but one of `y`, or of
            two matrices the last ones.
    """
    return _batch_dot(x, y, tuple(axes) if isinstance(axes, list) else axes)


@entry
def gather(reference, indices):
    """The rows of `reference` with these numbers."""
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


@entry
def bias_add(x, bias, data_format=None):
    """`x` plus a vector along its channels, or plus an array of the shape of a sample with its channels last."""
    last = config.standardize_data_format(data_format) == "channels_last"
    if ndim(bias) not in (1, ndim(x) - 1):
        raise ValueError(f"K.bias_add: a bias has 1 or {ndim(x) - 1} axes here; got shape {int_shape(bias)}")
    if not last and ndim(x) > 2:
        bias = ops.moveaxis(bias, -1, 0) if ndim(bias) > 1 else ops.reshape(bias, (-1, *(1,) * (ndim(x) - 2)))
    return ops.add(x, bias)


# ---- shapes ------------------------------------------------------------------------------------


@entry
@op
def reshape(x, shape):
    """The same elements in another shape; -1 for what follows from the rest, None for the axis' own size.

    None alone is -1, so that a shape with an axis that is not known yet can be handed on.
    """
    x = dtypes.as_array(x)
    if isinstance(shape, tuple | list) and None in shape and -1 in shape:
        shape = [x.shape[axis] if n is None else n for axis, n in enumerate(shape)]
    return jnp.reshape(x, numbers(shape))


@entry
def batch_flatten(x):
    """`(batch, everything else)`."""
    return (
        ops.reshape(x, (None, int(np.prod(int_shape(x)[1:])))) if None not in int_shape(x)[1:] else _rows(x)
    )


@op
def _rows(x):
    return jnp.reshape(x, (x.shape[0], -1))


@entry
def concatenate(tensors, axis=-1):
    """Joined along an axis."""
    sizes = joined(list(tensors), np.concatenate)
    return ops.concatenate(list(tensors), axis) if sizes is None else sizes


@entry
def stack(x, axis=0):
    """Joined along a new axis."""
    sizes = joined(list(x), np.concatenate)
    return ops.stack(list(x), axis) if sizes is None else sizes


@entry
@op
def tile(x, n):
    """The whole array several times along each axis."""
    return jnp.tile(dtypes.as_array(x), numbers(n))


@entry
def repeat(x, n):
    """`(batch, size)` as `(batch, n, size)`, each row n times.

    Raises ValueError for other ranks.
    """
    if ndim(x) != 2:
        raise ValueError(f"K.repeat takes matrices; got shape {int_shape(x)}")
    return ops.repeat(ops.expand_dims(x, 1), n, 1)


@entry
@op
def arange(start, stop=None, step=1, dtype="int32"):
    """`start, start + step, ...` below `stop`; `arange(n)` is `0 ... n - 1`."""
    limits = [
        float(n) if isinstance(n, float) else numbers(n)[0] for n in (start, stop, step) if n is not None
    ]
    return jnp.arange(0, limits[0], limits[1], dtype) if stop is None else jnp.arange(*limits, dtype)


@entry
@op
def slice_(x, start, size):
    """The block of `size` that begins at `start`; -1 in `size` for all the rest."""
    ends = [begin + n if n != -1 else None for begin, n in zip(numbers(start), numbers(size), strict=True)]
    return dtypes.as_array(x)[tuple(map(slice, numbers(start), ends))]


@entry
def pattern_broadcast(x, broatcastable):
    """`x` itself: axes of size 1 always stretch here."""
    return x
