"""Initializers: the first values of weights, drawn with NumPy so that making a layer compiles nothing.

In era 3 an object draws the same values at every call, from the seed it was made with. In eras 1 and 2 one without
a seed draws afresh each time, and so does one with a seed in era 2, which counts it up; era 1 draws from NumPy's
global generator itself, as Keras 1 did on Theano.
"""

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from . import config, random, registry, scope
from .base import Configurable
from .dtypes import standardize_dtype
from .eras.border import snake
from .ops import numpy as ops
from .random import SeedGenerator
from .variable import Variable

TRUNCATED_STDDEV = 0.87962566103423978  # of the standard normal distribution cut at -2 and 2


class Initializer(Configurable):
    """What makes the first value of a weight: a callable `(shape, dtype=None) -> array`.

    A subclass of the library writes `values(shape)`; a user's writes `__call__`.

    Example:
        >>> class Halves(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return np.full(shape, 0.5, dtype)
        >>> Halves()((2,), "float32").tolist()
        [0.5, 0.5]
    """

    def __call__(self, shape: Sequence[int], dtype=None) -> jax.Array:
        dtype = jnp.dtype(standardize_dtype(dtype))
        # converted by NumPy and handed over with its type: anything else would compile something for each shape
        return jnp.asarray(np.asarray(self.values(tuple(shape))).astype(dtype), dtype)

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        """The values, in any float type."""
        raise NotImplementedError(f"{type(self).__name__} needs a `__call__(shape, dtype=None)` method")

    def clone(self) -> "Initializer":
        """Another initializer of the same configuration."""
        return self.from_config(self.get_config())


# ---- constants ---------------------------------------------------------------------------------


class Constant(Initializer):
    """`value` everywhere.

    Args:
        value: a number, or an array that broadcasts to the shape.

    Example:
        >>> Constant(3)((2,)).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value=0.0):
        self.value = value

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.value), shape)


class Zeros(Initializer):
    """0 everywhere."""

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, "float32")


class Ones(Initializer):
    """1 everywhere."""

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.ones(shape, "float32")


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Raises ValueError when the weight is no matrix.

    Example:
        >>> Identity(2.0)((2, 2)).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices; it cannot make a weight of shape {shape}")
        return self.gain * np.eye(*shape)


class STFT(Initializer):
    """The Fourier matrix of short windows, as kernels of a one-dimensional convolution.

    `window[t] * cos(-2 pi t f / n)` (real) or `sin` (imag), of shape `(window length, 1, n // 2 + 1)`.

    Args:
        side: 'real' or 'imag'.
        window: a name known to `scipy.signal.get_window`, an array of the window's length, or None.
        scaling: 'density' (divided by the window's 2-norm), 'spectrum' (by its sum) or None.
        periodic: passed on to `get_window` as Keras 3 does (`fftbins`).

    Raises ValueError for other words, and for a window of another length.

    Example:
        >>> STFT(window=None)((4, 1, 3))[0, 0].tolist()
        [1.0, 1.0, 1.0]
    """

    def __init__(
        self, side: str = "real", window="hann", scaling: str | None = "density", periodic: bool = False
    ):
        if side not in ("real", "imag"):
            raise ValueError(f"STFT: `side` is 'real' or 'imag'; got {side!r}")
        if scaling not in ("density", "spectrum", None):
            raise ValueError(f"STFT: `scaling` is 'density', 'spectrum' or None; got {scaling!r}")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        length, _, size = shape
        angles = -2 * np.pi * np.outer(np.arange(length), np.arange(size)) / ((size - 1) * 2)
        kernel = (np.cos if self.side == "real" else np.sin)(angles)
        if self.window is not None:
            window = self._window(length)
            norms = {
                "density": np.sqrt(np.sum(window**2)),
                "spectrum": np.sum(np.abs(window)),
                None: 1.0,
            }
            kernel = kernel * window[:, None] / norms[self.scaling]
        return np.broadcast_to(kernel[:, None, :], shape)

    def _window(self, length: int) -> np.ndarray:
        window = self.window
        if isinstance(window, str):
            from scipy.signal import get_window  # a heavy import that only this needs

            window = get_window(window, length, self.periodic)
        window = np.asarray(window, "float64")
        if window.shape != (length,):
            raise ValueError(f"STFT: a window of shape {(length,)} is needed; got {window.shape}")
        return window


# ---- draws -------------------------------------------------------------------------------------


class RandomInitializer(Initializer):
    """What draws its values.

    Args:
        seed: an int; a SeedGenerator, which gives other values at every call; or None.
    """

    def __init__(self, seed: "int | SeedGenerator | None" = None):
        if isinstance(seed, Mapping):
            seed = registry.deserialize(seed)
        if not isinstance(seed, int | np.integer | SeedGenerator | None):
            raise ValueError(f"{type(self).__name__}: `seed` is an int or a SeedGenerator; got {seed!r}")
        self.seed = seed
        self._own_seed = random.next_seed() if seed is None and self._era == 3 else None

    def generator(self) -> np.random.Generator:
        """Where the numbers of one call come from."""
        if self.seed is None and self._era == 1:
            return np.random
        seed = self._own_seed if self.seed is None else self.seed
        if isinstance(seed, SeedGenerator):
            seed = [int(each) for each in seed.next()]
        elif self.seed is not None and self._era == 2:
            self.seed += 1
        return np.random.Generator(np.random.Philox(random.next_seed() if seed is None else seed))

    def normal(self, shape: tuple[int, ...], stddev: float, mean: float = 0.0) -> np.ndarray:
        """Draws from the normal distribution."""
        return _standard_normal(self.generator(), shape) * stddev + mean

    def truncated_normal(self, shape: tuple[int, ...], stddev: float, mean: float = 0.0) -> np.ndarray:
        """Draws from the normal distribution, redrawn beyond two standard deviations."""
        generator = self.generator()
        draws = _standard_normal(generator, shape).ravel()
        while (beyond := np.flatnonzero(np.abs(draws) > 2)).size:
            draws[beyond] = _standard_normal(generator, beyond.shape)
        return draws.reshape(shape) * stddev + mean

    def uniform(self, shape: tuple[int, ...], minval: float, maxval: float) -> np.ndarray:
        """Draws from `[minval, maxval)`."""
        generator = self.generator()
        if generator is np.random:
            return generator.uniform(minval, maxval, shape)
        return generator.random(shape, "float32") * (maxval - minval) + minval


def _standard_normal(generator, shape: tuple[int, ...]) -> np.ndarray:
    if generator is np.random:
        return generator.normal(size=shape)
    return generator.standard_normal(shape, "float32")


class RandomNormal(RandomInitializer):
    """Draws from the normal distribution of that mean and standard deviation.

    Example:
        >>> RandomNormal(stddev=0.01)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed=None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.normal(shape, self.stddev, self.mean)


class TruncatedNormal(RandomNormal):
    """Draws from the normal distribution, redrawn beyond two standard deviations from the mean.

    Example:
        >>> bool(abs(TruncatedNormal(stddev=1.0)((1000,))).max() <= 2)
        True
    """

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.truncated_normal(shape, self.stddev, self.mean)


class RandomUniform(RandomInitializer):
    """Draws from `[minval, maxval)`.

    Example:
        >>> bool((RandomUniform(0.0, 1.0)((5,)) >= 0).all())
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed=None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.uniform(shape, self.minval, self.maxval)


class Orthogonal(RandomInitializer):
    """A random matrix whose rows or columns, whichever are fewer, are orthogonal and of length `gain`.

    Args:
        gain: what the orthogonal matrix is multiplied by; Keras 1 called it `scale`, and took 1.1.

    Raises ValueError for a vector. Weights of more axes are flattened to a matrix: all but the last axis together
    in eras 2 and 3, all but the first in era 1. Source: Saxe et al. 2013.

    Example:
        >>> q = Orthogonal()((3, 3))
        >>> bool(np.allclose(q @ q.T, np.eye(3), atol=1e-5))
        True
    """

    def __init__(self, gain: float = 1.0, seed=None):
        super().__init__(seed)
        self.gain = gain

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal makes matrices; it cannot make a weight of shape {shape}")
        if self._era == 1:
            return self.gain * self._by_svd((shape[0], math.prod(shape[1:]))).reshape(shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self.normal((max(rows, columns), min(rows, columns)), 1.0))
        q *= np.sign(np.diag(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)

    def _by_svd(self, shape: tuple[int, int]) -> np.ndarray:
        left, _, right = np.linalg.svd(self.normal(shape, 1.0), full_matrices=False)
        return left if left.shape == shape else right


# ---- draws whose width follows the shape -------------------------------------------------------


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
    era: int = 3,
    data_format: str | None = None,
) -> tuple[float, float]:
    """How many inputs a unit has, and how many outputs an input goes to.

    Args:
        shape: of the kernel: `(..., inputs, outputs)`.
        input_axes, output_axes: the axes to multiply instead, where both are given.
        data_format: 'channels_first' for `(outputs, inputs, ...)`; in Keras 2 the second argument.
        era: 1 knew kernels of two, four and five axes, the latter two with two spatial ones; all else was square.

    Example:
        >>> compute_fans((3, 3, 16, 32))
        (144, 288)
    """
    shape = (*shape[2:], *shape[1::-1]) if "channels_first" in (data_format, input_axes) else shape
    if output_axes is not None and input_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if era == 1 and len(shape) not in (2, 4, 5):
        return (math.sqrt(math.prod(shape)),) * 2
    if len(shape) < 2:
        return (math.prod(shape),) * 2
    field = math.prod(shape[:2] if era == 1 and len(shape) > 2 else shape[:-2])
    return field * shape[-2], field * shape[-1]


class VarianceScaling(RandomInitializer):
    """Draws whose variance is `scale / n`.

    Args:
        scale: a number above 0.
        mode: n: 'fan_in' (inputs of a unit), 'fan_out' (units an input goes to), or 'fan_avg' (their mean).
        distribution: 'uniform', 'truncated_normal' (cut at two standard deviations, and widened so that the
            variance is kept) or 'untruncated_normal'. In era 1 the normal distributions are not cut.
        input_axes, output_axes: the axes of the shape that make up inputs and outputs.

    Raises ValueError for other words and for a scale of 0 or less.

    Example:
        >>> kernel = VarianceScaling(2.0, "fan_in", "uniform", seed=1)((100, 3))
        >>> bool(abs(kernel).max() < (3 * 2 / 100) ** 0.5)
        True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed=None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(seed)
        if scale <= 0:
            raise ValueError(f"{type(self).__name__}: `scale` is above 0; got {scale}")
        distribution = {"normal": "truncated_normal"}.get(distribution.lower(), distribution.lower())
        for name, word, known in (
            ("mode", mode, ("fan_in", "fan_out", "fan_avg")),
            ("distribution", distribution, ("uniform", "truncated_normal", "untruncated_normal")),
        ):
            if word not in known:
                raise ValueError(
                    f"{type(self).__name__}: `{name}` is one of {', '.join(known)}; got {word!r}"
                )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes, self._era)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, count))
        if self.distribution == "uniform":
            return self.uniform(shape, -math.sqrt(3) * stddev, math.sqrt(3) * stddev)
        if self.distribution == "untruncated_normal" or self._era == 1:
            return self.normal(shape, stddev)
        return self.truncated_normal(shape, stddev / TRUNCATED_STDDEV)


class _Scaled(VarianceScaling):
    """A VarianceScaling whose first three arguments are fixed."""

    fixed: tuple[float, str, str]

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self.fixed, seed, input_axes, output_axes)


class GlorotUniform(_Scaled):
    """Uniform draws of variance `2 / (fan_in + fan_out)` (Glorot & Bengio 2010)."""

    fixed = 1.0, "fan_avg", "uniform"


class GlorotNormal(_Scaled):
    """Normal draws of variance `2 / (fan_in + fan_out)`, not cut in era 1 (Glorot & Bengio 2010)."""

    fixed = 1.0, "fan_avg", "truncated_normal"


class HeUniform(_Scaled):
    """Uniform draws of variance `2 / fan_in` (He et al. 2015)."""

    fixed = 2.0, "fan_in", "uniform"


class HeNormal(_Scaled):
    """Normal draws of variance `2 / fan_in`, not cut in era 1 (He et al. 2015)."""

    fixed = 2.0, "fan_in", "truncated_normal"


class LecunUniform(_Scaled):
    """Uniform draws of variance `1 / fan_in` (LeCun et al. 1998)."""

    fixed = 1.0, "fan_in", "uniform"


class LecunNormal(_Scaled):
    """Normal draws of variance `1 / fan_in` (Klambauer et al. 2017)."""

    fixed = 1.0, "fan_in", "truncated_normal"


# ---- by name, and what users bring -------------------------------------------------------------

CLASSES = (Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, Initializer, LecunNormal)
CLASSES += (LecunUniform, Ones, Orthogonal, RandomNormal, RandomUniform, STFT, TruncatedNormal)
CLASSES += (VarianceScaling, Zeros)
NAMES = {cls.__name__: cls for cls in CLASSES} | {snake(cls.__name__): cls for cls in CLASSES}
NAMES |= {"IdentityInitializer": Identity, "OrthogonalInitializer": Orthogonal, "STFTInitializer": STFT}
del NAMES["initializer"]
registry.family("initializers", NAMES)
globals().update(NAMES)
__all__ = sorted([*NAMES, "deserialize", "get", "serialize"])


def get(identifier) -> Callable | None:
    """An initializer from its name, configuration, class, itself, or the array it shall give; None stays None.

    Example:
        >>> get("he_normal").mode
        'fan_in'

    Raises ValueError for an unknown name.
    """
    if isinstance(identifier, np.ndarray | np.generic | jax.Array | Variable):
        return lambda shape, dtype=None: ops.cast(identifier, standardize_dtype(dtype))
    return registry.get("initializers", identifier)


def serialize(initializer) -> dict | str:
    """An initializer as plain data."""
    return registry.serialize(initializer)


def deserialize(config: Mapping | str, custom_objects: Mapping | None = None) -> Callable:
    """The initializer that plain data describes."""
    return registry.get("initializers", config, custom_objects)


@functools.lru_cache(maxsize=256)
def _options(function: Callable) -> tuple[frozenset, bool]:
    """What a function takes besides the shape, and whether it takes anything."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # some functions written in C do not say
        return frozenset(), False
    named = [p for p in parameters[1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return frozenset(p.name for p in named), any(p.kind is p.VAR_KEYWORD for p in parameters)


def draw(initializer: Callable, shape: Sequence[int], dtype=None) -> jax.Array | np.ndarray:
    """The array that an initializer of any era makes.

    Args:
        initializer: an Initializer; a function `f(shape, dtype)` as in Keras 2 and 3; or one as in Keras 1,
            `f(shape, name=None)` or `f(shape, dim_ordering=...)`, that returns an array or a cell.
        shape: tuple of ints; kernels are `(..., inputs, outputs)`.
        dtype: name of a data type.

    Raises ValueError when it makes another shape.
    """
    shape, dtype = tuple(shape), standardize_dtype(dtype)
    if isinstance(initializer, Initializer):
        offered = {"dtype": dtype}
    else:
        names, open_ended = _options(initializer)
        if open_ended:
            names |= {"name"} if config.era() == 1 else {"dtype"}
        offered = {"dtype": dtype, "name": None, "dim_ordering": "tf"}
        offered = {name: offered[name] for name in names & offered.keys()}
    with scope.entered(depth=scope.call.depth + 1):  # what is made of cells is computed, not noted down
        value = initializer(shape, **offered)
    value = value.value if isinstance(value, Variable) else value
    if np.shape(value) != shape:
        name = getattr(initializer, "__name__", type(initializer).__name__)
        raise ValueError(f"initializer {name}: shape {shape} was asked for, it made {np.shape(value)}")
    return value if isinstance(value, jax.Array) else np.asarray(value)
