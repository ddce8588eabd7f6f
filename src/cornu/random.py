"""Random numbers: seeds for what is made now, and cells that give a new key at every draw.

A `SeedGenerator` is one cell `[seed, count]`; `key = fold_in(key(seed), count)`, and every draw counts one up. Since
it is a cell, it is part of a model's state: saved with it, restored with it.
"""

import functools
import math
import random as python_random
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from . import config, dtypes, registry
from .ops.wrap import op
from .variable import Variable

LARGEST_SEED = 2**31 - 1
STATE = "seed_generator_state"  # name of the cells of generators


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and Cornu's generators at once.

    Args:
        seed: an int from 0 to 2**32 - 1.
    """
    python_random.seed(seed)
    np.random.seed(seed)
    global_generator().state.assign(np.array([seed, 0], "uint32"))


def next_seed() -> int:
    """A seed for an object that was given none.

    Eras 1 and 2 draw it from NumPy's global generator, so `np.random.seed(7)` fixes initial weights as it used to;
    era 3 draws it from Python's, as Keras 3 does.
    """
    if config.era() < 3:
        return int(np.random.randint(LARGEST_SEED))
    return python_random.randint(0, LARGEST_SEED)


@registry.member("random")
class SeedGenerator:
    """A cell that gives a different key at every draw.

    Args:
        seed: an int; drawn by `next_seed` if None.
        name: a word for files.

    Example:
        >>> generator = SeedGenerator(7)
        >>> a, b = normal((2,), seed=generator), normal((2,), seed=generator)
        >>> bool((a != b).all())
        True
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
            raise ValueError(f"SeedGenerator: `seed` is an int of at least 0; got {seed!r}")
        self.seed = next_seed() if seed is None else int(seed)
        self.name = name or "seed_generator"
        self.state = Variable(np.array([self.seed & 0xFFFFFFFF, 0], "uint32"), trainable=False, name=STATE)

    def key(self) -> jax.Array:
        """The next key."""
        seed, count = self.state.value
        self.state.assign(jnp.stack([seed, count + 1]))
        return jax.random.fold_in(jax.random.key(seed), count)

    def next(self) -> jax.Array:
        """The next pair `[seed, count]`, as Keras 3 hands seeds on."""
        pair = self.state.value
        self.state.assign(pair + jnp.array([0, 1], "uint32"))
        return pair

    def get_config(self) -> dict:
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config: dict) -> "SeedGenerator":
        return cls(**config)


def is_seed(cell: Variable) -> bool:
    """Whether a cell is the state of a generator."""
    return cell.name == STATE


@functools.cache
def global_generator() -> SeedGenerator:
    """The generator of draws that name none.

    It is made at the first, so that importing starts no device, and takes no draw away from the program's own.
    """
    before = python_random.getstate(), np.random.get_state()
    try:
        return SeedGenerator(next_seed(), name="global_seed_generator")
    finally:
        python_random.setstate(before[0])
        np.random.set_state(before[1])


def key_of(seed) -> jax.Array:
    """A JAX key from None (the global generator), an int, a pair, a SeedGenerator or a key."""
    if seed is None:
        return global_generator().key()
    if isinstance(seed, SeedGenerator):
        return seed.key()
    if isinstance(seed, jax.Array) and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return seed
    if isinstance(seed, int | np.integer):
        return jax.random.key(int(seed))
    first, second = jnp.asarray(seed, "uint32")
    return jax.random.fold_in(jax.random.key(first), second)


def _float(dtype) -> str:
    return dtypes.standardize_dtype(dtype)


def normal(shape: Sequence[int], mean=0.0, stddev=1.0, dtype=None, seed=None) -> jax.Array:
    """Draws from the normal distribution."""
    return mean + stddev * jax.random.normal(key_of(seed), tuple(shape), _float(dtype))


def truncated_normal(shape: Sequence[int], mean=0.0, stddev=1.0, dtype=None, seed=None) -> jax.Array:
    """Draws from the normal distribution, redrawn beyond two standard deviations."""
    return mean + stddev * jax.random.truncated_normal(key_of(seed), -2.0, 2.0, tuple(shape), _float(dtype))


def uniform(shape: Sequence[int], minval=0.0, maxval=1.0, dtype=None, seed=None) -> jax.Array:
    """Draws from `[minval, maxval)`; of ints if `dtype` is one."""
    dtype = _float(dtype)
    draw = jax.random.uniform if dtypes.is_float(dtype) else jax.random.randint
    return draw(key_of(seed), tuple(shape), minval=minval, maxval=maxval, dtype=dtype)


def randint(shape: Sequence[int], minval, maxval, dtype="int32", seed=None) -> jax.Array:
    """Ints from `[minval, maxval)`."""
    return jax.random.randint(key_of(seed), tuple(shape), minval, maxval, dtypes.standardize_dtype(dtype))


def bernoulli(shape: Sequence[int], p: float, seed=None) -> jax.Array:
    """Booleans, true with probability `p` to within 2**-24."""
    return kept(words(seed), tuple(shape), p)


def words(seed=None) -> jax.Array:
    """The two numbers, `(2,)` uint32, that all bits of one draw by `kept` come from."""
    return jax.random.key_data(key_of(seed))[-2:]


def kept(pair: jax.Array, shape: tuple[int, ...], p: float) -> jax.Array:
    """Booleans, true with probability `p`: a hash of each element's place and of two words.

    Good enough for masks, and a twentieth of Threefry's time. XLA computes them where they are used, so that they are
    never in memory; compiled kernels compute the same.
    """
    first, second = pair
    places = jax.lax.iota("uint32", math.prod(shape)).reshape(shape)
    return (_mixed(_mixed(places + first) ^ second) >> 8).astype("float32") < jnp.asarray(p) * 2**24


def _mixed(x: jax.Array) -> jax.Array:
    """Every bit of the outcome depends on every bit of `x`: Wellons' lowbias32 (Hash Prospector, 2018)."""
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


@op
def dropout(inputs, rate: float, noise_shape: Sequence[int | None] | None = None, seed=None):
    """Zeros with probability `rate`, the rest scaled by `1 / (1 - rate)`.

    Args:
        noise_shape: shape of the mask, broadcast to the inputs; None in it: the input's size.
    """
    shape = inputs.shape
    if noise_shape is not None:
        shape = [size if n is None else n for n, size in zip(noise_shape, shape, strict=True)]
    if rate >= 1:
        return jnp.zeros_like(inputs)
    kept = bernoulli(shape, 1 - rate, seed)
    return jnp.where(kept, inputs / (1 - rate), jnp.zeros((), inputs.dtype))


@op
def categorical(logits, num_samples: int, dtype="int32", seed=None):
    """Draws of classes, `(batch, num_samples)`, from unnormalised log-probabilities `(batch, classes)`."""
    shape = (num_samples, logits.shape[0])
    return jax.random.categorical(key_of(seed), logits, axis=-1, shape=shape).T.astype(dtype)


@op
def shuffle(x, axis: int = 0, seed=None):
    """The slices along an axis in random order."""
    return jax.random.permutation(key_of(seed), x, axis)


def gamma(shape: Sequence[int], alpha, dtype=None, seed=None) -> jax.Array:
    """Draws from the gamma distribution of shape `alpha` and scale 1."""
    return jax.random.gamma(key_of(seed), alpha, tuple(shape), _float(dtype))


def beta(shape: Sequence[int], alpha, beta, dtype=None, seed=None) -> jax.Array:
    """Draws from the beta distribution."""
    return jax.random.beta(key_of(seed), alpha, beta, tuple(shape), _float(dtype))


def binomial(shape: Sequence[int], counts, probabilities, dtype=None, seed=None) -> jax.Array:
    """How many of `counts` trials succeed, each with the given probability."""
    return jax.random.binomial(key_of(seed), counts, probabilities, tuple(shape), _float(dtype))
