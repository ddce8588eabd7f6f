"""Activations as layers; those with weights or settings of their own."""

from collections.abc import Sequence

from .. import activations, initializers, registry
from ..ops import nn
from ..ops import numpy as ops
from ..ops.wrap import op
from .arguments import keep, weight
from .layer import Layer
from .spec import InputSpec

LOWEST = {False: -1e9, True: -3e4}  # stands for minus infinity; the second in half precision

# ---- formulas ----------------------------------------------------------------------------------


@op
def threshold_relu(x, theta: float = 1.0):
    """`x` where it is above `theta`, else 0."""
    return ops.where(x > theta, x, ops.zeros_like(x))


@op
def s_relu(x, t_left, a_left, t_right, a_right):
    """S-shaped: slope `a_left` left of `t_left`, 1 between, `a_right` right of `t_left + |t_right|`."""
    width = ops.abs(t_right)
    middle = t_left + ops.minimum(nn.relu(x - t_left), width)
    return middle - a_left * nn.relu(t_left - x) + a_right * nn.relu(x - t_left - width)


@op
def parametric_softplus(x, alpha, beta):
    """`alpha * log(1 + exp(beta * x))`."""
    return alpha * nn.softplus(beta * x)


@op
def masked_softmax(x, axis=-1, mask=None):
    """`exp(x) / sum(exp(x))` over one or several axes, of the places where `mask` holds; 0 elsewhere."""
    if mask is not None:
        mask = ops.cast(mask, "bool")
        x = ops.where(mask, x, LOWEST[x.dtype == "float16"])
    if isinstance(axis, int):
        shares = nn.softmax(x, axis=axis)
    else:
        parts = ops.exp(x - ops.max(x, axis=tuple(axis), keepdims=True))
        shares = parts / ops.sum(parts, axis=tuple(axis), keepdims=True)
    return shares if mask is None else ops.where(mask, shares, ops.zeros_like(shares))


# ---- layers ------------------------------------------------------------------------------------


class _Activation(Layer):
    supports_masking = True


@registry.member("layers")
class Activation(_Activation):
    """An activation function as a layer.

    Args:
        activation: name or function.

    Example:
        >>> Activation("relu")(np.array([-1.0, 2.0], "float32")).tolist()
        [0.0, 2.0]
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        keep(self, locals())

    def call(self, inputs):
        return self.activation(inputs)


@registry.member("layers")
class ReLU(_Activation):
    """`max_value` above that, `x` down to `threshold`, below it `negative_slope * (x - threshold)`.

    Args:
        max_value: upper bound of the outputs; none if None.
        negative_slope: slope below the threshold.
        threshold: where the slope changes.
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs
    ):  # fmt: skip
        super().__init__(**kwargs)
        for name, value in (
            ("max_value", max_value),
            ("negative_slope", negative_slope),
            ("threshold", threshold),
        ):
            if value is not None and value < 0 or value is None and name != "max_value":
                raise ValueError(f"ReLU: `{name}` is a number of at least 0; got {value!r}")
        keep(self, locals())

    def call(self, inputs):
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


@registry.member("layers")
class LeakyReLU(_Activation):
    """`x` above zero, `negative_slope * x` below.

    Args:
        negative_slope: float of at least 0; any in eras 1 and 2.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs):
        super().__init__(**kwargs)
        if negative_slope is None or (negative_slope < 0 and self._era == 3):
            raise ValueError(f"LeakyReLU: `negative_slope` is a number of at least 0; got {negative_slope!r}")
        keep(self, locals())

    def call(self, inputs):
        return nn.leaky_relu(inputs, negative_slope=self.negative_slope)


@registry.member("layers")
class ELU(_Activation):
    """`x` above zero, `alpha * (exp(x) - 1)` below (Clevert et al., 2015).

    Args:
        alpha: minus the limit to the left.
    """

    def __init__(self, alpha: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        keep(self, locals())

    def call(self, inputs):
        return nn.elu(inputs, alpha=self.alpha)


@registry.member("layers")
class ThresholdedReLU(_Activation):
    """`x` where it is above `theta`, else 0 (Konda et al., 2014).

    Args:
        theta: float of at least 0.
    """

    def __init__(self, theta: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        if theta is None or theta < 0:
            raise ValueError(f"ThresholdedReLU: `theta` is a number of at least 0; got {theta!r}")
        keep(self, locals())

    def call(self, inputs):
        return threshold_relu(inputs, self.theta)


@registry.member("layers")
class Softmax(_Activation):
    """`exp(x) / sum(exp(x))` along an axis; masked places get 0.

    Args:
        axis: int, or several.
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs):
        super().__init__(**kwargs)
        keep(self, locals())

    def call(self, inputs, mask=None):
        return masked_softmax(inputs, self.axis, mask)


class _PerFeature(_Activation):
    """Weights of the shape of one sample, with size 1 along `shared_axes`."""

    def weights_of(self, input_shape, *names: str) -> None:
        """Make the weights called `names`."""
        shared = [axis % len(input_shape) for axis in self.shared_axes or ()]
        shape = [1 if axis in shared else n for axis, n in enumerate(input_shape)][1:]
        for name in names:
            setattr(self, name, weight(self, name, shape))
        sizes = {axis: n for axis, n in enumerate(input_shape) if axis > 0 and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=sizes)

    def shared(self, axes) -> list[int] | None:
        return None if axes is None else [axes] if isinstance(axes, int) else list(axes)


@registry.member("layers")
class PReLU(_PerFeature):
    """`x` above zero, `alpha * x` below, with a learned `alpha` for each feature (He et al., 2015).

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: as in `Dense`.
        shared_axes: axes (1 is the first after the batch) along which one `alpha` serves all.
    """

    def __init__(
        self,
        alpha_initializer="Zeros",
        alpha_regularizer=None,
        alpha_constraint=None,
        shared_axes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        keep(self, {**locals(), "shared_axes": self.shared(shared_axes)})

    def build(self, input_shape):
        self.weights_of(input_shape, "alpha")

    def call(self, inputs):
        return nn.relu(inputs) - self.alpha * nn.relu(-inputs)


@registry.member("layers")
class SReLU(_PerFeature):
    """S-shaped, its four numbers learned for each feature (Jin et al., 2015; Keras 1).

    `t_left` and `t_left + |t_right|` are where the slope changes; `a_left`, 1 and `a_right` are the slopes.

    Args:
        t_left_initializer, a_left_initializer, t_right_initializer, a_right_initializer: how those begin.
        shared_axes: axes along which one set of numbers serves all.
    """

    def __init__(
        self, t_left_initializer="zeros", a_left_initializer="glorot_uniform", t_right_initializer="glorot_uniform",
        a_right_initializer="ones", shared_axes=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        keep(self, {**locals(), "shared_axes": self.shared(shared_axes)})

    def build(self, input_shape):
        self.weights_of(input_shape, "t_left", "a_left", "t_right", "a_right")

    def call(self, inputs):
        return s_relu(inputs, self.t_left, self.a_left, self.t_right, self.a_right)


@registry.member("layers")
class ParametricSoftplus(_PerFeature):
    """`alpha * log(1 + exp(beta * x))`, both learned for each feature (McFarland et al., 2013; Keras 1).

    Args:
        alpha_init, beta_init: floats that they begin with.
        shared_axes: axes along which one pair serves all.
    """

    def __init__(self, alpha_init: float = 0.2, beta_init: float = 5.0, shared_axes=None, **kwargs):
        super().__init__(**kwargs)
        keep(self, {**locals(), "shared_axes": self.shared(shared_axes)})
        self.alpha_initializer = initializers.Constant(alpha_init)
        self.beta_initializer = initializers.Constant(beta_init)

    def build(self, input_shape):
        self.weights_of(input_shape, "alpha", "beta")

    def call(self, inputs):
        return parametric_softplus(inputs, self.alpha, self.beta)
