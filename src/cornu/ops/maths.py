"""Mathematics beyond NumPy: segments, the largest k, special functions, Fourier transforms."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy import special

from ..dtypes import as_array, is_float, standardize_dtype
from .table import follow_all
from .wrap import op

# signature -> name -> what it is; `jax.scipy.special` has it under the same name
TABLE = {
    "x": {
        "erf": "Error function, `2 / sqrt(pi)` times the integral of `exp(-t ** 2)` from 0 to x.",
        "erfc": "`1 - erf(x)`, exact where that is small.",
        "erfinv": "The inverse of `erf`.",
    },
    "x, axis=None, keepdims=False": {"logsumexp": "`log(sum(exp(x)))`, without overflow."},
}
globals().update(follow_all(special, TABLE, __name__))


@op
def rsqrt(x):
    """`1 / sqrt(x)`."""
    x = as_array(x)
    return lax.rsqrt(x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(standardize_dtype(None)))


@op
def logdet(x):
    """Logarithm of the absolute value of the determinant."""
    return jnp.linalg.slogdet(as_array(x))[1]


# ---- segments ----------------------------------------------------------------------------------


def _segment(name: str, verb: str) -> Callable:
    reduce = getattr(jax.ops, name)

    def segments(data, segment_ids, num_segments: int | None = None, sorted: bool = False):
        ids = as_array(segment_ids).astype("int32")
        if num_segments is None:
            if isinstance(ids, jax.core.Tracer):
                raise ValueError(f"{name}: `num_segments` is needed for symbols and under `jit`")
            num_segments = int(ids.max(initial=-1)) + 1
        return reduce(as_array(data), ids, num_segments, indices_are_sorted=sorted)

    segments.__name__ = segments.__qualname__ = name
    segments.__doc__ = f"""{verb} of the rows with the same segment id.

    Args:
        data: `(n, ...)`.
        segment_ids: ints `(n,)`.
        num_segments: size of the result's first axis; the largest id and one more if None.
        sorted: whether the ids are known to rise.

    Raises ValueError when `num_segments` is None and the ids are not there yet.
    """
    return op(segments)


segment_sum, segment_prod = _segment("segment_sum", "Sum"), _segment("segment_prod", "Product")
segment_max, segment_min = _segment("segment_max", "Largest"), _segment("segment_min", "Smallest")


# ---- the largest -------------------------------------------------------------------------------


@op
def top_k(x, k: int, sorted: bool = True):
    """The k largest along the last axis, largest first, and where they are.

    Example:
        >>> from cornu import ops
        >>> values, places = ops.top_k([1, 5, 3], 2)
        >>> values.tolist(), places.tolist()
        ([5, 3], [1, 2])
    """
    return tuple(lax.top_k(as_array(x), k))


@op
def in_top_k(targets, predictions, k: int):
    """Whether fewer than k predictions are larger than the target's; NaN counts as smallest.

    Args:
        targets: ints `(...)`.
        predictions: `(..., classes)`.
    """
    targets, predictions = as_array(targets), as_array(predictions)
    own = jnp.take_along_axis(predictions, targets[..., None], -1)
    own = jnp.where(jnp.isnan(own), -jnp.inf, own)
    return (predictions > own).sum(-1) < k


@op
def cdist(x, y):
    """Euclidean distances of all pairs: `(..., m, d)` and `(..., n, d)` give `(..., m, n)`.

    Raises ValueError when the last axes differ.
    """
    x, y = as_array(x), as_array(y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(f"cdist: expected shapes (..., m, d) and (..., n, d); got {x.shape} and {y.shape}")
    return jnp.sqrt(jnp.square(x[..., :, None, :] - y[..., None, :, :]).sum(-1))


# ---- complex numbers and Fourier transforms ----------------------------------------------------


def _complex(name: str, x):
    """A complex array from a pair of real ones."""
    if not isinstance(x, tuple | list) or len(x) != 2:
        raise ValueError(f"{name}: expected a pair (real, imaginary) of arrays; got {x!r}")
    real, imaginary = map(as_array, x)
    if real.shape != imaginary.shape or not is_float(real.dtype) or not is_float(imaginary.dtype):
        raise ValueError(
            f"{name}: real and imaginary part are floats of one shape; got {real.dtype} {real.shape} "
            f"and {imaginary.dtype} {imaginary.shape}"
        )
    return lax.complex(real, imaginary)


def _parts(x):
    return jnp.real(x), jnp.imag(x)


@op
def view_as_complex(x):
    """Pairs (real, imaginary) on the last axis as complex numbers.

    Raises ValueError when the last axis is not of size 2.
    """
    x = as_array(x)
    if not x.ndim or x.shape[-1] != 2:
        raise ValueError(f"view_as_complex: the last axis holds real and imaginary part; got shape {x.shape}")
    return lax.complex(x[..., 0], x[..., 1])


@op
def view_as_real(x):
    """Complex numbers as pairs (real, imaginary) on a new last axis."""
    return jnp.stack(_parts(as_array(x)), -1)


@op
def fft(x):
    """Fourier transform along the last axis; x and the result are pairs (real, imaginary)."""
    return _parts(jnp.fft.fft(_complex("fft", x)))


@op
def fft2(x):
    """Fourier transform along the last two axes; x and the result are pairs (real, imaginary)."""
    return _parts(jnp.fft.fft2(_complex("fft2", x)))


@op
def ifft2(x):
    """Inverse Fourier transform along the last two axes; x and the result are pairs (real, imaginary)."""
    return _parts(jnp.fft.ifft2(_complex("ifft2", x)))


@op
def rfft(x, fft_length: int | None = None):
    """Fourier transform of real numbers along the last axis, cut or padded to `fft_length`; a pair of arrays."""
    return _parts(jnp.fft.rfft(as_array(x), fft_length))


@op
def irfft(x, fft_length: int | None = None):
    """The inverse of `rfft`: real numbers from a pair (real, imaginary)."""
    return jnp.fft.irfft(_complex("irfft", x), fft_length)


@op
def extract_sequences(x, sequence_length: int, sequence_stride: int):
    """Windows along the last axis: `(..., n)` gives `(..., windows, sequence_length)`.

    Example:
        >>> from cornu import ops
        >>> ops.extract_sequences([1, 2, 3, 4, 5], 3, 2).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    x = as_array(x)
    starts = jnp.arange(0, x.shape[-1] - sequence_length + 1, sequence_stride)
    return x[..., starts[:, None] + jnp.arange(sequence_length)]


WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}  # a - b cos(2 pi t / n)


def _window(window, sequence_length: int, fft_length: int, dtype):
    """A window in the middle of `fft_length` places."""
    if fft_length < sequence_length:
        raise ValueError(f"fft_length ({fft_length}) must be at least sequence_length ({sequence_length})")
    if isinstance(window, str):
        if window not in WINDOWS:
            raise ValueError(
                f"window: expected one of {', '.join(WINDOWS)}, an array or None; got {window!r}"
            )
        a, b = WINDOWS[window]
        window = a - b * jnp.cos(2 * jnp.pi * jnp.arange(sequence_length) / sequence_length)
    if window is None:
        return jnp.ones(fft_length, dtype)
    window = as_array(window)
    if window.shape != (sequence_length,):
        raise ValueError(f"window: expected {sequence_length} numbers; got shape {window.shape}")
    before = (fft_length - sequence_length) // 2
    return jnp.pad(window, (before, fft_length - sequence_length - before)).astype(dtype)


@op
def stft(x, sequence_length: int, sequence_stride: int, fft_length: int, window="hann", center: bool = True):
    """Fourier transforms of windows along the last axis, a pair `(..., windows, fft_length // 2 + 1)`.

    Args:
        x: floats `(..., n)`.
        window: 'hann', 'hamming', an array `(sequence_length,)`, or None for none.
        center: pad by reflection, so that window t is centred at `t * sequence_stride`.
    """
    x = as_array(x)
    if standardize_dtype(x.dtype) not in ("float32", "float64"):
        raise TypeError(f"stft: expected float32 or float64; got {x.dtype}")
    if center:
        x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)], "reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    return _parts(jnp.fft.rfft(frames * _window(window, sequence_length, fft_length, x.dtype)))


@op
def istft(
    x,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window="hann",
    center: bool = True,
):
    """The inverse of `stft`: windows added up where they overlap, divided by the sum of squared windows.

    Args:
        x: pair of floats `(..., windows, fft_length // 2 + 1)`.
        length: how many numbers to return; all if None.
    """
    frames = jnp.fft.irfft(_complex("istft", x), fft_length)
    window = _window(window, sequence_length, fft_length, frames.dtype)
    total = fft_length + sequence_stride * (frames.shape[-2] - 1)

    def overlap_add(frames):
        signal = jax.ShapeDtypeStruct((*frames.shape[:-2], total), frames.dtype)
        cut = jax.linear_transpose(lambda x: extract_sequences(x, fft_length, sequence_stride), signal)
        return cut(frames)[0]

    weight = overlap_add(jnp.broadcast_to(window**2, frames.shape[-2:]))
    signal = overlap_add(frames * window) / jnp.where(weight > 1e-10, weight, 1)
    start = fft_length // 2 if center else 0
    stop = start + length if length is not None else total - start
    return signal[..., start:stop]


__all__ = [
    *(name for row in TABLE.values() for name in row),
    *("cdist", "extract_sequences", "fft", "fft2", "ifft2", "in_top_k", "irfft", "istft", "logdet", "rfft"),
    *("rsqrt", "segment_max", "segment_min", "segment_prod", "segment_sum", "stft", "top_k"),
    *("view_as_complex", "view_as_real"),
]
__all__.sort()
