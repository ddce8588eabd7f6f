"""Loops over time, and what the usual recurrent cells do in one step."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from .. import scope
from . import control

# ---- one step ----------------------------------------------------------------------------------


def lstm_step(z, c, activation: Callable, recurrent_activation: Callable, axis: int = -1):
    """New output and state: `c = f * c + i * g; h = o * activation(c)`.

    Args:
        z: `(batch, 4 * units)`: input gate, forget gate, candidate and output gate before their activations.
        c: `(batch, units)`, the state so far.
        axis: that of the units.
    """
    i, f, g, o = jnp.split(z, 4, axis=axis)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
    return recurrent_activation(o) * activation(c), c


def gru_step(
    x, h, recurrent_kernel, bias, activation: Callable, recurrent_activation: Callable,
    reset_after: bool = True, thinned=None,
):  # fmt: skip
    """New output: `h = z * h + (1 - z) * activation(candidate)`.

    Args:
        x: `(batch, 3 * units)`: what the inputs give to update gate, reset gate and candidate.
        h: `(batch, units)`, the output so far.
        recurrent_kernel: `(units, 3 * units)`, in the same order.
        bias: `(3 * units,)` added after the product, or None.
        reset_after: whether the reset gate multiplies `h @ kernel + bias`, or `h` itself.
        thinned: `h` after dropout, for the products.
    """
    units, thinned = h.shape[-1], h if thinned is None else thinned
    split = 3 * units if reset_after else 2 * units
    inner = thinned @ recurrent_kernel[:, :split]
    if bias is not None:
        inner = inner + bias[:split]
    z, r = jnp.split(recurrent_activation(x[:, : 2 * units] + inner[:, : 2 * units]), 2, axis=-1)
    if reset_after:
        candidate = r * inner[:, 2 * units :]
    else:
        candidate = (r * thinned) @ recurrent_kernel[:, split:]
        candidate = candidate if bias is None else candidate + bias[split:]
    return z * h + (1 - z) * activation(x[:, 2 * units :] + candidate)


def ahead() -> bool:
    """Whether the products of the inputs are better made for all steps at once, before the loop.

    On the CPU they are not: a loop whose activations read their slice of a long array is not vectorised by XLA, which
    costs more than the one large product gains (LSTM of 128 units, 100 steps of 32 samples: 42 ms ahead, 26 within).
    """
    return jax.default_backend() != "cpu"


# ---- all steps ---------------------------------------------------------------------------------


def rnn(
    step_function: Callable,
    inputs,
    initial_states: Sequence,
    go_backwards: bool = False,
    mask=None,
    constants: Sequence | None = None,
    unroll: bool = False,
    input_length: int | None = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
):
    """Run a step over time: `(last output, outputs, states)`.

    Args:
        step_function: `(input, states)` to `(output, states)`; `states` has the constants at its end.
        inputs: array `(batch, time, ...)`, or a structure of such.
        initial_states: list of arrays or structures of arrays.
        go_backwards: whether time runs from the end; outputs come in the order in which they were made.
        mask: booleans `(batch, time)`: where False, the states stay and the output is the one before, at the
            beginning the first state if it has the shape of an output, else zeros.
        constants: arrays that every step gets.
        unroll: whether each step is compiled by itself.
        time_major: whether time is the first axis, of `inputs` and outputs.
        zero_output_for_mask: whether the outputs of masked steps are zeros instead.
        return_all_outputs: False: `outputs` holds the last output only, `(batch, 1, ...)`.

    Example:
        >>> step = lambda x, states: (x + states[0], [x + states[0]])
        >>> _, outputs, _ = rnn(step, jnp.ones((1, 3, 1)), [jnp.zeros((1, 1))])
        >>> outputs.ravel().tolist()
        [1.0, 2.0, 3.0]
    """
    states, constants = list(initial_states), list(constants or ())
    xs = (inputs, None if mask is None else jnp.asarray(mask, bool))
    if not time_major:
        xs = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), xs)
    if go_backwards:
        xs = jax.tree.map(lambda x: jnp.flip(x, 0), xs)
    step = lambda x, states: step_function(x, states + constants)  # noqa: E731

    def advance(carry, each):
        states, last = carry
        x, keep = each
        output, new = step(x, states)
        new = jax.tree.map(lambda now, before: now.astype(before.dtype), list(new), states)
        if keep is not None:
            output = _where(keep, output, jnp.zeros_like(last) if zero_output_for_mask else last)
            new = jax.tree.map(lambda now, before: _where(keep, now, before), new, states)
        return (new, output), output if return_all_outputs else None

    with scope.LOCK, scope.entered(probing=True):
        last = jax.eval_shape(step, jax.tree.map(lambda x: x[0], xs[0]), states)[0]
    first = states[0] if states and getattr(states[0], "shape", None) == last.shape else jnp.zeros(last.shape)
    carry = (states, first.astype(last.dtype))
    if unroll:
        outputs = []
        flat, structure = jax.tree.flatten(xs)
        for each in zip(*flat, strict=True):
            carry, output = advance(carry, jax.tree.unflatten(structure, each))
            outputs.append(output)
        outputs = jnp.stack(outputs) if return_all_outputs else None
    else:
        carry, outputs = control.scan(advance, carry, xs)
    states, last = carry
    outputs = last[None] if outputs is None else outputs
    return last, outputs if time_major else jnp.swapaxes(outputs, 0, 1), states


def _where(keep, now, before):
    """`now` in the rows to keep; `keep` is `(batch,)` or `(batch, 1)`."""
    return jnp.where(keep.reshape(keep.shape[0], *(1,) * (now.ndim - 1)), now, before)
