"""Convolution and its two gradients, three maps that are bilinear and transposes of each other.

With `y = conv(x, w)`: `by_inputs(y, w)` is the x, `by_kernel(x, y)` the w that a gradient at y leads to.
Differentiating one of them calls the other two, so derivatives of every order and in both modes go through oneDNN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from .library import no_change, over_batches, primitive

Pairs = Sequence[tuple[int, int]]


class Settings(NamedTuple):
    """How the window moves; a number for each spatial axis."""

    strides: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    channels_last: bool

    def shape(self, batch: int, space: Sequence[int], channels: int) -> tuple[int, ...]:
        return (batch, *space, channels) if self.channels_last else (batch, channels, *space)

    def space(self, x) -> tuple[int, ...]:
        return x.shape[1:-1] if self.channels_last else x.shape[2:]

    def channels(self, x) -> int:
        return x.shape[-1 if self.channels_last else 1]

    def out(self, space: Sequence[int], window: Sequence[int]) -> tuple[int, ...]:
        rows = zip(space, window, *self[:4], strict=True)
        return tuple((n + a + b - (k - 1) * d - 1) // s + 1 for n, k, s, a, b, d in rows)

    def call(self, kind: int, shapes, *operands):
        numbers = {
            name: np.array(getattr(self, name), np.int64)
            for name in ("strides", "before", "after", "dilation")
        }
        return jax.ffi.ffi_call("cornu_convolution", shapes)(
            *operands,
            kind=np.int64(kind),
            groups=np.int64(self.groups),
            channels_last=np.int64(self.channels_last),
            **numbers,
        )


def _conv_shape(x, w, *bias, settings):
    space = settings.out(settings.space(x), w.shape[:-2])
    return jax.ShapeDtypeStruct(settings.shape(x.shape[0], space, w.shape[-1]), x.dtype)


def _by_inputs_shape(y, w, *, settings, space):
    return jax.ShapeDtypeStruct(settings.shape(y.shape[0], space, w.shape[-2] * settings.groups), y.dtype)


def _by_kernel_shapes(x, y, *, settings, window, bias):
    out = settings.channels(y)
    kernel = jax.ShapeDtypeStruct((*window, settings.channels(x) // settings.groups, out), x.dtype)
    return (kernel, jax.ShapeDtypeStruct((out,), x.dtype)) if bias else (kernel,)


def _compute(kind: int, shapes):
    return lambda *operands, **params: params["settings"].call(kind, shapes(*operands, **params), *operands)


_conv = primitive("onednn_conv", _conv_shape, _compute(0, _conv_shape))
_by_inputs = primitive("onednn_conv_by_inputs", _by_inputs_shape, _compute(1, _by_inputs_shape))
_by_kernel = primitive(
    "onednn_conv_by_kernel", _by_kernel_shapes, _compute(2, _by_kernel_shapes), several=True
)

over_batches(_conv, lambda has: has[0] and not any(has[1:]))
over_batches(_by_inputs, lambda has: has == [True, False])
over_batches(_by_kernel, lambda has: False)


# ---- derivatives -----------------------------------------------------------------------------------


def _zero(tangent) -> bool:
    return type(tangent) is ad.Zero


def _conv_jvp(primals, tangents, *, settings):
    (x, w, *_), (dx, dw, *db) = primals, tangents
    y = _conv.bind(*primals, settings=settings)
    db = [each for each in db if not _zero(each)]
    parts = []
    if not _zero(dx):
        parts.append(_conv.bind(dx, w, settings=settings))
    if not _zero(dw):
        parts.append(
            _conv.bind(x, dw, *db, settings=settings)
        )  # with the bias: one call makes both gradients
    elif db:
        rest = () if settings.channels_last else (1,) * (y.ndim - 2)
        parts.append(jnp.broadcast_to(db[0].reshape(-1, *rest), y.shape))
    return y, sum(parts[1:], parts[0]) if parts else no_change(y)


def _conv_transpose(slope, x, w, *bias, settings):
    if _zero(slope):
        return [None] * (2 + len(bias))
    if ad.is_undefined_primal(x):
        back = _by_inputs.bind(slope, w, settings=settings, space=settings.space(x.aval))
        return [back, None, *(None for _ in bias)]
    window = (w.aval if ad.is_undefined_primal(w) else w).shape[:-2]
    return [None, *_by_kernel.bind(x, slope, settings=settings, window=window, bias=bool(bias))]


def _by_kernel_jvp(primals, tangents, *, bias, **params):
    (x, y), (dx, dy) = primals, tangents
    made = _by_kernel.bind(x, y, bias=bias, **params)
    changes = [no_change(each) for each in made]
    if not _zero(dy):
        changes = list(_by_kernel.bind(x, dy, bias=bias, **params))
    if not _zero(dx):
        changes[0] = ad.add_tangents(changes[0], _by_kernel.bind(dx, y, bias=False, **params)[0])
    return made, changes


def _by_kernel_transpose(slopes, x, y, *, settings, window, bias):
    slopes = [ad.instantiate_zeros(slope) for slope in slopes]
    if ad.is_undefined_primal(x):
        return [_by_inputs.bind(y, slopes[0], settings=settings, space=settings.space(x.aval)), None]
    return [None, _conv.bind(x, *slopes, settings=settings)]


ad.primitive_jvps[_conv] = _conv_jvp
ad.primitive_transposes[_conv] = _conv_transpose
ad.primitive_jvps[_by_kernel] = _by_kernel_jvp
ad.primitive_transposes[_by_kernel] = _by_kernel_transpose
ad.defbilinear(
    _by_inputs,
    lambda slope, y, w, *, settings, space: _conv.bind(slope, w, settings=settings),
    lambda slope, y, w, *, settings, space: _by_kernel.bind(
        slope, y, settings=settings, window=w.aval.shape[:-2], bias=False
    )[0],
)


# ---- what is called ----------------------------------------------------------------------------------


def conv(
    x,
    kernel,
    bias=None,
    *,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    groups: int = 1,
    channels_last: bool = True,
):
    """The convolution of x with the kernel (which is not flipped), plus the bias.

    Args:
        x: `(batch, *space, channels)`, or `(batch, channels, *space)` unless `channels_last`; one to three axes of
            space, float32 or one of `types()`.
        kernel: `(*window, channels / groups, out)`, of the same type.
        bias: `(out,)` or None.
        strides, dilation: a number an axis.
        padding: (before, after) for each axis, not negative.

    Example:
        >>> x, kernel = jnp.ones((1, 5, 5, 3)), jnp.ones((3, 3, 3, 8))
        >>> conv(x, kernel, strides=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1)).shape
        (1, 5, 5, 8)
    """
    settings = _settings(strides, padding, dilation, groups, channels_last)
    return _conv.bind(x, kernel, *(() if bias is None else (bias,)), settings=settings)


def conv_transpose(
    y,
    kernel,
    space: Sequence[int],
    *,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    groups: int = 1,
    channels_last: bool = True,
):
    """The gradient of `conv` by its inputs, which have the sizes `space`, for the gradient y at its outputs."""
    settings = _settings(strides, padding, dilation, groups, channels_last)
    return _by_inputs.bind(y, kernel, settings=settings, space=tuple(space))


def _settings(strides, padding, dilation, groups, channels_last) -> Settings:
    before, after = zip(*padding, strict=True)
    return Settings(tuple(strides), before, after, tuple(dilation), groups, channels_last)
