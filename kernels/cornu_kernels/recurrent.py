"""Recurrent layers in one call: all steps of some rows of the batch at a time, weights packed once.

As with attention, a call is differentiated by two linear maps that are transposes of each other: `push` takes changes
of the operands to those of the results and is written in JAX; `pull` takes slopes at the results to slopes at the
operands: compiled loops give the slopes at the gates of all steps, and each weight's is one product of those.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from .library import no_change, over_batches, primitive


class Cell(NamedTuple):
    """How many gates a cell has: in its kernel, recurrent kernel and bias, and kept for the gradient."""

    number: int  # as in recurrent.h
    kernel: int
    recurrent: int
    bias: int
    kept: int
    states: int = 1


CELLS = {
    "lstm": Cell(0, 4, 4, 4, 4, 2),
    "gru": Cell(1, 3, 3, 4, 4),
    "gru_before": Cell(2, 3, 3, 3, 3),
    "tanh": Cell(3, 1, 1, 1, 0),
    "relu": Cell(4, 1, 1, 1, 0),
}


# ---- the same in JAX ---------------------------------------------------------------------------------


def _step(name: str, z, states, recurrent):
    """New states, of what bias and inputs give, `(batch, gates * units)`."""
    h, units = states[0], states[0].shape[-1]
    if name == "gru_before":
        z, candidate = z[:, : 2 * units], z[:, 2 * units :]
        update, reset = jnp.split(jax.nn.sigmoid(z + h @ recurrent[:, : 2 * units]), 2, -1)
        candidate = jnp.tanh(candidate + (reset * h) @ recurrent[:, 2 * units :])
        return (candidate + update * (h - candidate),)
    inner = h @ recurrent
    if name == "gru":
        update, reset = jnp.split(jax.nn.sigmoid(z[:, : 2 * units] + inner[:, : 2 * units]), 2, -1)
        candidate = jnp.tanh(
            z[:, 2 * units : 3 * units] + reset * (inner[:, 2 * units :] + z[:, 3 * units :])
        )
        return (candidate + update * (h - candidate),)
    if name == "lstm":
        i, f, g, o = jnp.split(z + inner, 4, -1)
        c = jax.nn.sigmoid(f) * states[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c
    return ((jnp.tanh if name == "tanh" else jax.nn.relu)(z + inner),)


def plain(x, *rest, name: str, sequence: bool):
    """What `run` computes: `(outputs of all steps, *last states)`, without the outputs if not `sequence`."""
    count = CELLS[name].states
    states, (kernel, recurrent, bias) = rest[:count], rest[count:]
    z = jnp.pad(x @ kernel, [(0, 0), (0, 0), (0, bias.size - kernel.shape[1])]) + bias

    def advance(states, z):
        states = _step(name, z, states, recurrent)
        return states, states[0] if sequence else None

    states, outputs = jax.lax.scan(advance, states, jnp.swapaxes(z, 0, 1))
    return (jnp.swapaxes(outputs, 0, 1), *states) if sequence else states


# ---- primitives --------------------------------------------------------------------------------------
# operands: x, states, kernel, recurrent kernel, bias; results: outputs if `sequence`, last states, and if `keep` what
# the gradient needs: gates, and the cells of an LSTM


def _run_shapes(x, *rest, name, sequence, keep):
    cell, like = CELLS[name], lambda *shape: jax.ShapeDtypeStruct(shape, x.dtype)
    batch, time, units = x.shape[0], x.shape[1], rest[0].shape[1]
    made = [like(batch, time, units)] * sequence + [like(batch, units)] * cell.states
    if keep:
        made += [like(batch, time, cell.kept * units)] * bool(cell.kept)
        made += [like(batch, time, units)] * (cell.states == 2)
    return tuple(made)


def _run_in_library(*operands, name, sequence, keep):
    shapes = _run_shapes(*operands, name=name, sequence=sequence, keep=keep)
    attributes = {"cell": CELLS[name].number, "back": 0, "sequence": sequence, "keep": keep}
    attributes = {key: np.int64(value) for key, value in attributes.items()}
    return tuple(jax.ffi.ffi_call("cornu_recurrent", shapes)(*operands, **attributes))


def _split(name: str, sequence: bool, operands: tuple) -> tuple:
    """Slopes at results, the operands of the call, and what the call kept: outputs, gates, cells."""
    cell = CELLS[name]
    results, given = sequence + cell.states, 4 + cell.states
    return operands[:results], operands[results : results + given], operands[results + given :]


def _pull_shapes(*operands, name, sequence):
    return tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in _split(name, sequence, operands)[1])


def _pull_in_library(*operands, name, sequence):
    cell = CELLS[name]
    slopes, (x, *states), kept = _split(name, sequence, operands)
    states, (kernel, recurrent, _) = states[: cell.states], states[cell.states :]
    outputs, units, lstm = kept[0], recurrent.shape[0], cell.states == 2
    batch, time = x.shape[:2]
    like = lambda *shape: jax.ShapeDtypeStruct(shape, x.dtype)  # noqa: E731
    shapes = (like(batch, time, cell.bias * units), *[like(batch, units)] * cell.states)
    attributes = {"cell": cell.number, "back": 1, "sequence": sequence, "keep": 0}
    followed = (kept[2], states[1]) if lstm else (outputs, states[0])
    at_gates, *by_states = jax.ffi.ffi_call("cornu_recurrent", shapes)(
        *slopes,
        recurrent.T,
        *kept[1:2],
        *followed,
        **{key: np.int64(value) for key, value in attributes.items()},
    )
    flat = at_gates.reshape(batch * time, -1)
    of_kernel = flat[:, : cell.kernel * units]
    by_x = (of_kernel @ kernel.T).reshape(x.shape)
    before = jnp.concatenate([states[0][:, None], outputs[:, :-1]], 1)
    two = 2 * units
    if (
        cell.kernel == cell.bias and name != "gru_before"
    ):  # the slopes are the same: one product for both weights
        by_weights = jnp.concatenate([x, before], 2).reshape(batch * time, -1).T @ flat
        return (by_x, *by_states, by_weights[: x.shape[2]], by_weights[x.shape[2] :], flat.sum(0))
    before = before.reshape(batch * time, units)
    if name == "gru":
        of_recurrent = jnp.concatenate([flat[:, :two], flat[:, 3 * units :]], 1)
        by_recurrent = before.T @ of_recurrent
    else:
        reset = kept[1].reshape(batch * time, -1)[:, units:two]
        by_recurrent = jnp.concatenate([before.T @ flat[:, :two], (reset * before).T @ flat[:, two:]], 1)
    by_kernel = x.reshape(batch * time, -1).T @ of_kernel
    return (by_x, *by_states, by_kernel, by_recurrent, flat.sum(0))


def _pull_in_jax(*operands, name, sequence):
    slopes, given, _ = _split(name, sequence, operands)
    return jax.vjp(lambda *args: plain(*args, name=name, sequence=sequence), *given)[1](tuple(slopes))


def _push_shapes(*operands, name, sequence):
    given = operands[4 + CELLS[name].states :]
    return _run_shapes(*given[: 4 + CELLS[name].states], name=name, sequence=sequence, keep=False)


def _push_in_jax(*operands, name, sequence):
    count = 4 + CELLS[name].states
    fn = lambda *args: plain(*args, name=name, sequence=sequence)  # noqa: E731
    return jax.jvp(fn, operands[count : 2 * count], operands[:count])[1]


_run = primitive("cornu_recurrent", _run_shapes, _run_in_library, several=True)
_push = primitive("cornu_recurrent_push", _push_shapes, _push_in_jax, several=True)
_pull = primitive("cornu_recurrent_pull", _pull_shapes, _pull_in_library, several=True)
for each in (_run, _push, _pull):
    over_batches(each, lambda has: False)


# ---- derivatives -----------------------------------------------------------------------------------


def _run_jvp(primals, tangents, *, name, sequence, keep):
    cell = CELLS[name]
    outputs, *rest = _run.bind(*primals, name=name, sequence=True, keep=True)
    last, kept = rest[: cell.states], rest[cell.states :]
    results = [outputs] * sequence + last
    changes = [ad.instantiate_zeros(each) if type(each) is ad.Zero else each for each in tangents]
    moved = _push.bind(*changes, *primals, outputs, *kept, name=name, sequence=sequence)
    if keep:  # of a call that was differentiated before
        results, moved = results + kept, [*moved, *map(no_change, kept)]
    return results, moved


def _push_transpose(slopes, *operands, name, sequence):
    count = 4 + CELLS[name].states
    slopes = [ad.instantiate_zeros(each) if type(each) is ad.Zero else each for each in slopes]
    made = _pull.bind(*slopes, *operands[count:], name=name, sequence=sequence)
    wanted = [
        each if ad.is_undefined_primal(x) else None for each, x in zip(made, operands[:count], strict=True)
    ]
    return [*wanted, *(None for _ in operands[count:])]


def _by_jax(fn):
    """A rule that differentiates what is written in JAX; what a call kept follows from its operands."""

    def jvp(primals, tangents, *, name, sequence):
        changes = [ad.instantiate_zeros(each) if type(each) is ad.Zero else each for each in tangents]
        return jax.jvp(lambda *args: fn(*args, name=name, sequence=sequence), tuple(primals), tuple(changes))

    return jvp


ad.primitive_jvps[_run] = _run_jvp
ad.primitive_jvps[_push] = _by_jax(_push_in_jax)
ad.primitive_jvps[_pull] = _by_jax(_pull_in_jax)
ad.primitive_transposes[_push] = _push_transpose


# ---- what is called ----------------------------------------------------------------------------------


def run(name: str, x, states, kernel, recurrent, bias, *, sequence: bool = False) -> tuple:
    """Outputs of all steps if `sequence`, and the last states: `(outputs, *states)` or `states`.

    Args:
        name: "lstm" (gates i, f, g, o; sigmoid and tanh), "gru" (z, r, candidate; the reset gate acts after the
            recurrent product), "gru_before" (before it), "tanh" or "relu" (one state, no gates).
        x: `(batch, time, features)`, float32.
        states: `(h,)`, or `(h, c)` of an LSTM, each `(batch, units)`.
        kernel, recurrent: `(features, gates * units)` and `(units, gates * units)`.
        bias: `(gates * units,)`; of "gru" with one part more, added to the recurrent product of the candidate.

    Example:
        >>> x, h = jnp.ones((2, 5, 3)), jnp.zeros((2, 4))
        >>> run("tanh", x, (h,), jnp.ones((3, 4)), jnp.eye(4), jnp.zeros(4), sequence=True)[0].shape
        (2, 5, 4)
    """
    return tuple(_run.bind(x, *states, kernel, recurrent, bias, name=name, sequence=sequence, keep=False))
