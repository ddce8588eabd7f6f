"""The rules that keep the mean and the size of gradients: Adam and what came of it, and Muon.

`p` is a weight, `g` its gradient, `lr` the learning rate, `step` the number of the update from 1 on. Arguments that
a class does not name itself are those of `Optimizer`, in its order.
"""

import re
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from ..variable import Variable
from .optimizer import Optimizer


def averages(g, m, v, beta_1: float, beta_2: float) -> tuple:
    """The moving averages of gradients and of their squares, moved on."""
    return m + (g - m) * (1 - beta_1), v + (g**2 - v) * (1 - beta_2)


def unbiased(lr, step, beta_1: float, beta_2: float):
    """The learning rate that makes up for averages that started at 0."""
    return lr * jnp.sqrt(1 - beta_2**step) / (1 - beta_1**step)


class _Moments(Optimizer):
    slots = (("momentum", "velocity"),)

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, *args, **kwargs):
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    @property
    def betas(self) -> tuple[float, float]:
        return self.beta_1, self.beta_2


class Adam(_Moments):
    """The mean gradient divided by the root of the mean square (Kingma & Ba 2014).

    `m = beta_1 * m + (1 - beta_1) * g; v = beta_2 * v + (1 - beta_2) * g ** 2;
    p = p - lr * sqrt(1 - beta_2 ** step) / (1 - beta_1 ** step) * m / (sqrt(v) + epsilon)`.

    Args:
        beta_1, beta_2: how slowly the averages of gradients and of their squares move.
        epsilon: keeps the quotient finite.
        amsgrad: divide by the largest mean square so far (Reddi et al. 2018).

    Example:
        >>> weight = Variable([1.0])
        >>> Adam(0.1).apply([np.array([3.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 4)
        0.9
    """

    slots = ("momentum", "velocity"), ("velocity_hat",)
    optional = {"velocity_hat": "amsgrad"}

    def __init__(
        self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, *args, **kwargs
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, *args, **kwargs)
        self.amsgrad = amsgrad

    def rule(self, p, g, m, v, top, *, lr, step) -> tuple:
        m, v = averages(g, m, v, *self.betas)
        top = None if top is None else jnp.maximum(top, v)
        size = jnp.sqrt(v if top is None else top) + self.epsilon
        return p - unbiased(lr, step, *self.betas) * m / size, m, v, top


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2017).

    Raises ValueError without `weight_decay`.

    Example:
        >>> weight = Variable([1.0])
        >>> AdamW(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.9
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *args,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *args, **kwargs)
        if weight_decay is None:
            raise ValueError("AdamW: `weight_decay` is a number; for None use Adam")


class Adamax(_Moments):
    """Adam with the largest gradient, forgotten slowly, instead of the root of the mean square (Kingma & Ba 2014).

    `u = max(beta_2 * u, |g|); p = p - lr / (1 - beta_1 ** step) * m / (u + epsilon)`.

    Example:
        >>> weight = Variable([1.0])
        >>> Adamax(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.9
    """

    slots = (("momentum", "norm"),)

    def rule(self, p, g, m, u, *, lr, step) -> tuple:
        m = m + (g - m) * (1 - self.beta_1)
        u = jnp.maximum(self.beta_2 * u, jnp.abs(g))
        return p - lr * m / ((1 - self.beta_1**step) * (u + self.epsilon)), m, u


class Nadam(_Moments):
    """Adam with Nesterov's momentum (Dozat 2016).

    The momentum of update t is `beta_1 * (1 - 0.5 * 0.96 ** (t * schedule_decay))`.

    Args:
        schedule_decay: 1 in Keras 3, which has no such argument; 0.004 in eras 1 and 2.

    Example:
        >>> weight = Variable([1.0])
        >>> Nadam(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.894
    """

    shared = {"u_product": 1.0}
    neutral = Optimizer.neutral | {"schedule_decay": 1.0}

    def __init__(
        self,
        learning_rate=0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *args,
        schedule_decay: float = 1.0,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, *args, **kwargs)
        self.schedule_decay = schedule_decay

    def _momentum(self, step):
        return self.beta_1 * (1 - 0.5 * 0.96 ** (step * self.schedule_decay))

    def advance(self, *, u_product, step) -> dict:
        return {"u_product": u_product * self._momentum(step)}

    def rule(self, p, g, m, v, *, lr, step, u_product) -> tuple:
        m, v = averages(g, m, v, *self.betas)
        now, then = self._momentum(step), self._momentum(step + 1)
        mean = then * m / (1 - u_product * then) + (1 - now) * g / (1 - u_product)
        return p - lr * mean / (jnp.sqrt(v / (1 - self.beta_2**step)) + self.epsilon), m, v


class Lamb(_Moments):
    """Adam with steps as long as the weight they change, times the learning rate (You et al. 2019).

    Example:
        >>> weight = Variable([1.0])
        >>> Lamb(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.9
    """

    def rule(self, p, g, m, v, *, lr, step) -> tuple:
        m, v = averages(g, m, v, *self.betas)
        move = m / (1 - self.beta_1**step) / (jnp.sqrt(v / (1 - self.beta_2**step)) + self.epsilon)
        size, length = jnp.sqrt(jnp.sum(p**2)), jnp.sqrt(jnp.sum(move**2))
        ratio = jnp.where((size > 0) & (length > 0), size / length, 1.0)
        return p - lr * ratio * move, m, v


class ScheduleFreeAdamW(_Moments):
    """Adam on a sequence z; the weights are a mean of z and of its average over time (Defazio et al. 2024).

    Args:
        warmup_steps: updates over which the learning rate rises from 0.

    Example:
        >>> weight = Variable([1.0])
        >>> ScheduleFreeAdamW(0.1).apply([np.array([2.0], "float32")], [weight])
        >>> round(float(weight.value[0]), 3)
        0.9
    """

    def __init__(
        self,
        learning_rate=0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        *args,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, *args, **kwargs)
        self.warmup_steps = warmup_steps

    def initial(self, slot: str, variable: Variable) -> np.ndarray:
        return variable.numpy() if slot == "momentum" else super().initial(slot, variable)

    def rule(self, p, g, z, v, *, lr, step) -> tuple:
        lr = lr * jnp.minimum(step / self.warmup_steps, 1.0) if self.warmup_steps else lr
        average = (p - (1 - self.beta_1) * z) / self.beta_1
        v = v + (g**2 - v) * (1 - self.beta_2)
        z = z - lr * g / (jnp.sqrt(v / (1 - self.beta_2**step)) + self.epsilon)
        average = (1 - 1 / step) * average + z / step
        return (1 - self.beta_1) * z + self.beta_1 * average, z, v


class Muon(Optimizer):
    """Momentum made orthogonal, for matrices; AdamW for embeddings and all that is no matrix (Jordan et al. 2024).

    Args:
        adam_beta_1, adam_beta_2, adam_weight_decay, epsilon: AdamW's.
        exclude_layers: regular expressions; AdamW for weights whose path has one of them.
        exclude_embeddings: AdamW for weights with 'embedding' in their path.
        muon_a, muon_b, muon_c: `x = a * x + (b * y + c * y ** 2) x` with `y = x x^T`, `ns_steps` times.
        adam_lr_ratio: what AdamW's learning rate is multiplied by.
        momentum, nesterov: of the matrices.
        rms_rate: steps are scaled by `rms_rate * sqrt(max(shape))`; None: not at all (Liu et al. 2025).

    Example:
        >>> weight = Variable([[1.0, 2.0]])
        >>> Muon(0.1).apply([np.array([[2.0, 2.0]], "float32")], [weight])
        >>> [round(x, 3) for x in weight.value[0].tolist()]
        [0.986, 1.985]
    """

    slots = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate=0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *args,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs,
    ):
        super().__init__(learning_rate, weight_decay, *args, **kwargs)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers, self.exclude_embeddings = list(exclude_layers or ()), exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c, self.ns_steps = muon_a, muon_b, muon_c, ns_steps
        self.momentum, self.nesterov, self.rms_rate = momentum, nesterov, rms_rate

    def _is_plain(self, variable: Variable) -> bool:
        """Whether a weight is left to AdamW."""
        patterns = [*self.exclude_layers, *(["(?i)embedding"] if self.exclude_embeddings else [])]
        return len(variable.shape) != 2 or any(re.search(each, variable.path) for each in patterns)

    def initial(self, slot: str, variable: Variable) -> np.ndarray | None:
        if slot == "velocity" and not self._is_plain(variable):
            return None
        return super().initial(slot, variable)

    def decay_of(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._is_plain(variable) else self.weight_decay

    def rule(self, p, g, m, v, *, lr, step) -> tuple:
        if v is not None:
            betas = self.adam_beta_1, self.adam_beta_2
            m, v = averages(g, m, v, *betas)
            return (
                p - unbiased(lr * self.adam_lr_ratio, step, *betas) * m / (jnp.sqrt(v) + self.epsilon),
                m,
                v,
            )
        m = self.momentum * m + g
        move = self._orthogonal(g + self.momentum * m if self.nesterov else m)
        scale = 1.0 if self.rms_rate is None else self.rms_rate * max(p.shape) ** 0.5
        return p - lr * scale * move, m, None

    def _orthogonal(self, x):
        """The nearest matrix whose singular values are about 1, by Newton-Schulz steps."""
        turned = x.shape[0] > x.shape[1]
        x = x.T if turned else x
        x = x / (jnp.linalg.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            y = x @ x.T
            x = self.muon_a * x + (self.muon_b * y + self.muon_c * y @ y) @ x
        return x.T if turned else x
