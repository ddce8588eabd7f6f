"""Steps as pure functions of (state, batch), and spans: many of them in one dispatch."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .. import scope
from ..ops import control
from ..variable import Variable, lend

SPAN_SECONDS = 0.05  # what one dispatch should take: long enough to be cheap, short enough to watch


class State(NamedTuple):
    """The values that a step reads and replaces, each a list of arrays (or the cells that hold them)."""

    params: list
    state: list
    slots: list
    meters: list

    @property
    def flat(self) -> list:
        return [each for part in self for each in part]


def pure_step(step: Callable[[Any], dict], cells: State) -> Callable:
    """A method that reads and writes `cells` as `(state, batch) -> (state, logs)`.

    Other cells that it reads, such as those in the closure of a user's loss, are found in `strays` once it ran.
    """

    def run(state: State, batch) -> tuple[State, dict]:
        with lend(cells.flat, State(*state).flat) as read, scope.entered(read=run.strays):
            logs = step(batch)
            values = iter(read())
        return State(*([next(values) for _ in part] for part in cells)), logs

    run.strays = []
    return run


def stateful_step(step: Callable[[State, Any], tuple[dict, tuple]]) -> Callable:
    """A user's `train_step(state, data) -> (logs, state)` in the order that spans use."""

    def run(state: State, batch) -> tuple[State, dict]:
        logs, state = step(tuple(state), batch)
        return State(*map(list, state)), logs

    return run


def changes(step: Callable) -> Callable:
    """The step, returning of the state only what it changed, by place: compiled code copies what it hands through."""

    def run(state: State, batch) -> tuple[dict[int, Any], Any]:
        after, logs = step(state, batch)
        pairs = zip(state.flat, after.flat, strict=True)
        return {place: new for place, (old, new) in enumerate(pairs) if new is not old}, logs

    return run


class Runner:
    """Runs one kind of step over batches or rows of arrays, and keeps the cells true in between.

    Args:
        step: pure, `(state, batch) -> (state, logs)`.
        cells: the variables behind the state.
        result: `() -> logs`, read from the cells once a span; None: the step's own logs are kept.
        compiled: False runs the Python code step by step.
    """

    def __init__(self, step: Callable, cells: State, result: Callable | None = None, compiled: bool = True):
        self.step, self.cells, self.result, self.compiled = step, cells, result, compiled
        self.loops: bool | None = None  # whether steps may run inside one loop; known once traced
        self.count = 1  # steps in the next span
        self.known: set[tuple] = set()  # shapes and types of inputs that were found to fit
        self._single = jax.jit(changes(step)) if compiled else changes(step)
        self._span = jax.jit(self._run_span, static_argnames="size")
        self._stack = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches))
        self._traced: dict = {}

    def _read(self) -> State:
        return State(*([cell._value for cell in part] for part in self.cells))

    def _write(self, state: State) -> None:
        for cells, values in zip(self.cells, state, strict=True):
            for cell, value in zip(cells, values, strict=True):
                cell._value = value

    def _run_single(self, batch):
        changed, logs = self._single(self._read(), batch)
        cells = self.cells.flat if changed else ()
        for place, value in changed.items():
            cells[place]._value = value
        return logs

    def _adopt(self) -> None:
        """Let cells that the step was found to read be part of its state, so that it sees them change."""
        strays = getattr(self.step, "strays", ())
        if strays:
            self.cells.state.extend(dict.fromkeys(strays))
            strays.clear()
            self._traced.clear()

    def on_batch(self, batch) -> dict:
        """One step on one batch; returns logs that are still on the device."""
        with scope.LOCK:
            logs = self._run_single(batch)
            self._adopt()
        return logs

    def on_stack(self, batches) -> Any:
        """Steps on batches that lie along a first axis, in one dispatch; their logs lie likewise."""
        with scope.LOCK:
            state, logs = self._stack(self._read(), batches)
            self._write(state)
        return logs

    def may_loop(self, batch) -> bool:
        """Whether steps on such batches may run inside one loop."""
        if self.loops is None and self.compiled:
            with scope.LOCK:
                self.loops = control.may_loop(jax.make_jaxpr(self.step)(self._read(), batch).jaxpr)
                self._adopt()
        return bool(self.loops)

    def on_rows(self, data, order: jax.Array, start: int, most: int, size: int) -> tuple[int, dict]:
        """Steps on the batches of `size` rows from the `start`-th on, at most `most`; how many, and logs."""
        count = max(1, min(self.count, most))
        if self.loops is False:
            count = 1
        with scope.LOCK:
            began = time.perf_counter()
            if self.compiled:
                state, logs = self._span(self._read(), data, order, start, count, size=size)
                self._write(state)
            else:
                logs = self._run_single(take(data, order, start, size))
        if self.compiled and self.loops:
            jax.block_until_ready(logs)
            self._adapt(time.perf_counter() - began, count, size)
        self._adopt()
        return count, logs

    def _adapt(self, seconds: float, count: int, size: int) -> None:
        """Lengthen the next span until one takes SPAN_SECONDS; the first of a shape only compiled."""
        if size not in self._traced:
            self._traced[size] = True
        elif count == self.count:
            wanted = count * SPAN_SECONDS / max(seconds, 1e-6)
            self.count = max(1, min(int(wanted), 8 * count))

    def _run_span(self, state: State, data, order, start, count, size: int):
        """`count` steps; traced once for each batch size, whatever the count."""
        first = take(data, order, start, size)
        traced, shapes = jax.make_jaxpr(self.step, return_shape=True)(state, first)
        tree = jax.tree.structure(shapes)

        def step(state, i):
            leaves = jax.tree.leaves((state, take(data, order, start + i, size)))
            return jax.tree.unflatten(tree, jax.core.eval_jaxpr(traced.jaxpr, traced.consts, *leaves))

        self.loops = control.may_loop(traced.jaxpr)
        if not self.loops:
            return step(state, 0)
        if self.result is None:
            logs = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes[1])
            return jax.lax.fori_loop(0, count, lambda i, carry: step(carry[0], i), (state, logs))
        state = jax.lax.fori_loop(0, count, lambda i, state: step(state, i)[0], state)
        with lend(self.cells.flat, State(*state).flat):
            return state, self.result()


def take(data, order, index, size: int):
    """The `index`-th batch of `size` rows of every array, in the order given."""
    rows = jax.lax.dynamic_slice(order, (index * size,), (size,))
    return jax.tree.map(lambda array: jnp.take(array, rows, axis=0), data)


def minimize(objective: Callable[[], tuple[jax.Array, Any]], params: list[Variable], others: list[Variable]):
    """Gradients of what `objective` computes from the cells; `others` keep what it wrote into them.

    Returns `(gradients, loss, aux)` for `objective() -> (loss, aux)`.
    """

    def run(values, rest):
        with lend([*params, *others], [*values, *rest]) as read:
            loss, aux = objective()
            return loss, (loss, aux, read()[len(params) :])

    values, rest = [cell._value for cell in params], [cell._value for cell in others]
    gradients, (loss, aux, rest) = jax.grad(run, has_aux=True)(values, rest)
    for cell, value in zip(others, rest, strict=True):
        cell.assign(value)
    return gradients, loss, aux
