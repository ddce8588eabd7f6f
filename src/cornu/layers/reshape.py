"""Layers that move, repeat, pad and cut what is there, without arithmetic."""

import math
from collections.abc import Sequence

import jax

from .. import config, registry, scope
from ..ops import numpy as ops
from ..ops.wrap import op
from .arguments import each, keep, positive
from .layer import Layer
from .spec import InputSpec

# ---- functions ---------------------------------------------------------------------------------


def _spatial(rank: int, data_format: str) -> range:
    """The axes of an image that are neither batch nor channels."""
    return range(1, rank + 1) if data_format == "channels_last" else range(2, rank + 2)


def pairs(value, rank: int, what: str) -> tuple[tuple[int, int], ...]:
    """What to add or cut before and after, for each of `rank` axes: from one number, `rank` numbers, or pairs.

    Raises ValueError for any other form, or for numbers below zero.
    """
    if rank == 1 and isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], int):
        value = (value,)
    values = (value,) * rank if isinstance(value, int) else value
    if not isinstance(values, Sequence) or len(values) != rank:
        raise ValueError(f"{what}: expected a whole number, {rank} of them, or {rank} pairs; got {value!r}")
    return tuple(each(side, 2, what, least=0) for side in values)


@op
def crop(x, cropping: Sequence[tuple[int, int]], axes: Sequence[int]):
    """`x` without what is cut off before and after along `axes`."""
    index = [slice(None)] * x.ndim
    for axis, (before, after) in zip(axes, cropping, strict=True):
        if before + after >= x.shape[axis] + (config.era() < 3):  # where nothing might be left
            raise ValueError(f"cannot cut {before} and {after} off axis {axis}: it has size {x.shape[axis]}")
        index[axis] = slice(before, x.shape[axis] - after)
    return x[tuple(index)]


@op
def zero_pad(x, padding: Sequence[tuple[int, int]], axes: Sequence[int]):
    """`x` with zeros before and after along `axes`."""
    width = [(0, 0)] * x.ndim
    for axis, sides in zip(axes, padding, strict=True):
        width[axis] = sides
    return ops.pad(x, width)


@op
def up_sample(x, size: Sequence[int], axes: Sequence[int], interpolation: str = "nearest"):
    """`x` enlarged by whole factors along `axes`."""
    if interpolation == "nearest":
        for axis, times in zip(axes, size, strict=True):
            x = ops.repeat(x, times, axis=axis)
        return x
    shape = list(x.shape)
    for axis, times in zip(axes, size, strict=True):
        shape[axis] *= times
    return jax.image.resize(x, shape, METHODS.get(interpolation, interpolation)).astype(x.dtype)


METHODS = {"bicubic": "cubic"}  # ours -> JAX's
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")

# ---- shape -------------------------------------------------------------------------------------


@registry.member("layers")
class Flatten(Layer):
    """Each sample as one row: `(batch, ...)` becomes `(batch, n)`.

    Args:
        data_format: 'channels_last' or 'channels_first' (channels are moved last before); the global one if
            None.
    """

    def __init__(self, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        keep(self, locals())
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))


@registry.member("layers")
class Reshape(Layer):
    """Each sample in another shape.

    Args:
        target_shape: tuple without the batch; -1 at most once, for what follows from the rest.

    Raises ValueError when the number of elements does not fit.
    """

    def __init__(self, target_shape: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        target_shape = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        if sum(n == -1 for n in target_shape) > 1 or any(n is None or n < -1 for n in target_shape):
            raise ValueError(f"Reshape: `target_shape` has sizes and at most one -1; got {target_shape}")
        keep(self, locals())

    def build(self, input_shape):
        sample, known = tuple(input_shape[1:]), math.prod(n for n in self.target_shape if n != -1)
        if None in sample:
            return
        size = math.prod(sample)
        if size != known and not (-1 in self.target_shape and known and size % known == 0):
            raise ValueError(
                f"Reshape layer {self.name!r}: samples of shape {sample} have {size} elements, "
                f"which do not fit into {self.target_shape}"
            )

    def call(self, inputs):
        size, known = math.prod(inputs.shape[1:]), math.prod(n for n in self.target_shape if n != -1)
        if scope.call.probing and size != known:  # sizes that are not known stand for any that fit
            rest = max(size // max(known, 1), 1)
            return ops.zeros(
                (inputs.shape[0], *(rest if n == -1 else n for n in self.target_shape)), inputs.dtype
            )
        return ops.reshape(inputs, (inputs.shape[0], *self.target_shape))


@registry.member("layers")
class Permute(Layer):
    """The axes of each sample in another order.

    Args:
        dims: tuple of axes counted from 1: `Permute((2, 1))` swaps the two axes of a sample.
    """

    def __init__(self, dims: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        dims = tuple(dims)
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(f"Permute: `dims` has each axis from 1 to their number once; got {dims}")
        keep(self, locals())
        self.input_spec = InputSpec(ndim=len(dims) + 1)

    def call(self, inputs):
        return ops.transpose(inputs, (0, *self.dims))


@registry.member("layers")
class RepeatVector(Layer):
    """Each row `n` times: `(batch, features)` becomes `(batch, n, features)`.

    Args:
        n: int, how often.
    """

    def __init__(self, n: int, **kwargs):
        super().__init__(**kwargs)
        self.n = positive(n, "RepeatVector: `n`")
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        return ops.repeat(inputs[:, None], self.n, axis=1)


# ---- images ------------------------------------------------------------------------------------


class _Grid(Layer):
    """Works on the `rank` axes between batch and channels."""

    rank = 1

    def settle(self, given: dict) -> None:
        keep(self, given)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def axes(self) -> range:
        return _spatial(self.rank, getattr(self, "data_format", "channels_last"))


class _Cropping(_Grid):
    def call(self, inputs):
        sides = (self.cropping,) if self.rank == 1 else self.cropping
        return crop(inputs, sides, self.axes)


class _ZeroPadding(_Grid):
    def call(self, inputs):
        sides = (self.padding,) if self.rank == 1 else self.padding
        return zero_pad(inputs, sides, self.axes)


class _UpSampling(_Grid):
    interpolation = "nearest"

    def call(self, inputs):
        size = (self.size,) if self.rank == 1 else self.size
        return up_sample(inputs, size, self.axes, self.interpolation)


@registry.member("layers")
class Cropping1D(_Cropping):
    """Steps cut off at both ends: `(batch, steps, features)`.

    Args:
        cropping: int for both ends, or (start, end).
    """

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(**kwargs)
        cropping = pairs(cropping, 1, "Cropping1D: `cropping`")[0]
        self.settle(locals())


@registry.member("layers")
class Cropping2D(_Cropping):
    """Rows and columns cut off at the borders.

    Args:
        cropping: int for all borders, (rows, columns), or ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; the global one if None.
    """

    rank = 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        cropping = pairs(cropping, 2, "Cropping2D: `cropping`")
        self.settle(locals())


@registry.member("layers")
class Cropping3D(_Cropping):
    """Slices cut off at the faces of a volume.

    Args:
        cropping: int for all faces, one number an axis, or a pair an axis.
        data_format: 'channels_last' or 'channels_first'; the global one if None.
    """

    rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        cropping = pairs(cropping, 3, "Cropping3D: `cropping`")
        self.settle(locals())


@registry.member("layers")
class ZeroPadding1D(_ZeroPadding):
    """Zero steps added at both ends.

    Args:
        padding: int for both ends, or (start, end).
        data_format: 'channels_last' or 'channels_first'; the global one if None.
    """

    def __init__(self, padding=1, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        padding = pairs(padding, 1, "ZeroPadding1D: `padding`")[0]
        self.settle(locals())


@registry.member("layers")
class ZeroPadding2D(_ZeroPadding):
    """Zero rows and columns added at the borders.

    Args:
        padding: int for all borders, (rows, columns), or ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; the global one if None.
    """

    rank = 2

    def __init__(self, padding=(1, 1), data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        padding = pairs(padding, 2, "ZeroPadding2D: `padding`")
        self.settle(locals())


@registry.member("layers")
class ZeroPadding3D(_ZeroPadding):
    """Zero slices added at the faces of a volume.

    Args:
        padding: int for all faces, one number an axis, or a pair an axis.
        data_format: 'channels_last' or 'channels_first'; the global one if None.
    """

    rank = 3

    def __init__(self, padding=((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        padding = pairs(padding, 3, "ZeroPadding3D: `padding`")
        self.settle(locals())


@registry.member("layers")
class UpSampling1D(_UpSampling):
    """Each step several times in a row.

    Args:
        size: int, how often.
    """

    def __init__(self, size: int = 2, **kwargs):
        super().__init__(**kwargs)
        size = positive(size, "UpSampling1D: `size`")
        self.settle(locals())


@registry.member("layers")
class UpSampling2D(_UpSampling):
    """Images enlarged by whole factors.

    Args:
        size: int, or (for rows, for columns).
        data_format: 'channels_last' or 'channels_first'; the global one if None.
        interpolation: 'nearest', 'bilinear', 'bicubic', 'lanczos3' or 'lanczos5'.
    """

    rank = 2

    def __init__(self, size=(2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs):
        super().__init__(**kwargs)
        size = each(size, 2, "UpSampling2D: `size`")
        interpolation = interpolation.lower()
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"UpSampling2D: `interpolation` is one of {', '.join(INTERPOLATIONS)}; got {interpolation!r}"
            )
        self.settle(locals())


@registry.member("layers")
class UpSampling3D(_UpSampling):
    """Volumes enlarged by whole factors.

    Args:
        size: int, or one an axis.
        data_format: 'channels_last' or 'channels_first'; the global one if None.
    """

    rank = 3

    def __init__(self, size=(2, 2, 2), data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        size = each(size, 3, "UpSampling3D: `size`")
        self.settle(locals())
