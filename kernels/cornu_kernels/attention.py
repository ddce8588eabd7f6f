"""Attention in one call: scores, their softmax, dropout of the weights and the sum of values are never in memory whole.

`attend` is differentiated by two linear maps that are transposes of each other: `push` takes changes of the operands
to the change of the outputs, `pull` takes slopes at the outputs to slopes at the operands. `pull` is compiled, like
`attend`; `push`, and what derivatives of higher order need, are written in JAX.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from .library import differentiated_by_jax, filled, no_change, over_batches, primitive, to_changes

LOWEST = -0.7 * float(np.finfo("float32").max)  # the score of what is not seen


class Settings(NamedTuple):
    """What does not depend on arrays."""

    scale: float
    causal: bool
    even: bool
    kept: float
    masked: bool

    def call(self, back: bool, shapes, *operands):
        return jax.ffi.ffi_call("cornu_attention", shapes)(
            *operands,
            back=np.int64(back),
            masked=np.int64(self.masked),
            causal=np.int64(self.causal),
            even=np.int64(self.even),
            scale=np.float32(self.scale),
            kept=np.float32(self.kept),
        )

    def mask_and_seeds(self, rest: tuple) -> tuple:
        """The operands behind the first three or five, None for one that is not given."""
        rest = iter(rest)
        return next(rest) if self.masked else None, next(rest) if self.kept < 1 else None


# ---- the same in JAX ---------------------------------------------------------------------------------


def _mixed(x):
    """Wellons' lowbias32 (Hash Prospector, 2018), as the compiled loops have it."""
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def weights(query, key, mask, settings: Settings):
    """The softmax of the scores, `(batch, heads, targets, sources)`."""
    key = jnp.repeat(key, query.shape[2] // key.shape[2], 2)
    scores = jnp.einsum("bthd,bshd->bhts", query, key) * settings.scale
    seen = jnp.ones(scores.shape[-2:], bool)
    seen = jnp.tril(seen) if settings.causal else seen
    seen = seen if mask is None else seen & mask
    made = jax.nn.softmax(jnp.where(seen, scores, LOWEST), -1)
    return made if settings.even else jnp.where(seen.any(-1, keepdims=True), made, 0)


def _thinned(shares, seeds, kept: float):
    """After dropout."""
    if seeds is None:
        return shares
    places = jax.lax.iota("uint32", shares.size).reshape(shares.shape)
    bits = _mixed(_mixed(places + seeds[0]) ^ seeds[1]) >> 8
    return jnp.where(bits.astype("float32") < np.float32(kept) * np.float32(2**24), shares / kept, 0)


def plain(query, key, value, *rest, settings: Settings):
    """What `attend` computes."""
    mask, seeds = settings.mask_and_seeds(rest)
    shares = _thinned(weights(query, key, mask, settings), seeds, settings.kept)
    value = jnp.repeat(value, query.shape[2] // value.shape[2], 2)
    return jnp.einsum("bhts,bshe->bthe", shares, value)


# ---- primitives: (query, key, value[, mask][, seeds]) and, behind the first three, stats ---------------------


def _attend_shapes(query, key, value, *rest, settings):
    batch, targets, heads, _ = query.shape
    out = jax.ShapeDtypeStruct((batch, targets, heads, value.shape[3]), query.dtype)
    return out, jax.ShapeDtypeStruct((batch, heads, targets, 2), query.dtype)


def _pull_shapes(slope, query, key, value, *rest, settings):
    return tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in (query, key, value))


def _push_shape(d_query, d_key, d_value, query, key, value, *rest, settings):
    return _attend_shapes(query, key, value, settings=settings)[0]


def _attend_in_library(*operands, settings):
    return settings.call(False, _attend_shapes(*operands, settings=settings), *operands)


def _pull_in_library(*operands, settings):
    return settings.call(True, _pull_shapes(*operands, settings=settings), *operands)


def _push_in_jax(d_query, d_key, d_value, query, key, value, stats, *rest, settings):
    fn = lambda *three: plain(*three, *rest, settings=settings)  # noqa: E731
    return jax.jvp(fn, (query, key, value), (d_query, d_key, d_value))[1]


def _pull_in_jax(slope, query, key, value, stats, *rest, settings):
    fn = lambda *three: plain(*three, *rest, settings=settings)  # noqa: E731
    return jax.vjp(fn, query, key, value)[1](slope)


_attend = primitive("cornu_attend", _attend_shapes, _attend_in_library, several=True)
_push = primitive("cornu_attend_push", _push_shape, _push_in_jax)
_pull = primitive("cornu_attend_pull", _pull_shapes, _pull_in_library, several=True)

# a mask may be shared by the batch, and dropout goes by places in it: then they loop
over_batches(_attend, lambda has: all(has) and len(has) == 3)
over_batches(_pull, lambda has: all(has) and len(has) == 5)
over_batches(_push, lambda has: all(has) and len(has) == 7)


# ---- derivatives -----------------------------------------------------------------------------------


def _attend_jvp(primals, tangents, *, settings):
    out, stats = _attend.bind(*primals, settings=settings)
    changes = map(filled, tangents[:3])
    change = no_change(out)
    if any(type(each) is not ad.Zero for each in tangents[:3]):
        change = _push.bind(*changes, *primals[:3], stats, *primals[3:], settings=settings)
    return (out, stats), (change, no_change(stats))


def _push_transpose(slope, *operands, settings):
    made = [None] * 3 if type(slope) is ad.Zero else _pull.bind(slope, *operands[3:], settings=settings)
    return to_changes(made, operands)


ad.primitive_jvps[_attend] = _attend_jvp
differentiated_by_jax(_push, _push_in_jax)
differentiated_by_jax(_pull, _pull_in_jax)
ad.primitive_transposes[_push] = _push_transpose


# ---- what is called ----------------------------------------------------------------------------------


def attend(
    query,
    key,
    value,
    mask=None,
    *,
    scale: float,
    causal: bool = False,
    even: bool = True,
    kept: float = 1.0,
    seeds=None,
):
    """`dropout(softmax(query key^T * scale)) value`.

    Args:
        query: `(batch, targets, heads, size)`, float32.
        key, value: `(batch, sources, groups, size)` and `(batch, sources, groups, width)`, float32; `groups` divides
            `heads`.
        mask: booleans `(batch or 1, heads or 1, targets or 1, sources)`; False: not seen.
        causal: no target sees a later source.
        even: whether a target that sees nothing takes the mean of all values; or else 0.
        kept: share of the weights that dropout keeps.
        seeds: for dropout, `(2,)` uint32. Weight number n, in the order (batch, head, target, source), is kept where
            the upper 24 bits of `mixed(mixed(n + seeds[0]) ^ seeds[1])` are below `kept * 2**24`, by lowbias32.

    Example:
        >>> x = jnp.ones((2, 5, 4, 8))
        >>> attend(x, x, x, scale=0.5).shape
        (2, 5, 4, 8)
    """
    settings = Settings(float(scale), bool(causal), bool(even), float(kept), mask is not None)
    rest = [] if mask is None else [mask]
    rest += [] if kept == 1 else [seeds]
    return _attend.bind(query, key, value, *rest, settings=settings)[0]
