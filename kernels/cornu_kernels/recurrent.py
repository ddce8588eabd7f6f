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

from .library import differentiated_by_jax, filled, no_change, over_batches, primitive, to_changes


class Cell(NamedTuple):
    """How many gates a cell has: in its kernel, recurrent kernel and bias, and kept for the gradient."""

    number: int  # as in recurrent.h
    kernel: int
    recurrent: int
    bias: int
    kept: int
    states: int = 1

    @property
    def operands(self) -> int:
        """How many a call has: x, states, kernel, recurrent kernel, bias."""
        return 4 + self.states


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


def _call(shapes: tuple, operands, name: str, **how: bool) -> tuple:
    how = {"cell": CELLS[name].number, **how}
    how = {key: np.int64(value) for key, value in how.items()}
    return tuple(jax.ffi.ffi_call("cornu_recurrent", shapes)(*operands, **how))


def _run_in_library(*operands, name, sequence, keep):
    shapes = _run_shapes(*operands, name=name, sequence=sequence, keep=keep)
    return _call(shapes, operands, name, back=False, sequence=sequence, keep=keep)


def _split(name: str, sequence: bool, operands: tuple) -> tuple:
    """Slopes at results, the operands of the call, and what the call kept: outputs, gates, cells."""
    results = sequence + CELLS[name].states
    kept = results + CELLS[name].operands
    return operands[:results], operands[results:kept], operands[kept:]


def _pull_shapes(*operands, name, sequence):
    return tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in _split(name, sequence, operands)[1])


def _pull_in_library(*operands, name, sequence):
    cell = CELLS[name]
    slopes, (x, *given), kept = _split(name, sequence, operands)
    states, (kernel, recurrent, _) = given[: cell.states], given[cell.states :]
    outputs, units, (batch, time, _) = kept[0], recurrent.shape[0], x.shape
    like = lambda *shape: jax.ShapeDtypeStruct(shape, x.dtype)  # noqa: E731
    shapes = (like(batch, time, cell.bias * units), *[like(batch, units)] * cell.states)
    followed = (kept[2], states[1]) if cell.states == 2 else (outputs, states[0])
    operands = (*slopes, recurrent.T, *kept[1:2], *followed)
    at_gates, *by_states = _call(shapes, operands, name, back=True, sequence=sequence, keep=False)
    before = jnp.concatenate([states[0][:, None], outputs[:, :-1]], 1)
    by_x = (_flat(at_gates)[:, : cell.kernel * units] @ kernel.T).reshape(x.shape)
    return (by_x, *by_states, *_by_weights(name, x, before, at_gates, kept), _flat(at_gates).sum(0))


def _flat(x):
    """`(batch, time, n)` as `(batch * time, n)`."""
    return x.reshape(-1, x.shape[-1])


def _by_weights(name: str, x, before, at_gates, kept: tuple) -> tuple:
    """Slopes at kernel and recurrent kernel, from inputs, the states before each step, and slopes at its gates."""
    units, features, slopes = before.shape[-1], x.shape[-1], _flat(at_gates)
    two, three = 2 * units, 3 * units
    if name == "gru":
        of_recurrent = jnp.concatenate([slopes[:, :two], slopes[:, three:]], 1)
        return _flat(x).T @ slopes[:, :three], _flat(before).T @ of_recurrent
    if name == "gru_before":
        through = (_flat(kept[1])[:, units:two] * _flat(before)).T @ slopes[:, two:]
        return _flat(x).T @ slopes, jnp.concatenate([_flat(before).T @ slopes[:, :two], through], 1)
    both = _flat(jnp.concatenate([x, before], 2)).T @ slopes  # of the same slopes: one product
    return both[:features], both[features:]


def _pull_in_jax(*operands, name, sequence):
    slopes, given, _ = _split(name, sequence, operands)
    return jax.vjp(lambda *args: plain(*args, name=name, sequence=sequence), *given)[1](tuple(slopes))


def _push_shapes(*operands, name, sequence):
    count = CELLS[name].operands
    return _run_shapes(*operands[count : 2 * count], name=name, sequence=sequence, keep=False)


def _push_in_jax(*operands, name, sequence):
    count = CELLS[name].operands
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
    changes = map(filled, tangents)
    moved = _push.bind(*changes, *primals, outputs, *kept, name=name, sequence=sequence)
    if keep:  # of a call that was differentiated before
        results, moved = results + kept, [*moved, *map(no_change, kept)]
    return results, moved


def _push_transpose(slopes, *operands, name, sequence):
    count = CELLS[name].operands
    made = _pull.bind(*map(filled, slopes), *operands[count:], name=name, sequence=sequence)
    return to_changes(made, operands)


ad.primitive_jvps[_run] = _run_jvp
differentiated_by_jax(_push, _push_in_jax)
differentiated_by_jax(_pull, _pull_in_jax)
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
