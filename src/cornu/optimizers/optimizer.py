"""Optimizer: from gradients and the values of weights to new values, as one pure function of its state.

A rule says how one weight changes; all that is the same for every rule stands here. The state is the list of cells
in `variables`, in the order in which Keras 3 keeps them in files: the count of updates, the learning rate, averages
of weights, sums of gradients, then the slots of each weight.
"""

import functools
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import graph, registry
from ..eras import border
from ..eras.updates import PastOptimizer
from ..variable import Variable, lend, pure
from .state import OptimizerState

# Numbers that in eras 1 and 2 were cells, as the learning rate is.
LIVE = ("momentum", "rho", "beta_1", "beta_2")


class Optimizer(PastOptimizer, OptimizerState):
    """What changes weights by their gradients. A subclass is its constructor, its `slots` and its `rule`.

    In eras 1 and 2 it may be its constructor and a `get_updates` instead.

    Args:
        learning_rate: a number, a LearningRateSchedule, or a function that returns a number.
        weight_decay: before each update weights shrink by `weight_decay * learning_rate` of themselves.
        clipnorm: the longest that the gradient of one weight may be; in eras 1 and 2 of all together.
        clipvalue: the largest that an element of a gradient may be.
        global_clipnorm: the longest that all gradients together may be.
        use_ema: keep a moving average of the weights, and put it into them after training.
        ema_momentum: `average = ema_momentum * average + (1 - ema_momentum) * weight`.
        ema_overwrite_frequency: put the average into the weights every so many updates.
        loss_scale_factor: what `scale_loss` multiplies the loss by, and gradients are divided by.
        gradient_accumulation_steps: update every so many batches, by the mean of their gradients.
        name: a word for messages and files.
        decay: the learning rate is divided by `1 + decay * updates so far` (Keras 1 and 2).

    Raises ValueError for what none of these can be; in era 3 for more than one kind of clipping.

    Example:
        >>> class SignDescent(Optimizer):
        ...     def rule(self, p, g, *, lr, step):
        ...         return (p - lr * jnp.sign(g),)
        >>> weight = Variable([1.0, 2.0])
        >>> SignDescent(0.5).apply([jnp.array([3.0, -3.0])], [weight])
        >>> weight.numpy().tolist()
        [0.5, 2.5]
    """

    inherited = (
        *("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum"),
        *("ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps", "name", "decay"),
    )
    neutral = {"decay": 0.0}  # arguments that Keras 3 does not know, left out of files where they say nothing

    def __init__(
        self,
        learning_rate: float | Callable,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        decay: float = 0.0,
    ):
        self.name = name or graph.unique_name(border.snake(type(self).__name__))
        self.weight_decay, self.decay = weight_decay, decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check()
        self.updates, self.initial_decay = [], decay
        self._undecayed: tuple[frozenset, str | None] = frozenset(), None
        self._begin(learning_rate)

    def _check(self) -> None:
        clips = {name: getattr(self, name) for name in ("clipnorm", "clipvalue", "global_clipnorm")}
        given = [f"{name}={value}" for name, value in clips.items() if value is not None]
        steps, every = self.gradient_accumulation_steps, self.ema_overwrite_frequency
        for wrong, words in (
            (self._era == 3 and len(given) > 1, f"give one kind of clipping; got {' and '.join(given)}"),
            (any(value and value < 0 for value in clips.values()), f"norms are at least 0; got {given}"),
            (
                steps and not steps >= 2,
                f"`gradient_accumulation_steps` is an int of at least 2; got {steps!r}",
            ),
            (
                self.use_ema and not 0 <= self.ema_momentum <= 1,
                f"`ema_momentum` lies between 0 and 1; got {self.ema_momentum!r}",
            ),
            (
                self.use_ema and every and not (isinstance(every, int) and every >= 1),
                f"`ema_overwrite_frequency` is an int of at least 1; got {every!r}",
            ),
        ):
            if wrong:
                raise ValueError(f"{type(self).__name__}: {words}")

    def __setattr__(self, name: str, value) -> None:
        if name in LIVE and self._era < 3 and isinstance(value, float) and value:
            if isinstance(held := vars(self).get(name), Variable):
                held.assign(np.float32(value))
                return
            value = Variable(np.float32(value), trainable=False, name=name)
        object.__setattr__(self, name, value)
        if name not in ("learning_rate", "lr"):  # these are state; all else was compiled in
            vars(self).pop("_compiled", None)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_compiled"}

    # ---- what a subclass writes ----------------------------------------------------------------

    def rule(self, p, g, *slots, lr, step) -> tuple:
        """New values of a weight and its slots: `(p, *slots)`.

        Args:
            p, g: the weight and its gradient, in float32 where they are kept in half precision.
            slots: in the order of `slots`; None for one that is not kept.
            lr: the learning rate of this update.
            step: the number of this update, from 1 on, as a float.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a `rule` or an `update_step` method")

    def advance(self, *, step, **shared) -> dict[str, Any]:
        """New values of what is shared, before the weights of an update; `rule` is given them by name."""
        return shared

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of one weight."""
        return self.weight_decay

    def update_step(self, gradient, variable: Variable, learning_rate) -> None:
        """Change one weight and its slots; a subclass may write this instead of `rule`."""
        wide = jnp.promote_types(variable.dtype, "float32")
        cells = self._slots[variable]
        arrays = [None if cell is None else cell.value.astype(wide) for cell in cells]
        more = {name: cell.value for name, cell in self._shared.items()}
        rate, step = jnp.asarray(learning_rate, wide), jnp.asarray(self._count() + 1, wide)
        new = self.rule(
            variable.value.astype(wide), jnp.asarray(gradient, wide), *arrays, lr=rate, step=step, **more
        )
        for cell, value in zip([variable, *cells], new, strict=True):
            if cell is not None:
                cell.assign(value)

    # ---- updates -------------------------------------------------------------------------------

    def _rate(self) -> jax.Array:
        """The learning rate of this update."""
        rate = self.learning_rate
        rate = jnp.asarray(rate.value if isinstance(rate, Variable) else rate)
        return rate / (1 + self.decay * self._iterations.value) if self.decay else rate

    def update(self, grads: Sequence, values: Sequence, state: Sequence) -> tuple[list, list]:
        """New values of the weights and of the state; pure.

        Args:
            grads: arrays, in the order of the weights it was built for; None for one to be left alone.
            values: the weights' arrays.
            state: the arrays of `variables`.
        """
        cells = [*self._trainable_variables, *self.variables]
        with lend(cells, [*values, *state]) as read:
            pairs = zip(grads, self._trainable_variables, strict=True)
            self._apply([(g, variable) for g, variable in pairs if g is not None])
            new = read()
        return new[: len(values)], new[len(values) :]

    @property
    def settings(self) -> list[Variable]:
        """The cells that programs of eras 1 and 2 set while training, such as the momentum."""
        return [cell for name in LIVE if isinstance(cell := vars(self).get(name), Variable)]

    def _updated(self, settings: Sequence, *state: Sequence) -> tuple[list, list]:
        with lend(self.settings, settings):
            return self.update(*state)

    _compiled = functools.cached_property(lambda self: jax.jit(self._updated))

    def stateless_apply(
        self, optimizer_variables: Sequence, grads: Sequence, trainable_variables: Sequence
    ) -> tuple[list, list]:
        """`update` in the order of Keras 3: `(trainable_variables, optimizer_variables)`.

        Raises ValueError before `build`, and for lists of another length.
        """
        if not self.built:
            raise ValueError(f"{self.name} is not built yet: call `build(trainable_variables)` first")
        for name, given, own in (
            ("optimizer_variables", optimizer_variables, self.variables),
            ("grads", grads, self._trainable_variables),
            ("trainable_variables", trainable_variables, self._trainable_variables),
        ):
            if len(given) != len(own):
                raise ValueError(f"{self.name}: `{name}` has {len(given)} arrays; {len(own)} are needed")
        return self.update(grads, trainable_variables, optimizer_variables)

    def apply_gradients(self, grads_and_vars) -> Variable:
        """Update weights, given pairs `(gradient, weight)`; returns the count of updates."""
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(grads, variables)
        return self._iterations

    def apply(self, grads: Sequence, trainable_variables: Sequence[Variable] | None = None) -> None:
        """Update weights, all that it was built for unless some are named.

        Args:
            grads: arrays; None for a weight that takes no part, which is warned of.
            trainable_variables: as many weights; the first call builds the optimizer for them.

        Raises ValueError for another number of weights, or when no gradient is given, before anything changes.
        """
        grads = list(grads)
        if not grads:
            return
        variables = self._targets(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"{self.name}: {len(grads)} gradients for {len(variables)} weights")
        missing = [variable.path for g, variable in zip(grads, variables, strict=True) if g is None]
        if len(missing) == len(grads):
            raise ValueError(f"{self.name}: no gradient for any weight ({', '.join(missing)})")
        if missing:
            warnings.warn(f"{self.name}: no gradients for {', '.join(missing)}", stacklevel=2)
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        if self._iterations._lent:
            return self._apply(pairs)
        by_variable = {v: g for g, v in pairs}
        cells, own = self._trainable_variables, self.variables
        grads = [by_variable.get(variable) for variable in cells]
        settings, values, state = ([c.value for c in each] for each in (self.settings, cells, own))
        values, state = self._compiled(settings, grads, values, state)
        for cell, value in zip([*cells, *own], [*values, *state], strict=True):
            cell.assign(value)

    def _targets(self, variables: Sequence[Variable] | None) -> list[Variable]:
        if variables is None:
            if not self.built:
                raise ValueError(f"{self.name} is not built yet: name the weights, or call `build` first")
            return self._trainable_variables
        variables = list(variables)
        if any(variable not in self._indices for variable in variables):
            self.build(variables)
        if any(variable not in self._indices for variable in variables):
            raise RuntimeError(f"{type(self).__name__}.build never called `super().build(variables)`")
        return variables

    def _apply(self, pairs: list[tuple[Any, Variable]]) -> None:
        """One update, reading and writing cells."""
        grads, variables = [g for g, _ in pairs], [variable for _, variable in pairs]
        if self.loss_scale_factor is not None:
            grads = [g / self.loss_scale_factor for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._step(grads, variables)
        if self.use_ema:
            self._average()
        for variable in variables:
            if variable.constraint is not None and not self.states_updates():
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign_add(1)

    def _step(self, grads: list, variables: list[Variable]) -> None:
        if self.states_updates():
            return self.carry_out(grads, variables)
        rate, grads = self._rate(), self._clip_gradients(grads)
        for variable in variables:
            decay = self.decay_of(variable)
            if decay is not None and self._decays(variable):
                variable.assign(variable.value - variable.value * decay * rate)
        if self._shared:
            values = {name: cell.value for name, cell in self._shared.items()}
            for name, value in self.advance(step=self._count() + 1.0, **values).items():
                self._shared[name].assign(value)
        for gradient, variable in zip(grads, variables, strict=True):
            self.update_step(gradient, variable, rate)

    def _clip_gradients(self, grads: list) -> list:
        together = self.global_clipnorm or (self.clipnorm if self._era < 3 else None)
        if together:
            grads = clip_by_global_norm(grads, together)
        elif self.clipnorm:
            grads = [clip_by_global_norm([g], self.clipnorm)[0] for g in grads]
        return [jnp.clip(g, -self.clipvalue, self.clipvalue) for g in grads] if self.clipvalue else grads

    def _accumulate(self, grads: list, variables: list[Variable]) -> None:
        """Step with the mean of the last gradients, or else keep their sum."""
        steps = self.gradient_accumulation_steps
        sums = [self._sums[v].value + g for g, v in zip(grads, variables, strict=True)]
        due = (self._iterations.value + 1) % steps == 0
        step = functools.partial(self._step, [total / steps for total in sums], variables)
        choose(due, step, lambda: None, [*variables, *self.variables])
        for variable, total in zip(variables, sums, strict=True):
            self._sums[variable].assign(jnp.where(due, 0, total))

    def _average(self) -> None:
        count, every = self._count(), self.ema_overwrite_frequency
        momentum = jnp.where(count == 0, 0.0, self.ema_momentum)
        for variable, average in self._averages.items():
            average.assign(momentum * average.value + (1 - momentum) * variable.value)
            if every:
                due = (count + 1) % every == 0
                variable.assign(jnp.where(due, average.value, variable.value))

    # ---- around an update ----------------------------------------------------------------------

    def assign(self, variable: Variable, value) -> None:
        """Put a value into a weight or a slot; for `update_step`."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value) -> None:
        """Add to a weight or a slot; for `update_step`."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value) -> None:
        """Subtract from a weight or a slot; for `update_step`."""
        variable.assign_sub(value)

    def scale_loss(self, loss):
        """The loss whose gradients `apply` takes."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Put the averages into the weights, where they are kept."""
        for variable in var_list if self.use_ema else ():
            variable.assign(self._averages[variable])

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Let some weights keep their size.

        Args:
            var_list: those weights.
            var_names: regular expressions found in their names, such as 'bias'.

        Raises ValueError once the optimizer is built.
        """
        if self.built:
            raise ValueError(f"{self.name} is built already: call `exclude_from_weight_decay` before that")
        self._undecayed = frozenset(var_list or ()), "|".join(var_names or ()) or None

    def _decays(self, variable: Variable) -> bool:
        excluded, pattern = self._undecayed
        return variable not in excluded and not (pattern and re.search(pattern, variable.name))

    # ---- as data -------------------------------------------------------------------------------

    def present_arguments(self) -> dict[str, Any]:
        found = super().present_arguments()
        if "learning_rate" in found:
            found["learning_rate"] = self._learning_rate
        found = {name: _told(value) for name, value in found.items()}
        return {
            name: value
            for name, value in found.items()
            if name not in self.neutral or value != self.neutral[name]
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping | None = None) -> "Optimizer":
        """An optimizer as `get_config` described it; it starts without state."""
        with registry.custom_object_scope(custom_objects):
            return super().from_config(config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


# ---- pieces --------------------------------------------------------------------------------------


def _told(value):
    """A setting as plain data: of a cell, the shortest decimal that is the same in its type."""
    return float(str(value.numpy())) if isinstance(value, Variable) and not value.shape else value


def global_norm(grads: Sequence) -> jax.Array:
    """`sqrt(sum of all squares)` of several arrays."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in grads))


def clip_by_global_norm(grads: Sequence, limit: float) -> list:
    """Arrays scaled together so that their norm is at most `limit`; NaN if it is not finite."""
    norm = global_norm(grads)
    factor = jnp.where(jnp.isfinite(norm), limit / jnp.maximum(norm, limit), jnp.nan)
    return [g * factor.astype(g.dtype) for g in grads]


def choose(condition, then: Callable, otherwise: Callable, cells: Sequence[Variable]) -> None:
    """Run one of two functions that write `cells`, as a traced boolean says."""
    run = [lambda values, fn=fn: pure(fn, cells)(values)[1] for fn in (then, otherwise)]
    for cell, value in zip(cells, jax.lax.cond(condition, *run, [cell.value for cell in cells]), strict=True):
        cell.assign(value)


def get(identifier, kwargs: Mapping | None = None) -> Optimizer | None:
    """An optimizer from its name, configuration, class or itself; None stays None.

    `kwargs` are arguments of a class that is named, as in Keras 1.

    Example:
        >>> get("sgd").momentum
        0.0

    Raises ValueError for an unknown name and for what is no optimizer.
    """
    found = (
        identifier
        if isinstance(identifier, Optimizer)
        else registry.get("optimizers", identifier, kwargs=kwargs)
    )
    if not isinstance(found, Optimizer | None):
        raise ValueError(f"{identifier!r} is no optimizer; give a name such as 'adam', or an Optimizer")
    return found


def serialize(optimizer: Optimizer) -> dict:
    """An optimizer as plain data, without its state."""
    return registry.serialize(optimizer)


def deserialize(config: Mapping, custom_objects: Mapping | None = None) -> Optimizer:
    """The optimizer that plain data describes.

    Raises ValueError for an unknown name.
    """
    with registry.custom_object_scope(custom_objects):
        return get(config)
