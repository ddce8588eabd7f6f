"""`keras.backend`: loops over time and over elements, branches, and the two phases."""

from collections.abc import Callable

import jax
import numpy as np

from .. import config, graph, scope
from ..dtypes import as_array
from ..ops import control, recurrent
from ..ops import numpy as ops
from ..ops.wrap import op, record
from ..symbol import is_symbol
from ..variable import Tensorlike, unwrap
from .backend_graph import by_phase, learning_phase, phase
from .backend_maths import ndim
from .backend_table import entry

# ---- loops -------------------------------------------------------------------------------------


def _looped(operation: Callable, *args):
    """A loop over arrays at once; noted down where what runs in it reads symbols or variables around it."""
    noted = any(isinstance(leaf, Tensorlike) for leaf in jax.tree.leaves(args))
    if noted or scope.computing() or config.era() == 3:
        return operation(*args)
    read: list = []
    try:
        with scope.entered(depth=1, read=read):
            made = operation(*args)
    except graph.Disconnected:
        read = [None]
    return record(operation, args, {}) if read else made


@op
def _rnn(step_function, inputs, initial_states, go_backwards, mask, constants, unroll):
    def step(x, states):
        output, states = step_function(x, list(states))
        return unwrap((output, list(states)))

    if mask is not None:
        mask = mask.reshape(mask.shape[:2])
    states = [as_array(state) for state in initial_states]
    return recurrent.rnn(step, as_array(inputs), states, go_backwards, mask, constants, unroll)


@entry
def rnn(
    step_function, inputs, initial_states, go_backwards=False, mask=None, constants=None, unroll=False,
    input_length=None,
):  # fmt: skip
    """Run a step over time: `(last output, outputs, last states)`.

    Args:
        step_function: `(x, states)` to `(output, states)`, x without the time axis; `states` has the constants at its
            end.
        inputs: `(batch, time, ...)`.
        initial_states: list of tensors `(batch, ...)`.
        go_backwards: whether time runs from the end; outputs come in the order in which they were made.
        mask: `(batch, time)`, or with an axis of 1 more: where it is 0 the states stay and the output is the last one.
        constants: list of tensors that every step gets.
        unroll: whether each step is compiled by itself; `input_length` is not needed for it.

    Raises ValueError for inputs of less than three axes, and for a mask without states.
    """
    if ndim(inputs) < 3:
        raise ValueError(f"K.rnn: inputs are (batch, time, ...); got {ndim(inputs)} axes")
    if mask is not None and not len(initial_states):
        raise ValueError("K.rnn: a mask needs at least one state")
    return _looped(
        _rnn, step_function, inputs, list(initial_states), go_backwards, mask, list(constants or ()), unroll
    )


@op
def _mapped(fn, elems):
    return control.map(lambda x: unwrap(fn(x)), elems)


@entry
def map_fn(fn, elems, name=None, dtype=None):
    """`fn(x)` for each x along the first axis of `elems`, in the type `dtype` if that is given."""
    made = _looped(_mapped, fn, elems)
    return made if dtype is None else jax.tree.map(lambda each: ops.cast(each, dtype), made)


@op
def _folded(fn, elems, initializer, reverse):
    if initializer is None:
        initializer = jax.tree.map(lambda x: as_array(x)[-1 if reverse else 0], elems)
        elems = jax.tree.map(lambda x: as_array(x)[:-1] if reverse else as_array(x)[1:], elems)
    return control.scan(lambda total, x: (fn(total, x), None), initializer, elems, reverse=reverse)[0]


@entry
def foldl(fn, elems, initializer=None, name=None):
    """`fn(fn(start, x0), x1)...` for x along the first axis of `elems`; the start is x0 if not given."""
    return _looped(_folded, fn, elems, initializer, False)


@entry
def foldr(fn, elems, initializer=None, name=None):
    """`foldl` from the end: the start is the last element if not given."""
    return _looped(_folded, fn, elems, initializer, True)


# ---- branches ----------------------------------------------------------------------------------


def _made(expression):
    return expression() if callable(expression) else expression


@entry
def switch(condition, then_expression, else_expression):
    """One of two tensors, or element by element of each; functions of nothing may stand for them.

    Args:
        condition: a bool, or a tensor of no more axes than the two.
    """
    if isinstance(condition, bool | int | np.bool_):
        return _made(then_expression if condition else else_expression)
    chosen, other = _made(then_expression), _made(else_expression)
    missing = max(ndim(chosen), ndim(other)) - ndim(condition)
    if ndim(condition) and missing > 0:
        condition = ops.expand_dims(condition, tuple(range(-missing, 0)))
    return ops.where(condition, chosen, other)


@entry
def in_train_phase(x, alt, training=None):
    """`x` in training, `alt` in testing; functions of nothing may stand for them.

    Args:
        training: a bool or symbol that decides; the learning phase if None.
    """
    if training is None or training is phase():
        training = learning_phase()
    if is_symbol(training) and training is phase():
        return record(by_phase, (_made(x), _made(alt)), {})
    return switch(training, x, alt)


@entry
def in_test_phase(x, alt, training=None):
    """`x` in testing, `alt` in training."""
    return in_train_phase(alt, x, training)
