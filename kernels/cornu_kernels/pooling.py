"""The largest value and the mean of windows, with their derivatives."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from .library import no_change, over_batches, primitive

Pairs = Sequence[tuple[int, int]]


class Settings(NamedTuple):
    """The window and how it moves; a number for each spatial axis."""

    window: tuple[int, ...]
    strides: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    channels_last: bool

    def axes(self, given: Sequence, other) -> tuple:
        """One for each axis: those given, `other` for the batch and the channels."""
        return (other, *given, other) if self.channels_last else (other, other, *given)

    def out(self, shape: Sequence[int]) -> tuple[int, ...]:
        window, strides, before, after = map(self.axes, self[:4], (1, 1, 0, 0))
        rows = zip(shape, window, strides, before, after, strict=True)
        return tuple((n + a + b - k) // s + 1 for n, k, s, a, b in rows)

    @property
    def index(self):
        """The type of a place in the window, as oneDNN chooses it."""
        return jnp.uint8 if math.prod(self.window) < 256 else jnp.int32

    def call(self, kind: int, shapes, *operands):
        numbers = {
            name: np.array(getattr(self, name), np.int64) for name in ("window", "strides", "before", "after")
        }
        return jax.ffi.ffi_call("cornu_pooling", shapes)(
            *operands, kind=np.int64(kind), channels_last=np.int64(self.channels_last), **numbers
        )


def _out_shape(x, *, settings):
    return jax.ShapeDtypeStruct(settings.out(x.shape), x.dtype)


def _out_shapes(x, *, settings):
    return _out_shape(x, settings=settings), jax.ShapeDtypeStruct(settings.out(x.shape), settings.index)


def _back_shape(y, *winners, settings, shape):
    return jax.ShapeDtypeStruct((y.shape[0], *shape), y.dtype)


def _pick_shape(x, winners, *, settings):
    return jax.ShapeDtypeStruct(winners.shape, x.dtype)


def _compute(kind: int, shapes):
    return lambda *operands, **params: params["settings"].call(kind, shapes(*operands, **params), *operands)


def _picked(x, winners, *, settings):
    """The element of each window that won, in JAX: only derivatives of gradients need it."""
    padding = settings.axes(tuple(zip(settings.before, settings.after, strict=True)), (0, 0))
    x, total = jnp.pad(x, padding), jnp.zeros(winners.shape, x.dtype)
    steps = settings.axes(settings.strides, 1)
    for number, place in enumerate(itertools.product(*map(range, settings.window))):
        starts = settings.axes(place, 0)
        ends = [at + (n - 1) * step + 1 for at, n, step in zip(starts, winners.shape, steps, strict=True)]
        total += jnp.where(winners == number, jax.lax.slice(x, starts, ends, steps), 0)
    return total


_max = primitive("onednn_max_pool", _out_shape, _compute(0, _out_shape))
_max_and_winners = primitive("onednn_max_pool_winners", _out_shapes, _compute(0, _out_shapes), several=True)
_place = primitive("onednn_max_pool_place", _back_shape, _compute(1, _back_shape))
_pick = primitive("onednn_max_pool_pick", _pick_shape, _picked)
_mean = primitive("onednn_average_pool", _out_shape, _compute(2, _out_shape))
_mean_back = primitive("onednn_average_pool_back", _back_shape, _compute(3, _back_shape))

for each in (_max, _max_and_winners, _place, _pick, _mean, _mean_back):
    over_batches(each, all)


# ---- derivatives: picking and placing are transposes of each other, the mean and its gradient too ----------


def _linear(made, transpose) -> None:
    """Let `made` be linear in its first operand."""

    def jvp(primals, tangents, **params):
        out = made.bind(*primals, **params)
        change = tangents[0]
        zero = type(change) is ad.Zero
        return out, no_change(out) if zero else made.bind(change, *primals[1:], **params)

    def transposed(slope, x, *rest, **params):
        back = None if type(slope) is ad.Zero else transpose(slope, x.aval, *rest, **params)
        return [back, *(None for _ in rest)]

    ad.primitive_jvps[made] = jvp
    ad.primitive_transposes[made] = transposed


_linear(
    _pick,
    lambda slope, x, winners, *, settings: _place.bind(slope, winners, settings=settings, shape=x.shape[1:]),
)
_linear(_place, lambda slope, y, winners, *, settings, shape: _pick.bind(slope, winners, settings=settings))
_linear(_mean, lambda slope, x, *, settings: _mean_back.bind(slope, settings=settings, shape=x.shape[1:]))
_linear(_mean_back, lambda slope, y, *, settings, shape: _mean.bind(slope, settings=settings))


def _winners_jvp(primals, tangents, *, settings):
    """The change of a maximum is that of the element that won."""
    y, winners = _max_and_winners.bind(*primals, settings=settings)
    still = ad.Zero(jax.core.ShapedArray(winners.shape, jax.dtypes.float0))
    if type(tangents[0]) is ad.Zero:
        return (y, winners), (no_change(y), still)
    return (y, winners), (_pick.bind(*tangents, winners, settings=settings), still)


def _max_jvp(primals, tangents, *, settings):
    (y, _), (change, _) = _winners_jvp(primals, tangents, settings=settings)
    return y, change


ad.primitive_jvps[_max_and_winners] = _winners_jvp
ad.primitive_jvps[_max] = _max_jvp


# ---- what is called ----------------------------------------------------------------------------------


def max_pool(x, *, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool = True):
    """The largest value of each window; padded places never win. The gradient goes to the first maximum.

    Args:
        x: `(batch, *space, channels)`, or `(batch, channels, *space)` unless `channels_last`; one to three axes of
            space, float32 or one of `types()`.
        window, strides: a number an axis.
        padding: (before, after) for each axis, less than the window.

    Example:
        >>> max_pool(jnp.array([[[1.0], [3.0], [2.0], [0.0]]]), window=(2,), strides=(2,), padding=((0, 0),)).tolist()
        [[[3.0], [2.0]]]
    """
    return _max.bind(x, settings=_settings(window, strides, padding, channels_last))


def average_pool(
    x, *, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool = True
):
    """The mean of each window, padded places left out; arguments as in `max_pool`."""
    return _mean.bind(x, settings=_settings(window, strides, padding, channels_last))


def _settings(window, strides, padding, channels_last) -> Settings:
    before, after = zip(*padding, strict=True)
    return Settings(tuple(window), tuple(strides), before, after, channels_last)
