"""Learning rate schedules: callables from the number of updates so far to a learning rate."""

import math
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp

from .. import config, registry
from ..base import Configurable
from ..ops import numpy as ops

FAMILY = "optimizers.schedules"


class LearningRateSchedule(Configurable):
    """A callable from the number of updates so far to a learning rate.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __init__(self, start):
        ...         self.start = start
        ...     def __call__(self, step):
        ...         return self.start * 0.5**step
        >>> float(Halving(1.0)(3))
        0.125
    """

    def __call__(self, step):
        raise NotImplementedError(f"{type(self).__name__} needs a `__call__(step)` method")


def _number(step) -> jax.Array:
    return ops.cast(step, config.floatx())


def _positive(schedule: LearningRateSchedule, name: str, value) -> None:
    if value <= 0:
        raise ValueError(f"{type(schedule).__name__}: `{name}` is above 0; got {value}")


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        decay_steps: updates after which the rate has been multiplied by `decay_rate`.
        staircase: divide whole, so that the rate changes only every `decay_steps` updates.

    Raises ValueError for `decay_steps` of 0 or less.

    Example:
        >>> round(float(ExponentialDecay(0.1, 100, 0.5)(200)), 6)
        0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        _positive(self, "decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = decay_steps, staircase, name

    def __call__(self, step) -> jax.Array:
        part = _number(step) / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (jnp.floor(part) if self.staircase else part)


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    With `decay_steps=1` it is the `decay` of the optimizers of Keras 1 and 2.

    Args:
        staircase: divide whole, so that the rate changes only every `decay_steps` updates.

    Raises ValueError for `decay_steps` of 0 or less.

    Example:
        >>> float(InverseTimeDecay(1.0, 1, 0.5)(2))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        _positive(self, "decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = decay_steps, staircase, name

    def __call__(self, step) -> jax.Array:
        part = _number(step) / self.decay_steps
        return self.initial_learning_rate / (
            1 + self.decay_rate * (jnp.floor(part) if self.staircase else part)
        )


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` where i is how many boundaries are below the step.

    Args:
        boundaries: numbers of updates, rising.
        values: rates, one more than boundaries.

    Raises ValueError for another number of values.

    Example:
        >>> float(PiecewiseConstantDecay([100, 200], [1.0, 0.5, 0.25])(150))
        0.5
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: {len(boundaries)} boundaries part {len(boundaries) + 1} values; "
                f"got {len(values)}"
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step) -> jax.Array:
        passed = jnp.sum(ops.convert_to_tensor(step) > jnp.asarray(self.boundaries))
        return jnp.asarray(self.values, config.floatx())[passed]


class PolynomialDecay(LearningRateSchedule):
    """`(initial - end) * (1 - step / decay_steps) ** power + end`, and `end` from `decay_steps` on.

    Args:
        cycle: begin anew, stretched to the next multiple of `decay_steps`, instead of staying at the end.

    Raises ValueError for `decay_steps` of 0 or less.

    Example:
        >>> float(PolynomialDecay(1.0, 100, end_learning_rate=0.0)(25))
        0.75
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        _positive(self, "decay_steps", decay_steps)
        self.initial_learning_rate, self.end_learning_rate = initial_learning_rate, end_learning_rate
        self.decay_steps, self.power, self.cycle, self.name = decay_steps, power, cycle, name

    def __call__(self, step) -> jax.Array:
        step, span = _number(step), self.decay_steps
        if self.cycle:
            span = span * jnp.maximum(1.0, jnp.ceil(step / span))
        else:
            step = jnp.minimum(step, span)
        fall = self.initial_learning_rate - self.end_learning_rate
        return fall * (1 - step / span) ** self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine wave from the initial rate down to `alpha` times it (Loshchilov & Hutter 2016).

    `initial * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`, constant from `decay_steps` on.

    Args:
        warmup_target: if given, the rate first rises in a straight line from the initial one to this one, in
            `warmup_steps` updates, and then falls from there.

    Raises ValueError for `decay_steps` of 0 or less.

    Example:
        >>> round(float(CosineDecay(0.1, 100)(50)), 6)
        0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        _positive(self, "decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.name, self.warmup_target, self.warmup_steps = name, warmup_target, warmup_steps

    def __call__(self, step) -> jax.Array:
        step, start, warm = _number(step), self.initial_learning_rate, self.warmup_steps
        if self.warmup_target is None:
            return start * self._share(step)
        rising = start + (self.warmup_target - start) * step / max(1, warm)
        return jnp.where(step < warm, rising, self.warmup_target * self._share(step - warm))

    def _share(self, step) -> jax.Array:
        part = jnp.minimum(step, self.decay_steps) / self.decay_steps
        return (1 - self.alpha) * 0.5 * (1 + jnp.cos(math.pi * part)) + self.alpha


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosine waves one after the other (Loshchilov & Hutter 2016).

    Args:
        first_decay_steps: updates of the first wave.
        t_mul: how much longer each wave is than the one before.
        m_mul: how much higher each wave is than the one before.
        alpha: the end of a wave, as a share of the initial rate.

    Raises ValueError for `first_decay_steps` of 0 or less.

    Example:
        >>> wave = CosineDecayRestarts(1.0, 100)
        >>> [round(float(wave(step)), 3) for step in (0, 50, 100, 200)]
        [1.0, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        _positive(self, "first_decay_steps", first_decay_steps)
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step) -> jax.Array:
        waves, part = self._place(_number(step) / self.first_decay_steps)
        wave = 0.5 * self.m_mul**waves * (1 + jnp.cos(math.pi * part))
        return self.initial_learning_rate * ((1 - self.alpha) * wave + self.alpha)

    def _place(self, time) -> tuple[jax.Array, jax.Array]:
        """How many waves are over, and what part of the present one."""
        if self.t_mul == 1:
            return jnp.floor(time), time - jnp.floor(time)
        waves = jnp.floor(jnp.log(1 - time * (1 - self.t_mul)) / jnp.log(jnp.float32(self.t_mul)))
        length = self.t_mul**waves
        return waves, (time - (1 - length) / (1 - self.t_mul)) / length


CLASSES = (CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, LearningRateSchedule)
CLASSES += (PiecewiseConstantDecay, PolynomialDecay)
registry.family(FAMILY, {cls.__name__: cls for cls in CLASSES})
__all__ = sorted([*(cls.__name__ for cls in CLASSES), "deserialize", "serialize"])


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict:
    """A schedule as plain data."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config: Mapping, custom_objects: Mapping | None = None) -> Callable:
    """The schedule that plain data describes.

    Raises ValueError for an unknown name.
    """
    return registry.get(FAMILY, config, custom_objects)
