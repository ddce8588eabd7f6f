"""Inputs brought to mean 0 and variance 1, over the batch or within each sample."""

from collections.abc import Mapping, Sequence

from jax import lax

from .. import config, registry, scope
from ..ops import nn
from ..ops import numpy as ops
from ..ops.wrap import op
from .arguments import keep, weight
from .layer import Layer
from .spec import InputSpec

# ---- functions ---------------------------------------------------------------------------------


@op
def masked_moments(x, mask, axis: int, epsilon: float):
    """Mean and variance of each feature (along `axis`) over the places where `mask` holds."""
    axes = tuple(each for each in range(x.ndim) if each != axis % x.ndim)
    share = ops.cast(ops.expand_dims(mask, -1), x.dtype)
    count = ops.sum(ops.broadcast_to(share, x.shape), axes, keepdims=True) + epsilon
    mean = ops.sum(x * share, axes, keepdims=True) / count
    variance = ops.sum(ops.square(x - mean) * share, axes, keepdims=True) / count
    return ops.ravel(mean), ops.ravel(variance)


@op
def group_normalization(x, groups: int, axis: int, epsilon: float, gamma=None, beta=None):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, statistics of each sample and group of channels."""
    axis %= x.ndim
    wide = ops.cast(x, WIDE.get(str(x.dtype), x.dtype))
    parts = ops.reshape(wide, (*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :]))
    over = tuple(each for each in range(1, parts.ndim) if each != axis)
    mean, variance = nn.moments(parts, over, keepdims=True)
    whole = ops.reshape((parts - mean) * lax.rsqrt(variance + epsilon), x.shape)
    along = [x.shape[axis] if each == axis else 1 for each in range(x.ndim)]
    if gamma is not None:
        whole = whole * ops.reshape(gamma, along)
    if beta is not None:
        whole = whole + ops.reshape(beta, along)
    return ops.cast(whole, x.dtype)


@op
def sample_normalization(x, epsilon: float, gamma=None, beta=None):
    """`(x - mean) / (sqrt(variance + epsilon) + epsilon) * gamma + beta` over the last axis, as in Keras 1."""
    mean, variance = nn.moments(x, -1, keepdims=True)
    x = (x - mean) / (ops.sqrt(variance + epsilon) + epsilon)
    x = x if gamma is None else x * gamma
    return x if beta is None else x + beta


WIDE = {"float16": "float32", "bfloat16": "float32"}  # where half precision would overflow

# ---- layers ------------------------------------------------------------------------------------


class _Scaled(Layer):
    """Has a factor `gamma` and an offset `beta`, where wanted."""

    supports_masking = True
    gamma = beta = None

    def scale_and_center(self, shape: Sequence[int]) -> None:
        """Make the two weights."""
        if self.scale:
            self.gamma = weight(self, "gamma", shape, autocast=False)
        if self.center:
            self.beta = weight(self, "beta", shape, autocast=False)

    def size(self, input_shape, axis: int) -> int:
        """The size of an axis that must be known."""
        if not -len(input_shape) <= axis < len(input_shape) or input_shape[axis] is None:
            raise ValueError(
                f"{type(self).__name__} layer {self.name!r}: axis {axis} of the inputs must be there and have a "
                f"known size; got {tuple(input_shape)}"
            )
        return input_shape[axis]


# What a layer with `trainable=False` does while training, by era: normalises by the batch? moves its averages?
FROZEN = {1: (True, True), 2: (True, False), 3: (False, False)}


@registry.member("layers")
class BatchNormalization(_Scaled):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, for each feature (Ioffe & Szegedy, 2015).

    While training, mean and variance are those of the batch, and their moving averages are kept; otherwise they are
    those averages. With `trainable = False` the averages always serve; era 1 goes on as if training, era 2 stops
    moving the averages only. The batch's variance is divided by n; era 2 keeps `n / (n - 1 - epsilon)` times that.

    Args:
        axis: int, the axis of the features.
        momentum: how much of a moving average stays at each step.
        epsilon: keeps the divisor above zero.
        center, scale: whether there is a `beta`, a `gamma`.
        `beta_*`, `gamma_*`, `moving_mean_initializer`, `moving_variance_initializer`: of the weights.
        renorm: whether batches are corrected towards the averages (Ioffe, 2017).
        renorm_clipping: dict of bounds 'rmin', 'rmax', 'dmax' of that correction.
        renorm_momentum: `momentum` of the averages for it.
        synchronized: statistics over the whole batch, however many devices share it; so it is in any case.
        mode: of Keras 1; 0, 1 (statistics of each sample, over its last axis) or 2 (those of the batch, always).

    Example:
        >>> layer = BatchNormalization()
        >>> layer(np.ones((8, 3), "float32"), training=True).shape
        (8, 3)
    """

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer="zeros", gamma_initializer="ones", moving_mean_initializer="zeros",
        moving_variance_initializer="ones", beta_regularizer=None, gamma_regularizer=None, beta_constraint=None,
        gamma_constraint=None, renorm: bool = False, renorm_clipping: Mapping[str, float] | None = None,
        renorm_momentum: float = 0.99, synchronized: bool = False, mode: int = 0, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        axis = axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis
        if not isinstance(axis, int):
            raise TypeError(f"BatchNormalization: `axis` is a whole number; got {axis!r}")
        if mode not in (0, 1, 2):
            raise ValueError(f"BatchNormalization: `mode` is 0, 1 or 2; got {mode!r}")
        unknown = set(renorm_clipping or ()) - {"rmin", "rmax", "dmax"}
        if unknown:
            raise ValueError(
                f"BatchNormalization: `renorm_clipping` has rmin, rmax and dmax; got {sorted(unknown)}"
            )
        keep(self, locals())

    def build(self, input_shape):
        size = self.size(input_shape, self.axis)
        self.scale_and_center((size,))
        self.moving_mean = self.average("moving_mean", size)
        self.moving_variance = self.average("moving_variance", size)
        if self.renorm:
            stddev = ops.sqrt(self.moving_variance.value)
            self.moving_stddev = self.average("moving_stddev", size, lambda *_, **__: stddev)
            self.renorm_mean = self.average("renorm_mean", size, self.moving_mean_initializer)
            self.renorm_stddev = self.average("renorm_stddev", size, lambda *_, **__: stddev)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def average(self, name: str, size: int, *initializer):
        dtype = WIDE.get(self.variable_dtype, self.variable_dtype)
        first = initializer[0] if initializer else getattr(self, f"{name}_initializer")
        options = {"initializer": first, "dtype": dtype, "trainable": False, "autocast": False}
        return self.add_weight((size,), name=name, **options)

    def call(self, inputs, training=False, mask=None):
        wide = ops.cast(inputs, WIDE.get(str(inputs.dtype), inputs.dtype))
        by_batch, moving = (True, True) if self.trainable else FROZEN[self._era]
        gamma, beta = self.gamma, self.beta
        if self.mode == 1:
            return ops.cast(sample_normalization(wide, self.epsilon, gamma, beta), self.compute_dtype)
        if self.mode == 2 or (training and by_batch):
            mean, variance = self.moments(wide, mask)
            if self.renorm:
                gamma, beta = self.corrected(mean, ops.sqrt(variance + self.epsilon))
            if moving and self.mode == 0 and not scope.call.frozen:
                self.move(mean, variance, wide.size // mean.size)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        outputs = nn.batch_normalization(wide, mean, variance, self.axis, beta, gamma, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)

    def get_config(self) -> dict:
        made = super().get_config()
        if self.mode == 0:  # no word of later versions
            del made["mode"]
        return made

    def moments(self, x, mask):
        """Mean and variance of the batch; era 3 leaves out masked places."""
        if mask is None or self._era < 3:
            return nn.moments(x, [axis for axis in range(x.ndim) if axis != self.axis % x.ndim])
        if mask.ndim != x.ndim - 1:
            raise ValueError(
                f"BatchNormalization layer {self.name!r}: the mask needs one axis less than the inputs; "
                f"got {mask.shape} and {x.shape}"
            )
        return masked_moments(x, mask, self.axis, config.epsilon())

    def corrected(self, mean, stddev):
        """Factor and offset that take the batch's statistics on to the moving ones, within the bounds."""
        bounds = self.renorm_clipping or {}
        average = ops.maximum(self.renorm_stddev, self.epsilon**0.5)
        r = ops.clip(stddev / average, bounds.get("rmin", 0.0), bounds.get("rmax", float("inf")))
        limit = bounds.get("dmax", float("inf"))
        d = ops.clip((mean - self.renorm_mean.value) / average, -limit, limit)
        r, d = lax.stop_gradient(r), lax.stop_gradient(d)
        gamma = 1.0 if self.gamma is None else self.gamma.value
        return r * gamma, d * gamma + (0.0 if self.beta is None else self.beta.value)

    def move(self, mean, variance, count: int) -> None:
        """Take the batch's statistics into the moving averages; `count` numbers made each of them."""
        if self._era == 2:
            variance = variance * (count / (count - 1.0 - self.epsilon))
        steps = [(self.moving_mean, mean, self.momentum), (self.moving_variance, variance, self.momentum)]
        if self.renorm:
            stddev = ops.sqrt(variance + self.epsilon)
            steps[1] = (self.moving_stddev, stddev, self.momentum)
            steps += [
                (self.renorm_mean, mean, self.renorm_momentum),
                (self.renorm_stddev, stddev, self.renorm_momentum),
            ]
        for cell, value, momentum in steps:
            cell.assign(cell.value * momentum + value * (1 - momentum))
        if self.renorm:
            self.moving_variance.assign(nn.relu(ops.square(self.moving_stddev.value) - self.epsilon))


@registry.member("layers")
class LayerNormalization(_Scaled):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, within each sample (Ba et al., 2016).

    Args:
        axis: int or several, the axes over which mean and variance are taken.
        epsilon: keeps the divisor above zero.
        center, scale: whether there is a `beta`, a `gamma`, of the sizes of those axes.
        `beta_*`, `gamma_*`: of the weights.
        rms_scaling: no mean is taken off and no `beta` added.
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer="zeros", gamma_initializer="ones", beta_regularizer=None, gamma_regularizer=None,
        beta_constraint=None, gamma_constraint=None, rms_scaling: bool = False, **kwargs,
    ):  # fmt: skip
        super().__init__(**{"autocast": False, **kwargs})
        keep(self, locals())

    def build(self, input_shape):
        axes = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = [self.size(input_shape, axis) for axis in axes]
        if self.scale or self.rms_scaling:
            self.gamma = weight(self, "gamma", shape, autocast=False)
        if self.center and not self.rms_scaling:
            self.beta = weight(self, "beta", shape, autocast=False)

    def call(self, inputs):
        scaled = nn.layer_normalization(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, rms_scaling=self.rms_scaling
        )
        return ops.cast(scaled, self.compute_dtype)


@registry.member("layers")
class GroupNormalization(_Scaled):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, within each sample and group of channels.

    Wu & He, 2018. One group is layer normalization over all but the batch; a group a channel is instance
    normalization.

    Args:
        groups: int, how many; -1: one for each channel.
        axis: int, the axis of the channels.
        epsilon, center, scale, `beta_*`, `gamma_*`: as in `LayerNormalization`.
    """

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer="zeros", gamma_initializer="ones", beta_regularizer=None, gamma_regularizer=None,
        beta_constraint=None, gamma_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        keep(self, locals())

    def build(self, input_shape):
        size = self.size(input_shape, self.axis)
        if self.groups != -1 and (self.groups < 1 or size % self.groups):
            raise ValueError(
                f"GroupNormalization layer {self.name!r}: {size} channels cannot be shared among {self.groups} groups"
            )
        self.scale_and_center((size,))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs):
        groups = inputs.shape[self.axis] if self.groups == -1 else self.groups
        return group_normalization(inputs, groups, self.axis, self.epsilon, self.gamma, self.beta)


@registry.member("layers")
class RMSNormalization(_Scaled):
    """`x / sqrt(mean(x ** 2) + epsilon) * scale`, within each sample (Zhang & Sennrich, 2019).

    Args:
        axis: int or several, the axes over which the mean is taken.
        epsilon: keeps the divisor above zero.
    """

    supports_masking = False

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        keep(self, locals())

    def build(self, input_shape):
        axes = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        self.scale = self.add_weight([self.size(input_shape, axis) for axis in axes], "ones", name="scale")

    def call(self, inputs):
        return nn.rms_normalization(inputs, self.scale, self.axis, self.epsilon)


@registry.member("layers")
class UnitNormalization(Layer):
    """`x / norm(x)`: each sample of length 1.

    Args:
        axis: int or several, the axes along which the norm is taken.
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs):
        super().__init__(**kwargs)
        keep(self, locals())

    def call(self, inputs):
        return nn.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)
