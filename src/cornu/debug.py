"""Finding out what is wrong with a training."""

import contextlib
import functools
import itertools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from . import scope

FACTS = ("nan", "infinite", "least", "mean", "greatest", "inputs", "weights")  # of an output, in an array
WHY = {  # by whether the inputs are finite, and the weights
    (True, True): "Its inputs and weights are finite.",
    (False, True): "Its inputs are not finite already: look at the data.",
    (
        True,
        False,
    ): "Its weights are not finite since the last update: try a smaller learning rate, or `clipnorm`.",
    (False, False): "Neither its inputs nor its weights are finite.",
}


class Guard:
    """Notes which layers return numbers that are not finite, in compiled code too."""

    def __init__(self):
        self._numbers = itertools.count()
        self._found: dict[int, tuple[str, dict[str, float]]] = {}  # the order of calls -> layer and facts

    def __call__(self, layer, inputs, outputs) -> None:
        weights = [cell._value for cell in layer.weights]
        for output in filter(_is_float, jax.tree.leaves(outputs)):
            what = f"{type(layer).__name__} {layer.name!r}, of shape {tuple(output.shape)}"
            note = functools.partial(self._note, next(self._numbers), what, int(np.prod(output.shape)))
            _if_bad(note, *jax.lax.stop_gradient((output, inputs, weights)))
        if not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((outputs, weights))):
            self.look()  # computed at once: what is wrong is so by now

    def _note(self, number: int, what: str, size: int, facts) -> None:
        known = dict(zip(FACTS, map(float, facts), strict=True))
        if known["nan"] or known["infinite"]:
            self._found.setdefault(number, (what, {**known, "size": size}))

    def look(self) -> None:
        """Raise FloatingPointError where something was noted; each thing once."""
        jax.effects_barrier()
        if self._found:
            said = self.report()
            self.forget()
            raise FloatingPointError(said)

    def forget(self) -> None:
        """What was noted so far did not matter."""
        self._found.clear()

    def report(self) -> str:
        """The first layer whose output is not finite, and what is known of it, in words."""
        jax.effects_barrier()
        if not self._found:
            return "All layers return finite numbers: what is not comes from the loss, penalties or targets."
        what, facts = self._found[min(self._found)]
        bad = " and ".join(
            f"{facts[kind]:.0f} {word}"
            for kind, word in (("nan", "NaN"), ("infinite", "infinite"))
            if facts[kind]
        )
        rest = "none is finite"
        if facts["nan"] + facts["infinite"] < facts["size"]:
            rest = f"the others lie from {facts['least']:.4g} to {facts['greatest']:.4g}, mean {facts['mean']:.4g}"
        why = WHY[bool(facts["inputs"]), bool(facts["weights"])]
        return f"The first output that is not finite is that of {what}: of {facts['size']} numbers {bad}; {rest}. {why}"


@contextlib.contextmanager
def nan_guard() -> Iterator[Guard]:
    """Watch every layer for numbers that are not finite, for the length of a `with`.

    `fit` then runs step by step, and raises FloatingPointError at the first loss that is not finite: with the step,
    the first layer whose output is not finite, and how many of its numbers are NaN or infinite. So do `evaluate`,
    `predict`, `train_on_batch` and their like when they are through, and a layer or model that is called by itself at
    once; what else is compiled, with `jax.jit` say, at the end of the `with`. Compiles anew; costs a look at every
    output.

    Example:
        >>> with cornu.debug.nan_guard():
        ...     y = cornu.layers.Dense(2)(np.ones((1, 3), "float32"))
    """
    guard = Guard()
    with scope.entered(watch=guard):
        yield guard
    guard.look()


def _is_float(x) -> bool:
    return hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating)


def _finite(tree) -> jax.Array:
    return jnp.all(jnp.array([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(tree) if _is_float(x)]))


def _if_bad(note, output, inputs, weights) -> None:
    """Tell the facts of an output where it has numbers that are not finite."""
    fine = jnp.isfinite(output)

    def tell():
        wide = output.astype("float32")
        count = jnp.maximum(jnp.sum(fine), 1)
        facts = {
            "nan": jnp.sum(jnp.isnan(wide)),
            "infinite": jnp.sum(jnp.isinf(wide)),
            "least": jnp.min(wide, where=fine, initial=jnp.inf),
            "mean": jnp.sum(wide, where=fine) / count,
            "greatest": jnp.max(wide, where=fine, initial=-jnp.inf),
            "inputs": _finite(inputs),
            "weights": _finite(weights),
        }
        jax.debug.callback(note, jnp.stack([facts[name].astype("float32") for name in FACTS]))

    jax.lax.cond(jnp.all(fine), lambda: None, tell)
