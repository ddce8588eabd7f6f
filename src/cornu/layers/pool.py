"""The largest or the mean of windows, of everything, or of a given number of windows.

`data_format` is the global one where it is None.
"""

from collections.abc import Callable

from .. import config, registry
from ..ops import nn
from ..ops import numpy as ops
from .arguments import each, keep
from .layer import Layer
from .spec import InputSpec


class _Pooling(Layer):
    """Reduces windows over `rank` spatial axes with `pool`."""

    rank = 1
    pool: Callable

    def __init__(
        self, pool_size=2, strides=None, padding: str = "valid", data_format: str | None = None, **kwargs
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        pool_size = each(pool_size, self.rank, f"{who}: `pool_size`")
        strides = pool_size if strides is None else each(strides, self.rank, f"{who}: `strides`")
        padding = padding.lower()
        if padding not in ("valid", "same"):
            raise ValueError(f"{who}: `padding` is 'valid' or 'same'; got {padding!r}")
        keep(self, locals())
        self.theano = config.backend() == "theano" and self.rank < 3
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs):
        padding = "shifted" if self.padding == "same" and self.theano else self.padding
        return type(self).pool(inputs, self.pool_size, self.strides, padding, self.data_format)


class _GlobalPooling(Layer):
    """Reduces all of `rank` spatial axes with `reduce`."""

    rank = 1
    reduce: Callable

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs):
        super().__init__(**kwargs)
        keep(self, locals())
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def axes(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def call(self, inputs):
        return type(self).reduce(inputs, axis=self.axes, keepdims=self.keepdims)


class _AdaptivePooling(Layer):
    """Reduces to a given size with `pool`."""

    rank = 1
    pool: Callable

    def __init__(self, output_size, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        output_size = each(output_size, self.rank, f"{type(self).__name__}: `output_size`")
        keep(self, locals())
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs):
        return type(self).pool(inputs, self.output_size, self.data_format)


# ---- windows -----------------------------------------------------------------------------------


@registry.member("layers")
class MaxPooling1D(_Pooling):
    """The largest value of each window over time.

    Args:
        pool_size: int: how large a window is.
        strides: int: how far apart windows are; `pool_size` if None.
        padding: 'valid' (none) or 'same'; padded places do not count.
        data_format: 'channels_last', inputs `(batch, steps, channels)`, or 'channels_first'.
    """

    rank, pool = 1, staticmethod(nn.max_pool)


@registry.member("layers")
class MaxPooling2D(_Pooling):
    """The largest value of each window over images.

    Args:
        pool_size: int, or one each for rows and columns: how large a window is.
        strides: int, or one each for rows and columns: how far apart windows are; `pool_size` if None.
        padding: 'valid' (none) or 'same'; padded places do not count.
        data_format: 'channels_last', inputs `(batch, rows, columns, channels)`, or 'channels_first'.

    Example:
        >>> MaxPooling2D(2)(np.ones((1, 4, 4, 3), "float32")).shape
        (1, 2, 2, 3)
    """

    rank, pool = 2, staticmethod(nn.max_pool)


@registry.member("layers")
class MaxPooling3D(_Pooling):
    """The largest value of each window over volumes.

    Args:
        pool_size: int, or one for each of the three axes: how large a window is.
        strides: int, or one for each of the three axes: how far apart windows are; `pool_size` if None.
        padding: 'valid' (none) or 'same'; padded places do not count.
        data_format: 'channels_last', inputs `(batch, depth, rows, columns, channels)`, or 'channels_first'.
    """

    rank, pool = 3, staticmethod(nn.max_pool)


@registry.member("layers")
class AveragePooling1D(_Pooling):
    """The mean of each window over time.

    Args:
        pool_size: int: how large a window is.
        strides: int: how far apart windows are; `pool_size` if None.
        padding: 'valid' (none) or 'same'; padded places do not count.
        data_format: 'channels_last', inputs `(batch, steps, channels)`, or 'channels_first'.
    """

    rank, pool = 1, staticmethod(nn.average_pool)


@registry.member("layers")
class AveragePooling2D(_Pooling):
    """The mean of each window over images.

    Args:
        pool_size: int, or one each for rows and columns: how large a window is.
        strides: int, or one each for rows and columns: how far apart windows are; `pool_size` if None.
        padding: 'valid' (none) or 'same'; padded places do not count.
        data_format: 'channels_last', inputs `(batch, rows, columns, channels)`, or 'channels_first'.
    """

    rank, pool = 2, staticmethod(nn.average_pool)


@registry.member("layers")
class AveragePooling3D(_Pooling):
    """The mean of each window over volumes.

    Args:
        pool_size: int, or one for each of the three axes: how large a window is.
        strides: int, or one for each of the three axes: how far apart windows are; `pool_size` if None.
        padding: 'valid' (none) or 'same'; padded places do not count.
        data_format: 'channels_last', inputs `(batch, depth, rows, columns, channels)`, or 'channels_first'.
    """

    rank, pool = 3, staticmethod(nn.average_pool)


# ---- everything --------------------------------------------------------------------------------


@registry.member("layers")
class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value of each channel over all time.

    Args:
        data_format: 'channels_last', inputs `(batch, steps, channels)`, or 'channels_first'.
        keepdims: whether the reduced axes stay, with size 1.
    """

    rank, reduce = 1, staticmethod(ops.max)


@registry.member("layers")
class GlobalMaxPooling2D(_GlobalPooling):
    """The largest value of each channel over all rows and columns.

    Args:
        data_format: 'channels_last', inputs `(batch, rows, columns, channels)`, or 'channels_first'.
        keepdims: whether the reduced axes stay, with size 1.
    """

    rank, reduce = 2, staticmethod(ops.max)


@registry.member("layers")
class GlobalMaxPooling3D(_GlobalPooling):
    """The largest value of each channel over all places of the volume.

    Args:
        data_format: 'channels_last', inputs `(batch, depth, rows, columns, channels)`, or 'channels_first'.
        keepdims: whether the reduced axes stay, with size 1.
    """

    rank, reduce = 3, staticmethod(ops.max)


@registry.member("layers")
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel over all time, not counting masked steps.

    Args:
        data_format: 'channels_last', inputs `(batch, steps, channels)`, or 'channels_first'.
        keepdims: whether the reduced axes stay, with size 1.
    """

    supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return ops.mean(inputs, axis=self.axes, keepdims=self.keepdims)
        mask = ops.expand_dims(ops.cast(mask, inputs.dtype), 2 if self.axes == (1,) else 1)
        total = ops.sum(inputs * mask, axis=self.axes, keepdims=self.keepdims)
        return total / ops.sum(mask, axis=self.axes, keepdims=self.keepdims)

    def compute_mask(self, inputs, previous_mask=None):
        return None


@registry.member("layers")
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel over all rows and columns.

    Args:
        data_format: 'channels_last', inputs `(batch, rows, columns, channels)`, or 'channels_first'.
        keepdims: whether the reduced axes stay, with size 1.
    """

    rank, reduce = 2, staticmethod(ops.mean)


@registry.member("layers")
class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of each channel over all places of the volume.

    Args:
        data_format: 'channels_last', inputs `(batch, depth, rows, columns, channels)`, or 'channels_first'.
        keepdims: whether the reduced axes stay, with size 1.
    """

    rank, reduce = 3, staticmethod(ops.mean)


# ---- a given size ------------------------------------------------------------------------------


@registry.member("layers")
class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The largest value of each of `output_size` nearly equal windows over time.

    Args:
        output_size: int: how many windows.
        data_format: 'channels_last', inputs `(batch, steps, channels)`, or 'channels_first'.
    """

    rank, pool = 1, staticmethod(nn.adaptive_max_pool)


@registry.member("layers")
class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The largest value of each of `output_size` nearly equal windows over images.

    Args:
        output_size: int, or one each for rows and columns: how many windows.
        data_format: 'channels_last', inputs `(batch, rows, columns, channels)`, or 'channels_first'.
    """

    rank, pool = 2, staticmethod(nn.adaptive_max_pool)


@registry.member("layers")
class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The largest value of each of `output_size` nearly equal windows over volumes.

    Args:
        output_size: int, or one for each of the three axes: how many windows.
        data_format: 'channels_last', inputs `(batch, depth, rows, columns, channels)`, or 'channels_first'.
    """

    rank, pool = 3, staticmethod(nn.adaptive_max_pool)


@registry.member("layers")
class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The mean of each of `output_size` nearly equal windows over time.

    Args:
        output_size: int: how many windows.
        data_format: 'channels_last', inputs `(batch, steps, channels)`, or 'channels_first'.
    """

    rank, pool = 1, staticmethod(nn.adaptive_average_pool)


@registry.member("layers")
class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The mean of each of `output_size` nearly equal windows over images.

    Args:
        output_size: int, or one each for rows and columns: how many windows.
        data_format: 'channels_last', inputs `(batch, rows, columns, channels)`, or 'channels_first'.
    """

    rank, pool = 2, staticmethod(nn.adaptive_average_pool)


@registry.member("layers")
class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The mean of each of `output_size` nearly equal windows over volumes.

    Args:
        output_size: int, or one for each of the three axes: how many windows.
        data_format: 'channels_last', inputs `(batch, depth, rows, columns, channels)`, or 'channels_first'.
    """

    rank, pool = 3, staticmethod(nn.adaptive_average_pool)
