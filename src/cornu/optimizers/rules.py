"""The rules that came before Adam and beside it: SGD, RMSprop, Adagrad, Adadelta, Ftrl, Lion, Adafactor.

`p` is a weight, `g` its gradient, `lr` the learning rate, `step` the number of the update from 1 on. Arguments that
a class does not name itself are those of `Optimizer`, in its order.
"""

import jax.numpy as jnp
import numpy as np

from ..variable import Variable
from .optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent with momentum (Sutskever et al. 2013).

    `v = momentum * v - lr * g; p = p + v`; with `nesterov` `p = p + momentum * v - lr * g`.

    Args:
        momentum: a number from 0 to 1; 0: plain descent.
        nesterov: step from where the momentum leads to.

    Raises ValueError for another momentum.

    Example:
        >>> weight = Variable([1.0])
        >>> SGD(0.1, momentum=0.9).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 6)
        0.8
    """

    slots = (("momentum",),)
    optional = {"momentum": "momentum"}

    def __init__(self, learning_rate=0.01, momentum: float = 0.0, nesterov: bool = False, *args, **kwargs):
        super().__init__(learning_rate, *args, **kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD: `momentum` lies between 0 and 1; got {momentum!r}")
        self.momentum, self.nesterov = momentum, nesterov

    def rule(self, p, g, v, *, lr, step) -> tuple:
        if v is None:
            return p - lr * g, None
        v = self.momentum * v - lr * g
        return p + (self.momentum * v - lr * g if self.nesterov else v), v


class RMSprop(Optimizer):
    """The gradient divided by a moving average of its size (Tieleman & Hinton 2012).

    `a = rho * a + (1 - rho) * g ** 2; p = p - lr * g / sqrt(a + epsilon)`; in eras 1 and 2 `/ (sqrt(a) + epsilon)`.

    Args:
        rho: how slowly the average moves.
        momentum: of the steps.
        epsilon: keeps the quotient finite.
        centered: take the square of the average gradient off `a`, so that it is a variance (Graves 2013).

    Example:
        >>> weight = Variable([1.0])
        >>> RMSprop(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.684
    """

    slots = ("velocity",), ("momentum",), ("average_gradient",)
    optional = {"momentum": "momentum", "average_gradient": "centered"}

    def __init__(
        self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, *args, **kwargs
    ):
        super().__init__(learning_rate, *args, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def rule(self, p, g, a, m, mean, *, lr, step) -> tuple:
        a = self.rho * a + (1 - self.rho) * g**2
        if mean is not None:
            mean = self.rho * mean + (1 - self.rho) * g
        spread = a if mean is None else a - mean**2
        outside = self._era < 3 and m is None
        move = lr * g / (jnp.sqrt(spread) + self.epsilon if outside else jnp.sqrt(spread + self.epsilon))
        m = None if m is None else self.momentum * m + move
        return p - (move if m is None else m), a, m, mean


class Adagrad(Optimizer):
    """The gradient divided by the size of all gradients so far (Duchi et al. 2011).

    `a = a + g ** 2; p = p - lr * g / sqrt(a + epsilon)`; in eras 1 and 2 `/ (sqrt(a) + epsilon)`.

    Args:
        initial_accumulator_value: what `a` starts with.
        epsilon: keeps the quotient finite.

    Example:
        >>> weight = Variable([1.0])
        >>> Adagrad(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.901
    """

    slots = (("accumulator",),)
    filled = {"accumulator": "initial_accumulator_value"}

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, *args, **kwargs):
        super().__init__(learning_rate, *args, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def rule(self, p, g, a, *, lr, step) -> tuple:
        a = a + g**2
        size = jnp.sqrt(a) + self.epsilon if self._era < 3 else jnp.sqrt(a + self.epsilon)
        return p - lr * g / size, a


class Adadelta(Optimizer):
    """The gradient scaled by the sizes of past gradients and of past steps (Zeiler 2012).

    `a = rho * a + (1 - rho) * g ** 2; move = g * sqrt(d + epsilon) / sqrt(a + epsilon); p = p - lr * move;
    d = rho * d + (1 - rho) * move ** 2`.

    Args:
        rho: how slowly the averages move.
        epsilon: keeps the quotient finite.

    Example:
        >>> weight = Variable([1.0])
        >>> Adadelta(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        1.0
    """

    slots = (("accumulated_grad", "accumulated_delta_var"),)

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, *args, **kwargs):
        super().__init__(learning_rate, *args, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def rule(self, p, g, a, d, *, lr, step) -> tuple:
        a = self.rho * a + (1 - self.rho) * g**2
        move = g * jnp.sqrt(d + self.epsilon) / jnp.sqrt(a + self.epsilon)
        return p - lr * move, a, self.rho * d + (1 - self.rho) * move**2


class Ftrl(Optimizer):
    """Follow the regularized leader: weights that stay exactly 0 unless they are worth it (McMahan et al. 2013).

    Args:
        learning_rate_power: at most 0; how fast the rate falls with the size of past gradients.
        initial_accumulator_value: what that size starts with; at least 0.
        l1_regularization_strength, l2_regularization_strength: pull towards 0; at least 0.
        l2_shrinkage_regularization_strength: the same, but only in the gradient; at least 0.
        beta: a number added to the size of past gradients.

    Raises ValueError for other numbers.

    Example:
        >>> weight = Variable([1.0])
        >>> Ftrl(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.745
    """

    slots = (("accumulator", "linear"),)
    filled = {"accumulator": "initial_accumulator_value"}

    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *args,
        **kwargs,
    ):
        super().__init__(learning_rate, *args, **kwargs)
        if learning_rate_power > 0:
            raise ValueError(f"Ftrl: `learning_rate_power` is at most 0; got {learning_rate_power}")
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        for name, value in vars(self).items():
            if name.endswith(("_strength", "_accumulator_value")) and value < 0:
                raise ValueError(f"Ftrl: `{name}` is at least 0; got {value}")

    def rule(self, p, g, a, z, *, lr, step) -> tuple:
        old, a = a, a + g**2
        root, old_root = a**-self.learning_rate_power, old**-self.learning_rate_power
        z = z + g + 2 * self.l2_shrinkage_regularization_strength * p - (root - old_root) / lr * p
        curve = (root + self.beta) / lr + 2 * self.l2_regularization_strength
        l1 = self.l1_regularization_strength
        return (jnp.clip(z, -l1, l1) - z) / curve, a, z


class Lion(Optimizer):
    """Steps of one length in the direction of a sign (Chen et al. 2023).

    `p = p - lr * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g`.

    Raises ValueError for a `beta_1` outside (0, 1].

    Example:
        >>> weight = Variable([1.0])
        >>> Lion(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.9
    """

    slots = (("momentum",),)

    def __init__(self, learning_rate=0.001, beta_1: float = 0.9, beta_2: float = 0.99, *args, **kwargs):
        super().__init__(learning_rate, *args, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Lion: `beta_1` lies above 0 and not above 1; got {beta_1}")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def rule(self, p, g, m, *, lr, step) -> tuple:
        move = jnp.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        return p - lr * move, self.beta_2 * m + (1 - self.beta_2) * g


def _rms(x):
    return jnp.sqrt(jnp.mean(x**2))


class Adafactor(Optimizer):
    """Steps relative to the size of a weight, with second moments kept by row and column (Shazeer & Stern 2018).

    Args:
        beta_2_decay: the averages move by `step ** beta_2_decay`.
        epsilon_1: added to squared gradients.
        epsilon_2: the least size of a weight.
        clip_threshold: the largest root mean square of a step before it is scaled.
        relative_step: as in Keras 3 the learning rate is at most `1 / sqrt(step)` whichever it is.

    Example:
        >>> weight = Variable([[1.0, 2.0]])
        >>> Adafactor(0.1).apply([np.array([[2.0, 2.0]], "float32")], [weight])
        >>> [round(x, 3) for x in weight.value[0].tolist()]
        [0.842, 1.842]
    """

    slots = (("row", "column", "velocity"),)

    def __init__(
        self,
        learning_rate=0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *args,
        **kwargs,
    ):
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def initial(self, slot: str, variable: Variable) -> np.ndarray:
        shape = variable.shape
        if slot != "velocity" and len(shape) < 2:
            return np.zeros((), "float32")
        shapes = {"row": shape[:-1], "column": (*shape[:-2], *shape[-1:]), "velocity": shape}
        return np.zeros(shapes[slot], variable.dtype)

    def rule(self, p, g, row, column, v, *, lr, step) -> tuple:
        keep, size = 1 - step**self.beta_2_decay, g**2 + self.epsilon_1
        if p.ndim < 2:
            v = keep * v + (1 - keep) * size
        else:
            row = keep * row + (1 - keep) * size.mean(-1)
            column = keep * column + (1 - keep) * size.mean(-2)
            v = (row / row.mean(-1, keepdims=True))[..., None] * column[..., None, :]
        move = g / jnp.sqrt(v)
        move = move / jnp.maximum(1.0, _rms(move) / self.clip_threshold)
        scale = jnp.maximum(self.epsilon_2, _rms(p)) * jnp.minimum(lr, 1 / jnp.sqrt(step))
        return p - scale * move, row, column, v
