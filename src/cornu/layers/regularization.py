"""Noise while training, and penalties on what passes through."""

import math
from collections.abc import Sequence

from .. import random, registry, regularizers
from ..ops import numpy as ops
from .arguments import keep, share
from .layer import Layer
from .spec import InputSpec

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # of the `selu` activation


def _noise_shape(given: Sequence[int | None] | None, inputs) -> tuple[int, ...]:
    """The shape of a mask: that of the inputs, where nothing else is said."""
    given = inputs.shape if given is None else given
    return tuple(size if n is None else n for n, size in zip(given, inputs.shape, strict=True))


class _Noise(Layer):
    """Does something random to the inputs while training, and nothing otherwise."""

    supports_masking = True

    def settle(self, given: dict, strength: float) -> None:
        keep(self, given)
        if strength > 0:
            self.seed_generator = random.SeedGenerator(self.seed)

    def call(self, inputs, training=False):
        return self.disturbed(inputs) if training and hasattr(self, "seed_generator") else inputs

    def disturbed(self, inputs):
        raise NotImplementedError


@registry.member("layers")
class Dropout(_Noise):
    """While training, sets inputs to zero with probability `rate` and scales the rest by `1 / (1 - rate)`.

    Args:
        rate: float from 0 to 1.
        noise_shape: shape of the mask, broadcast to the inputs; None in it: the input's size.
        seed: int, for the same draws every time.

    Example:
        >>> Dropout(0.5)(np.ones((1, 4), "float32"), training=False).tolist()
        [[1.0, 1.0, 1.0, 1.0]]
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs
    ):
        super().__init__(**kwargs)
        share(rate, f"{type(self).__name__}: `rate`")
        if noise_shape is not None:
            noise_shape = tuple(noise_shape)
            if any(n is not None and (not isinstance(n, int) or n < 1) for n in noise_shape):
                raise ValueError(
                    f"Dropout: `noise_shape` has whole numbers above 0 and None; got {noise_shape}"
                )
        self.settle(locals(), rate)

    def disturbed(self, inputs):
        return random.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)


class _SpatialDropout(_Noise):
    """Drops whole features: one draw for all places."""

    def get_config(self) -> dict:
        made = super().get_config()
        del made["trainable"]  # Keras 3 takes it for any layer but these
        return made

    def disturbed(self, inputs):
        places = (1,) * (inputs.ndim - 2)
        first = getattr(self, "data_format", "channels_last") == "channels_first"
        shape = (None, None, *places) if first else (None, *places, None)
        return random.dropout(inputs, self.rate, shape, self.seed_generator)


@registry.member("layers")
class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole features of `(batch, steps, features)`.

    Args:
        rate: float from 0 to 1.
        seed: int, for the same draws every time.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.settle(locals(), share(rate, "SpatialDropout1D: `rate`"))
        self.input_spec = InputSpec(ndim=3)


@registry.member("layers")
class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Args:
        rate: float from 0 to 1.
        data_format: 'channels_last' or 'channels_first'; the global one if None.
        seed: int, for the same draws every time.
    """

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.settle(locals(), share(rate, "SpatialDropout2D: `rate`"))
        self.input_spec = InputSpec(ndim=4)


@registry.member("layers")
class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes.

    Args:
        rate: float from 0 to 1.
        data_format: 'channels_last' or 'channels_first'; the global one if None.
        seed: int, for the same draws every time.
    """

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.settle(locals(), share(rate, "SpatialDropout3D: `rate`"))
        self.input_spec = InputSpec(ndim=5)


@registry.member("layers")
class GaussianNoise(_Noise):
    """While training, adds normal noise of mean 0.

    Args:
        stddev: its standard deviation, at least 0.
        seed: int, for the same draws every time.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if stddev < 0:
            raise ValueError(f"GaussianNoise: `stddev` is at least 0; got {stddev!r}")
        self.settle(locals(), stddev)

    def disturbed(self, inputs):
        return inputs + random.normal(inputs.shape, 0.0, self.stddev, inputs.dtype, self.seed_generator)


@registry.member("layers")
class GaussianDropout(_Noise):
    """While training, multiplies by normal noise of mean 1 and variance `rate / (1 - rate)`.

    Args:
        rate: float from 0 to below 1.
        seed: int, for the same draws every time.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if share(rate, "GaussianDropout: `rate`") == 1:
            raise ValueError("GaussianDropout: `rate` is below 1, where the noise would be infinite")
        self.settle(locals(), rate)

    def disturbed(self, inputs):
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return inputs * random.normal(inputs.shape, 1.0, stddev, inputs.dtype, self.seed_generator)


@registry.member("layers")
class AlphaDropout(_Noise):
    """Dropout that keeps mean and variance of what `selu` gives (Klambauer et al., 2017).

    Args:
        rate: float from 0 to below 1.
        noise_shape: shape of the mask, broadcast to the inputs; None in it: the input's size.
        seed: int, for the same draws every time.
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs
    ):
        super().__init__(**kwargs)
        if share(rate, "AlphaDropout: `rate`") == 1:
            raise ValueError("AlphaDropout: `rate` is below 1: nothing would be left")
        self.settle(locals(), rate)

    def disturbed(self, inputs):
        low = -SELU_ALPHA * SELU_SCALE
        kept = random.bernoulli(_noise_shape(self.noise_shape, inputs), 1 - self.rate, self.seed_generator)
        slope = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        return slope * ops.where(kept, inputs, ops.full_like(inputs, low)) - slope * low * self.rate


@registry.member("layers")
class ActivityRegularization(Layer):
    """Leaves the inputs as they are, and adds `l1 * sum(|x|) + l2 * sum(x**2)` to the loss.

    Args:
        l1, l2: floats.
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        keep(self, locals())

    def call(self, inputs):
        return inputs

    def get_config(self) -> dict:
        made = super().get_config()
        made.pop("activity_regularizer", None)  # follows from l1 and l2
        return made
