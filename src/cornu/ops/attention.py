"""Softmax and attention, in the form that the device computes best.

On the CPU attention is one call of the compiled kernels where they are installed, and products of matrices around a
softmax elsewhere. On other devices it is JAX's.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jax import nn as jnn

from .. import random
from ..dtypes import as_array
from . import onednn
from .table import plain
from .wrap import op

# ---- softmax -----------------------------------------------------------------------------------


@op
def softmax(x, axis: int | Sequence[int] = -1):
    """`exp(x) / sum(exp(x))`; over several axes together if `axis` is a tuple."""
    x, axis = as_array(x), plain(axis)
    return _softmax(x, axis) if _on_cpu() and jnp.issubdtype(x.dtype, jnp.floating) else jnn.softmax(x, axis)


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _softmax(x, axis):
    return jnn.softmax(x, axis)


@_softmax.defjvp
def _(axis, primals, tangents):
    # XLA's CPU would draw the product that made the slopes into their sum: computed twice, and slowly
    made, change = _softmax(*primals, axis), tangents[0]
    return made, lax.optimization_barrier(made * (change - (made * change).sum(axis, keepdims=True)))


# ---- attention ---------------------------------------------------------------------------------


@op
def dot_product_attention(
    query,
    key,
    value,
    bias=None,
    mask=None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
):
    """`softmax(query key^T * scale + bias) value` (Vaswani et al. 2017).

    Args:
        query: `(batch, targets, heads, size)`.
        key, value: `(batch, sources, heads or a divisor of them, size)`.
        bias: added to the logits, broadcast to `(batch, heads, targets, sources)`.
        mask: booleans of that shape; False: not looked at.
        scale: `1 / sqrt(size)` if None.
        is_causal: look at no later place than one's own.
        flash_attention: True: cuDNN's fused kernel (NVIDIA, half precision), or an error.
        attn_logits_soft_cap: logits become `logits / (1 + |logits| / cap)`.

    Raises ValueError for other ranks.

    Example:
        >>> from cornu import ops
        >>> x = ops.ones((2, 5, 4, 8))
        >>> ops.dot_product_attention(x, x, x, is_causal=True).shape
        (2, 5, 4, 8)
    """
    query, key, value = as_array(query), as_array(key), as_array(value)
    if not query.ndim == key.ndim == value.ndim == 4:
        raise ValueError(
            "dot_product_attention: expected query, key and value of shape (batch, length, heads, size); "
            f"got {query.shape}, {key.shape} and {value.shape}"
        )
    dtype = jnp.result_type(query, key, value)
    query, key, value = query.astype(dtype), key.astype(dtype), value.astype(dtype)
    bias = None if bias is None else as_array(bias).astype(dtype)
    mask = None if mask is None else as_array(mask).astype(bool)
    if attn_logits_soft_cap is not None:
        return _capped_attention(query, key, value, bias, mask, scale, is_causal, attn_logits_soft_cap)
    if bias is None and not flash_attention and _on_cpu() and _fit(query, key, value, mask):
        return _attention(query, key, value, mask, scale, is_causal)
    implementation = "cudnn" if flash_attention else None
    return jnn.dot_product_attention(
        query, key, value, bias, mask, scale=scale, is_causal=is_causal, implementation=implementation
    )


@op
def thinned_attention(query, key, value, mask, scale: float, rate: float, seed=None):
    """`dropout(softmax(query key^T * scale)) value`; 0 where a target sees nothing.

    Args:
        query: `(batch, targets, heads, size)`.
        key, value: `(batch, sources, heads, size)`.
        mask: booleans, broadcast to `(batch, heads, targets, sources)`, or None; False: not looked at.
        rate: share of the weights that is dropped, below 1.
        seed: as `random.dropout` takes it, and makes the same draws from it.
    """
    query, key, value = as_array(query), as_array(key), as_array(value)
    mask = None if mask is None else as_array(mask).astype(bool)
    return _attention(query, key, value, mask, scale, even=False, rate=rate, words=random.words(seed))


def _shape(query, key) -> tuple[int, ...]:
    """That of the scores."""
    return query.shape[0], query.shape[2], query.shape[1], key.shape[1]


def _fit(query, key, value, mask) -> bool:
    """Whether shapes are as they have to be; JAX's own function has the words for those that are not."""
    return (
        query.shape[0] == key.shape[0]
        and query.shape[3] == key.shape[3]
        and key.shape[:3] == value.shape[:3]
        and query.shape[2] % key.shape[2] == 0
        and (
            mask is None
            or mask.ndim == 4
            and all(n in (1, m) for n, m in zip(mask.shape, _shape(query, key), strict=True))
        )
    )


def _attention(query, key, value, mask, scale, causal=False, even=True, rate=0.0, words=None):
    """The sum of values by weights; `even`: where a target sees nothing it takes the mean of all, or else 0."""
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    narrow, wide = query.dtype, jnp.promote_types(query.dtype, "float32" if _on_cpu() else query.dtype)
    query, key, value = query.astype(wide), key.astype(wide), value.astype(wide)
    if mask is not None:
        mask = mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
    if onednn.attends(query):
        if mask is not None:
            mask = jnp.broadcast_to(mask, (*mask.shape[:3], key.shape[1]))
        how = {"scale": scale, "causal": causal, "even": even, "kept": 1 - rate, "seeds": words}
        return onednn.attend(query, key, value, mask, **how).astype(narrow)
    query, key, value = (jnp.swapaxes(each, 1, 2) for each in (query, key, value))
    repeats = query.shape[1] // key.shape[1]
    if repeats > 1:
        key, value = jnp.repeat(key, repeats, 1), jnp.repeat(value, repeats, 1)
    scores = jnp.einsum("bhtd,bhsd->bhts", query * scale, key)
    if causal:
        seen = jnp.tril(jnp.ones(scores.shape[-2:], bool))
        mask = seen if mask is None else seen & mask
    if mask is not None:
        scores = jnp.where(mask, scores, -0.7 * jnp.finfo(wide).max)
    weights = softmax(scores)
    if mask is not None and not even:
        weights = jnp.where(mask, weights, 0)
    if rate:
        weights = jnp.where(random.kept(words, weights.shape, 1 - rate), weights / (1 - rate), 0)
    return jnp.swapaxes(jnp.einsum("bhts,bhse->bhte", weights, value), 1, 2).astype(narrow)


def _capped_attention(query, key, value, bias, mask, scale, is_causal, cap):
    repeats = query.shape[2] // key.shape[2]
    key, value = jnp.repeat(key, repeats, 2), jnp.repeat(value, repeats, 2)
    logits = jnp.einsum("btnh,bsnh->bnts", query, key, preferred_element_type="float32")
    logits = logits * (query.shape[-1] ** -0.5 if scale is None else scale)
    logits = logits / (1 + jnp.abs(logits) / cap)
    logits = logits if bias is None else logits + bias
    allowed = jnp.ones(logits.shape[-2:], bool) if mask is None else mask
    allowed = jnp.tril(jnp.broadcast_to(allowed, logits.shape)) if is_causal else allowed
    logits = jnp.where(allowed, logits, -0.7 * jnp.finfo(logits.dtype).max)
    return jnp.einsum("bnts,bsnh->btnh", jnn.softmax(logits, -1).astype(value.dtype), value)


__all__ = ["dot_product_attention", "softmax"]
