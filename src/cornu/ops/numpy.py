"""NumPy's functions: a table of `jax.numpy` names, followed by the exceptions.

Arrays may be JAX or NumPy arrays, cells, symbols, numbers and nested lists; what comes back is a JAX array,
or a symbol where there was one among the arguments. Types mix as in `jax.numpy`. Layers import this module as
`ops`, so what `arrays` holds is here too.
"""

import math
import re
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np

from .. import config
from ..dtypes import as_array, standardize_dtype
from . import arrays
from .arrays import *  # noqa: F403  (one module for whoever imports this one as `ops`)
from .products import einsum, matmul  # noqa: F401  (and these)
from .table import follow_all, plain
from .wrap import op

# signature -> name of the operation -> what it is; `jax.numpy` has it under the same name
TABLE = {
    "x": {
        "abs": "Absolute value.",
        "absolute": "Absolute value.",
        "angle": "Angle of complex numbers in radians.",
        "arccos": "Inverse cosine, in radians.",
        "arccosh": "Inverse hyperbolic cosine.",
        "arcsin": "Inverse sine, in radians.",
        "arcsinh": "Inverse hyperbolic sine.",
        "arctan": "Inverse tangent, in radians.",
        "arctanh": "Inverse hyperbolic tangent.",
        "bitwise_invert": "Bits the other way round.",
        "bitwise_not": "Bits the other way round.",
        "cbrt": "Cube root.",
        "conj": "Complex conjugate.",
        "conjugate": "Complex conjugate.",
        "copy": "A copy.",
        "corrcoef": "Correlation coefficients between the rows.",
        "cos": "Cosine of radians.",
        "cosh": "Hyperbolic cosine.",
        "deg2rad": "Degrees to radians.",
        "exp": "`e ** x`.",
        "exp2": "`2 ** x`.",
        "expm1": "`e ** x - 1`, exact near zero.",
        "fabs": "Absolute value, as floats.",
        "fliplr": "Axis 1 reversed.",
        "flipud": "Axis 0 reversed.",
        "i0": "Modified Bessel function of the first kind, order 0.",
        "imag": "Imaginary part.",
        "isfinite": "Whether neither infinite nor NaN.",
        "isinf": "Whether infinite.",
        "isnan": "Whether NaN.",
        "isneginf": "Whether minus infinity.",
        "isposinf": "Whether plus infinity.",
        "isreal": "Whether the imaginary part is zero.",
        "log": "Natural logarithm.",
        "log10": "Logarithm to base 10.",
        "log1p": "`log(1 + x)`, exact near zero.",
        "log2": "Logarithm to base 2.",
        "logical_not": "Truth the other way round.",
        "negative": "`-x`.",
        "nonzero": "Indices of what is not zero, one array an axis; not under `jit`.",
        "rad2deg": "Radians to degrees.",
        "ravel": "All elements along one axis.",
        "real": "Real part.",
        "reciprocal": "`1 / x`.",
        "sign": "-1, 0 or 1.",
        "signbit": "Whether the sign bit is set.",
        "sin": "Sine of radians.",
        "sinc": "`sin(pi x) / (pi x)`.",
        "sinh": "Hyperbolic sine.",
        "sqrt": "Square root.",
        "square": "`x ** 2`.",
        "tan": "Tangent of radians.",
        "tanh": "Hyperbolic tangent.",
    },
    "x1, x2": {
        "add": "`x1 + x2`.",
        "arctan2": "Angle of the point `(x2, x1)`, in radians.",
        "divide": "`x1 / x2`.",
        "dot": "Sum of products over the last axis of `x1` and the last but one of `x2`.",
        "equal": "`x1 == x2`.",
        "floor_divide": "`x1 // x2`.",
        "fmax": "The larger; where one is NaN, the other.",
        "fmin": "The smaller; where one is NaN, the other.",
        "fmod": "Rest of the division, with the sign of `x1`.",
        "gcd": "Greatest common divisor.",
        "greater": "`x1 > x2`.",
        "greater_equal": "`x1 >= x2`.",
        "heaviside": "0 where `x1` is negative, `x2` where it is zero, 1 where it is positive.",
        "hypot": "`sqrt(x1 ** 2 + x2 ** 2)`.",
        "inner": "Sum of products over the last axes.",
        "kron": "Kronecker product.",
        "lcm": "Least common multiple.",
        "ldexp": "`x1 * 2 ** x2`.",
        "less": "`x1 < x2`.",
        "less_equal": "`x1 <= x2`.",
        "logaddexp": "`log(exp(x1) + exp(x2))`.",
        "logaddexp2": "`log2(2 ** x1 + 2 ** x2)`.",
        "logical_and": "Whether both are true.",
        "logical_or": "Whether one is true.",
        "logical_xor": "Whether exactly one is true.",
        "maximum": "The larger.",
        "minimum": "The smaller.",
        "mod": "Rest of the division, with the sign of `x2`.",
        "multiply": "`x1 * x2`.",
        "nextafter": "The next float after `x1` towards `x2`.",
        "not_equal": "`x1 != x2`.",
        "outer": "All products of two vectors.",
        "power": "`x1 ** x2`.",
        "subtract": "`x1 - x2`.",
        "true_divide": "`x1 / x2`.",
        "vdot": "Sum of all products, `x1` conjugated.",
    },
    "x, y": {
        "bitwise_and": "Bits set in both.",
        "bitwise_left_shift": "Bits of `x` moved left by `y`.",
        "bitwise_or": "Bits set in one.",
        "bitwise_right_shift": "Bits of `x` moved right by `y`.",
        "bitwise_xor": "Bits set in exactly one.",
        "left_shift": "Bits of `x` moved left by `y`.",
        "right_shift": "Bits of `x` moved right by `y`.",
    },
    "x, axis=None, keepdims=False": {
        "all": "Whether all are true.",
        "amax": "The largest.",
        "amin": "The smallest.",
        "any": "Whether one is true.",
        "argmax": "Index of the largest.",
        "argmin": "Index of the smallest.",
        "mean": "Arithmetic mean.",
        "median": "Median.",
        "nanargmax": "Index of the largest, NaN left out.",
        "nanargmin": "Index of the smallest, NaN left out.",
        "nanmax": "The largest, NaN left out.",
        "nanmean": "Arithmetic mean, NaN left out.",
        "nanmedian": "Median, NaN left out.",
        "nanmin": "The smallest, NaN left out.",
        "nanprod": "Product, NaN taken as 1.",
        "nanstd": "Standard deviation, NaN left out.",
        "nansum": "Sum, NaN taken as 0.",
        "nanvar": "Variance, NaN left out.",
        "ptp": "The largest minus the smallest.",
        "std": "Standard deviation, divided by n.",
        "sum": "Sum.",
        "var": "Variance, divided by n.",
    },
    "x, axis=None, keepdims=False, initial=None": {
        "max": "The largest, at least `initial`.",
        "min": "The smallest, at most `initial`.",
    },
    "x, axis=None, keepdims=False, dtype=None": {"prod": "Product."},
    "x, axis=None, dtype=None": {
        "cumprod": "Products of all elements so far.",
        "cumsum": "Sums of all elements so far.",
        "nancumprod": "Products of all elements so far, NaN taken as 1.",
        "nancumsum": "Sums of all elements so far, NaN taken as 0.",
    },
    "x, q, axis=None, method='linear', keepdims=False": {
        "nanpercentile": "The value below which `q` percent lie, NaN left out.",
        "nanquantile": "The value below which a share `q` lies, NaN left out.",
        "percentile": "The value below which `q` percent lie.",
        "quantile": "The value below which a share `q` lies.",
    },
    "x, axis=-1": {"argsort": "Indices that sort.", "sort": "Sorted, smallest first."},
    "x, axis=None": {
        "count_nonzero": "How many are not zero.",
        "flip": "Axes reversed.",
        "squeeze": "Axes of size 1 removed.",
    },
    "x, axis": {"expand_dims": "An axis of size 1 inserted."},
    "x, k=0": {
        "diag": "A matrix from its diagonal, or the diagonal of a matrix.",
        "diagflat": "A matrix with all elements on its diagonal.",
        "tril": "Zeros above the k-th diagonal.",
        "triu": "Zeros below the k-th diagonal.",
    },
    "x, offset=0, axis1=0, axis2=1": {"diagonal": "The diagonal.", "trace": "Sum of the diagonal."},
    "x, source, destination": {"moveaxis": "Axes moved to other places."},
    "x, axis1, axis2": {"swapaxes": "Two axes exchanged."},
    "x, axes=None": {"transpose": "Axes in another order, reversed by default."},
    "x, shape": {"broadcast_to": "Repeated to a shape, as broadcasting does."},
    "x, shift, axis=None": {"roll": "Elements moved along axes, from the end back to the start."},
    "x, repeats, axis=None": {"repeat": "Each element several times in a row."},
    "x, decimals=0": {"round": "Rounded to even at the half."},
    "x, nan=0.0, posinf=None, neginf=None": {"nan_to_num": "NaN and infinities replaced by numbers."},
    "x, indices, axis=None": {"take": "The elements at `indices`."},
    "x, indices_or_sections": {
        "dsplit": "Split along axis 2.",
        "hsplit": "Split along axis 1 (axis 0 of vectors).",
        "vsplit": "Split along axis 0.",
    },
    "x, indices_or_sections, axis=0": {
        "array_split": "Split into so many parts of nearly equal size, or before the given indices.",
        "split": "Split into so many equal parts, or before the given indices.",
    },
    "x, N=None, increasing=False": {"vander": "Vandermonde matrix: powers of a vector as columns."},
    "x, kth, axis=-1": {"argpartition": "Indices that put the kth smallest in its place."},
    "x, bins": {"digitize": "Index of the bin into which each element falls."},
    "x1, x2, axis=None": {"append": "`x2` after `x1` along an axis."},
    "x1, x2, axes=2": {"tensordot": "Sum of products over axes of both."},
    "x1, x2, mode='valid'": {"correlate": "Cross-correlation of two vectors."},
    "x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None": {"cross": "Vector product."},
    "x1, x2, rtol=1e-05, atol=1e-08, equal_nan=False": {
        "allclose": "Whether all are equal within a tolerance.",
        "isclose": "Whether equal within a tolerance.",
    },
    "x1, x2, assume_unique=False, invert=False": {"isin": "Whether each element of `x1` is in `x2`."},
    "a, n=1, axis=-1": {"diff": "Differences of neighbours, n times over."},
    "array, k=1, axes=(0, 1)": {"rot90": "Turned by k quarters of a circle."},
    "sorted_sequence, values, side='left'": {"searchsorted": "Where values belong in a sorted vector."},
    "indices, shape": {"unravel_index": "Flat indices as one index an axis."},
    "xs": {
        "dstack": "Joined along axis 2.",
        "hstack": "Joined along axis 1 (axis 0 of vectors).",
        "vstack": "Joined along axis 0, vectors as rows.",
    },
    "xs, axis=0": {"concatenate": "Joined along an axis."},
}


globals().update(follow_all(jnp, TABLE, __name__))


# ---- the exceptions ----------------------------------------------------------------------------


@op
def reshape(x, newshape: int | Sequence[int | None]):
    """The same elements in another shape; -1 for what follows from the rest, None for the axis' own size.

    Raises TypeError where the number of elements is another.
    """
    x = as_array(x)
    sizes = [newshape] if np.ndim(newshape) == 0 else newshape
    return jnp.reshape(x, [x.shape[i] if n is None else n for i, n in enumerate(sizes)])


def _groups(pattern: str) -> list[list[str]]:
    """'b (h w) c' as [['b'], ['h', 'w'], ['c']]."""
    return [each.strip("()").split() for each in re.findall(r"\([^()]*\)|\w+", pattern)]


@op
def rearrange(tensor, pattern: str, **axes_lengths: int):
    """Axes split, reordered and joined as a pattern says.

    Args:
        pattern: 'before -> after': names of axes, in parentheses where several make one.
        axes_lengths: sizes of axes that a split needs; one of each group may be left out.

    Raises ValueError when the pattern does not fit the array.

    Example:
        >>> from cornu import ops
        >>> ops.rearrange(ops.zeros((2, 4, 6, 3)), "b (h p) (w q) c -> b (h w) (p q c)", p=2, q=2).shape
        (2, 6, 12)
    """
    tensor = as_array(tensor)
    before, arrow, after = pattern.partition("->")
    groups, wanted = _groups(before), _groups(after)
    names, order = [n for group in groups for n in group], [n for group in wanted for n in group]
    if not arrow or len(groups) != tensor.ndim or {*names} != {*order} or len({*names}) != len(names):
        raise ValueError(
            f"rearrange: {pattern!r} needs '->', each axis once on both sides, and {tensor.ndim} groups on the "
            f"left for an array of shape {tensor.shape}"
        )
    sizes = dict(axes_lengths)
    for group, n in zip(groups, tensor.shape, strict=True):
        free = [name for name in group if name not in sizes]
        known = math.prod(sizes.get(name, 1) for name in group)
        if len(free) > 1 or n % known or (not free and n != known):
            raise ValueError(f"rearrange: ({' '.join(group)}) of {axes_lengths} does not make an axis of {n}")
        sizes.update(dict.fromkeys(free, n // known))
    split = tensor.reshape([sizes[name] for name in names]).transpose([names.index(name) for name in order])
    return split.reshape([math.prod(sizes[name] for name in group) for group in wanted])


@op
def size(x):
    """How many elements there are."""
    return as_array(x).size


@op
def clip(x, x_min, x_max):
    """Values below `x_min` raised to it, those above `x_max` lowered to it."""
    return jnp.clip(as_array(x), *(bound if bound is None else as_array(bound) for bound in (x_min, x_max)))


@op
def ceil(x):
    """Rounded up, as floats."""
    return jnp.ceil(_floats(x))


@op
def floor(x):
    """Rounded down, as floats."""
    return jnp.floor(_floats(x))


@op
def trunc(x):
    """Rounded towards zero."""
    return jnp.trunc(as_array(x))


def _floats(x):
    x = as_array(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(config.floatx())


@op
def divide_no_nan(x1, x2):
    """`x1 / x2`, and 0 where `x2` is 0."""
    x1, x2 = as_array(x1), as_array(x2)
    return jnp.where(x2 == 0, 0, jnp.divide(x1, jnp.where(x2 == 0, 1, x2)))


@op
def where(condition, x1=None, x2=None):
    """`x1` where the condition holds, else `x2`; without those, the indices where it holds."""
    if (x1 is None) != (x2 is None):
        raise ValueError("where: give both `x1` and `x2`, or neither")
    if x1 is None:
        return jnp.where(as_array(condition))
    return jnp.where(as_array(condition).astype(bool), as_array(x1), as_array(x2))


@op
def select(condlist, choicelist, default=0):
    """From the choice of the first condition that holds, else `default`."""
    return jnp.select([as_array(c) for c in condlist], [as_array(c) for c in choicelist], default)


@op
def stack(x, axis: int = 0):
    """Arrays of one shape joined along a new axis."""
    return jnp.stack([as_array(each) for each in x], axis)


@op
def tile(x, repeats):
    """The whole array several times along each axis."""
    return jnp.tile(as_array(x), plain(repeats))


@op
def take_along_axis(x, indices, axis: int | None = None):
    """The elements at `indices` along one axis, each place with its own index."""
    return jnp.take_along_axis(as_array(x), as_array(indices), axis)


@op
def average(x, axis=None, weights=None):
    """Mean with weights."""
    return jnp.average(_floats(x), plain(axis), None if weights is None else as_array(weights))


@op
def pad(x, pad_width, mode: str = "constant", constant_values=None):
    """Borders added: `pad_width` is one number, a pair, or a pair an axis."""
    if constant_values is not None and mode != "constant":
        raise ValueError(f"pad: `constant_values` is for mode='constant'; the mode is {mode!r}")
    options = {} if constant_values is None else {"constant_values": constant_values}
    return jnp.pad(as_array(x), pad_width, mode, **options)


@op
def trapezoid(y, x=None, dx=1.0, axis: int = -1):
    """Integral by the trapezoid rule."""
    return jnp.trapezoid(as_array(y), None if x is None else as_array(x), dx, axis)


@op
def slogdet(x):
    """Sign and logarithm of the absolute value of the determinant."""
    return tuple(jnp.linalg.slogdet(as_array(x)))


@op
def histogram(x, bins: int = 10, range=None):
    """Counts in `bins` bins of equal width, and the bins' edges."""
    return jnp.histogram(as_array(x), bins, range)


@op
def bincount(x, weights=None, minlength: int = 0, sparse: bool = False):
    """How often 0, 1, 2... occur; along the last axis of a matrix, row by row."""
    if sparse:
        raise ValueError("bincount: arrays here are dense; `sparse` cannot be True")
    x = as_array(x)
    counts = jnp.ones(x.shape, "int32") if weights is None else as_array(weights)
    length = int(jnp.maximum(x.max(initial=-1) + 1, minlength))
    return (jnp.eye(length, dtype=counts.dtype)[x] * counts[..., None]).sum(-2)


@op
def unique(
    x,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value=None,
):
    """The different elements, sorted; `size` fixes their number, which `jit` and symbols need."""
    options = {"axis": axis, "size": size, "fill_value": fill_value}
    return jnp.unique(as_array(x), return_index, return_inverse, return_counts, **options)


def vectorize(pyfunc: Callable, *, excluded=None, signature: str | None = None) -> Callable:
    """A function of scalars (or of what `signature` says) as one of arrays."""
    return op(jnp.vectorize(pyfunc, excluded=frozenset(excluded or ()), signature=signature))


@op
def view(x, dtype=None):
    """The same bytes read as another data type."""
    return as_array(x).view(standardize_dtype(dtype) if dtype else None)


@op
def get_item(x, key):
    """`x[key]`."""
    keys = key if isinstance(key, tuple) else (key,)
    return as_array(x)[tuple(as_array(each) if isinstance(each, list) else each for each in keys)]


__all__ = [*arrays.__all__, *(name for row in TABLE.values() for name in row)]
__all__ += (
    "average bincount ceil clip divide_no_nan einsum floor get_item histogram matmul pad rearrange reshape select size "
    "slogdet stack take_along_axis tile trapezoid trunc unique vectorize view where"
).split()
__all__.sort()
