"""Loops and branches whose bodies may read and write cells, under `jit` too.

JAX's loops take pure functions. Here the body is traced once to see which cells it writes; those become part of
what the loop carries, and are written back when it is done. So a random draw or a running mean inside a loop moves
on at each turn, as in Python.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .. import scope
from ..dtypes import as_array
from ..symbol import has_symbols
from ..variable import Variable, pure, unwrap
from .wrap import op

__all__ = [
    "associative_scan",
    "cond",
    "fori_loop",
    "map",
    "remat",
    "scan",
    "switch",
    "vectorized_map",
    "while_loop",
]


def _uses(jaxpr, primitives: Sequence[str]) -> bool:
    """Whether a computation contains one of the primitives, at any depth."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in primitives:
            return True
        for value in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda leaf: hasattr(leaf, "eqns")
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns") and _uses(inner, primitives):
                return True
    return False


def may_loop(jaxpr) -> bool:
    """Whether a computation may be in a loop: XLA's convolutions on the CPU are hundreds of times slower there."""
    return jax.default_backend() != "cpu" or not _uses(jaxpr, ["conv_general_dilated"])


def _arrays(tree):
    return jax.tree.map(as_array, tree)


def _plain(fn: Callable) -> Callable:
    """`fn` returning arrays where it returned cells and Python numbers."""
    return lambda *args: _arrays(unwrap(fn(*args)))


def _written(fn: Callable, *args) -> list[Variable]:
    """The cells that `fn(*args)` writes, each once; nothing is written now."""
    cells: list[Variable] = []
    with scope.LOCK, scope.entered(probing=True, written=cells):
        jax.eval_shape(fn, *args)
    return list({id(cell): cell for cell in cells}.values())


def _rows(xs):
    """Nested arrays; a flat list of numbers is one of them."""
    return as_array(xs) if isinstance(xs, list) and all(jnp.ndim(x) == 0 for x in xs) else _arrays(xs)


def _read(cells: Sequence[Variable]) -> list[jax.Array]:
    return [cell._value for cell in cells]


def _write(cells: Sequence[Variable], values: Sequence[jax.Array]) -> None:
    for cell, value in zip(cells, values, strict=True):
        cell.assign(value)


def _paths(cells: Sequence[Variable]) -> str:
    return ", ".join(sorted({cell.path for cell in cells}))


def _item(xs):
    """Shapes of what is left of arrays without their first axis."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), xs)


# ---- loops -------------------------------------------------------------------------------------


@op
def scan(
    f: Callable, init, xs=None, length: int | None = None, reverse: bool = False, unroll: int | bool = 1
) -> tuple[Any, Any]:
    """`carry, y = f(carry, x)` for each x along the first axis of `xs`; the last carry and all y.

    Args:
        f: gets and returns a carry of the structure, shapes and types of `init`; may read and write cells.
        xs: array or nested structure of arrays; None together with `length`.
        reverse: begin with the last x.
        unroll: how many turns to write out in a row; True for all.

    Example:
        >>> from cornu import ops
        >>> last, sums = ops.scan(lambda total, x: (total + x, total + x), 0, [1, 2, 3])
        >>> int(last)
        6
    """
    init, xs, f = _arrays(init), _rows(xs), _plain(f)
    cells = _written(f, init, _item(xs))
    body = pure(f, cells)

    def step(state, x):
        (carry, y), values = body(state[0], state[1], x)
        return (values, carry), y

    (values, carry), ys = lax.scan(step, (_read(cells), init), xs, length, reverse, unroll)
    _write(cells, values)
    return carry, ys


@op
def map(f: Callable, xs):
    """`f(x)` for each x along the first axis of `xs`, one after the other; f may read and write cells."""
    return scan(lambda carry, x: (carry, f(x)), (), xs)[1]


@op
def fori_loop(lower: int, upper: int, body_fun: Callable, init_val):
    """`value = body_fun(i, value)` for i from `lower` to `upper - 1`; the last value.

    Gradients flow where `lower` and `upper` are Python ints.

    Example:
        >>> from cornu import ops
        >>> int(ops.fori_loop(0, 5, lambda i, total: total + i, 0))
        10
    """
    init_val, body_fun = _arrays(init_val), _plain(body_fun)
    cells = _written(body_fun, jnp.int32(0), init_val)
    body = pure(body_fun, cells)

    def step(i, state):
        value, values = body(state[0], i, state[1])
        return values, value

    values, value = lax.fori_loop(lower, upper, step, (_read(cells), init_val))
    _write(cells, values)
    return value


@op
def while_loop(cond: Callable, body: Callable, loop_vars, maximum_iterations: int | None = None):
    """`loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds, at most so many times.

    Gradients do not flow backwards through it: the number of turns is data; use `scan` for that.

    Args:
        cond: returns one boolean; may read cells, and must not write any.
        body: returns as many values as it gets; may read and write cells.
        loop_vars: tuple or list of values, or one value.

    Raises ValueError when `cond` writes cells.

    Example:
        >>> from cornu import ops
        >>> int(ops.while_loop(lambda n: n < 100, lambda n: n * 2, 1))
        128
    """
    several = isinstance(loop_vars, tuple | list)
    start = _arrays(tuple(loop_vars) if several else (loop_vars,))

    def turn(*state):
        after = body(*state)
        return tuple(after) if isinstance(after, tuple | list) else (after,)

    turn, go_on = _plain(turn), _plain(cond)
    cells, forbidden = _written(turn, *start), _written(go_on, *start)
    if forbidden:
        raise ValueError(
            f"while_loop: the condition writes {_paths(forbidden)}. Write cells (random draws too) in the body"
        )
    turn, go_on = pure(turn, cells), pure(go_on, cells)

    def holds(state):
        count, values, variables = state
        more, _ = go_on(values, *variables)
        return more if maximum_iterations is None else more & (count < maximum_iterations)

    def step(state):
        count, values, variables = state
        variables, values = turn(values, *variables)
        return count + 1, values, variables

    _, values, variables = lax.while_loop(holds, step, (0, _read(cells), start))
    _write(cells, values)
    if not several:
        return variables[0]
    return list(variables) if isinstance(loop_vars, list) else variables


@op
def vectorized_map(function: Callable, elements):
    """`function(x)` for each x along the first axis of `elements`, all at once.

    Cells may be read; for what writes cells, random draws among them, use `map`.
    """
    return jax.vmap(_plain(function))(_rows(elements))


@op
def associative_scan(f: Callable, elems, reverse: bool = False, axis: int = 0):
    """`f(f(x0, x1), x2)...` for each start of `elems` along an axis, in logarithmically many steps.

    Args:
        f: an associative function of two slices, element by element.
    """
    return lax.associative_scan(_plain(f), _arrays(elems), reverse, axis)


# ---- branches ----------------------------------------------------------------------------------


def _branch(index, branches: Sequence[Callable], operands: Sequence):
    """The result of one branch; cells that any branch writes are carried through all."""
    branches = [_plain(branch) for branch in branches]
    cells = list({id(c): c for branch in branches for c in _written(branch, *operands)}.values())
    result, values = lax.switch(index, [pure(branch, cells) for branch in branches], _read(cells), *operands)
    _write(cells, values)
    return result


@op
def switch(index, branches: Sequence[Callable], *operands):
    """`branches[index](*operands)`; an index out of range takes the nearest branch.

    Args:
        index: int, an array too.
        branches: functions that return the same structure, shapes and types; may read and write cells.

    Example:
        >>> from cornu import ops
        >>> int(ops.switch(1, [lambda x: x, lambda x: -x], 5))
        -5
    """
    return _branch(as_array(index).astype("int32"), branches, _arrays(operands))


@op
def _either(pred, true_result, false_result):
    return jax.tree.map(
        lambda a, b: jnp.where(as_array(pred).astype(bool), as_array(a), as_array(b)),
        true_result,
        false_result,
    )


@op
def _cond(pred, true_fn, false_fn):
    return _branch(as_array(pred).astype("int32"), [false_fn, true_fn], ())


def cond(pred, true_fn: Callable, false_fn: Callable):
    """`true_fn()` where `pred` holds, else `false_fn()`.

    Args:
        pred: one boolean, an array too.
        true_fn, false_fn: functions without arguments that return the same structure, shapes and types; may
            read and write cells. If `pred` is a symbol they may use symbols from around them.

    Example:
        >>> from cornu import ops
        >>> float(ops.cond(ops.convert_to_tensor(True), lambda: 1.0, lambda: 2.0))
        1.0
    """
    if has_symbols(pred):
        cells: list[Variable] = []
        with scope.entered(probing=True, written=cells):
            results = true_fn(), false_fn()
        if has_symbols(results):
            if cells:
                raise ValueError(
                    f"cond: on symbols, branches that use symbols cannot write cells; they write {_paths(cells)}. "
                    "Put the computation into a layer's `call`"
                )
            return _either(pred, *results)
    return _cond(pred, true_fn, false_fn)


# ---- memory ------------------------------------------------------------------------------------


def remat(f: Callable) -> Callable:
    """`f`, with its intermediate values computed again for the gradient instead of kept.

    Args:
        f: a function of arrays, cells and Python values; may read and write cells.

    Example:
        >>> from cornu import ops
        >>> float(ops.remat(lambda x: x**2)(3.0))
        9.0
    """

    @op
    def rematerialized(*args, **kwargs):
        leaves, tree = jax.tree.flatten((args, kwargs))
        where = [i for i, leaf in enumerate(leaves) if hasattr(leaf, "shape")]

        def run(*arrays):
            filled = list(leaves)
            for i, array in zip(where, arrays, strict=True):
                filled[i] = array
            args, kwargs = jax.tree.unflatten(tree, filled)
            return _arrays(unwrap(f(*args, **kwargs)))

        arrays = [as_array(leaves[i]) for i in where]
        cells = _written(run, *arrays)
        result, values = jax.checkpoint(pure(run, cells))(_read(cells), *arrays)
        _write(cells, values)
        return result

    return rematerialized
