"""Programs as graphs, in the manner of Theano: placeholders, variables, functions, updates, derivatives, phases."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import config, dtypes, graph, random, scope
from ..ops.wrap import noted, op, record
from ..symbol import Symbol, is_symbol
from ..variable import Live, Variable, pure
from .backend_sizes import Sizes, settled
from .backend_table import entry
from .on_symbols import NeedsSymbols

# ---- what a graph is made of -------------------------------------------------------------------


@entry
def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None):
    """A symbol for data that `K.function` is fed: of a shape (None: any size) or of so many axes.

    Raises ValueError without either.

    Example:
        >>> placeholder((None, 3)).shape
        (None, 3)
    """
    if shape is None and ndim is None:
        raise ValueError("K.placeholder: give a `shape`, with None for any size, or `ndim`")
    return Symbol(
        (None,) * ndim if shape is None else shape, dtypes.standardize_dtype(dtype), sparse, name=name
    )


@entry
def variable(value, dtype=None, name=None, constraint=None):
    """A cell with a value, in the default float type unless told; sparse matrices become dense.

    Example:
        >>> variable([[1, 2]]).numpy().tolist()
        [[1.0, 2.0]]
    """
    sparse = hasattr(value, "toarray")
    if is_symbol(value) or isinstance(value, Variable):
        value = eval_(value)
    dtype, value = dtypes.standardize_dtype(dtype), value.toarray() if sparse else value
    made = Live(np.asarray(value, dtype), dtype=dtype, name=name, constraint=constraint)
    made.sparse = sparse
    made._lent = scope.computing()  # made inside a traced function, it belongs there
    return made


def _filled(fill: Callable) -> Callable:
    """A variable, or inside calls an array."""
    return lambda shape, dtype, name: (
        jnp.asarray if scope.computing() else functools.partial(variable, name=name)
    )(fill(shape), dtype=dtypes.standardize_dtype(dtype))


@entry
def zeros(shape, dtype=None, name=None):
    """A variable of zeros."""
    return _filled(np.zeros)(shape, dtype, name)


@entry
def ones(shape, dtype=None, name=None):
    """A variable of ones."""
    return _filled(np.ones)(shape, dtype, name)


@entry
def eye(size, dtype=None, name=None):
    """A variable with the identity matrix, of one size or of (rows, columns)."""
    return _filled(lambda shape: np.eye(*shape))(
        size if isinstance(size, tuple | list) else (size,), dtype, name
    )


@entry
def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """A variable of draws from `[low, high)`, by NumPy's generator unless a seed is given."""
    draws = np.random if seed is None else np.random.RandomState(seed)
    return variable(draws.uniform(low, high, shape), dtype, name)


@entry
def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """A variable of draws from the normal distribution, by NumPy's generator unless a seed is given."""
    draws = np.random if seed is None else np.random.RandomState(seed)
    return variable(draws.normal(mean, scale, shape), dtype, name)


@entry
def constant(value, dtype=None, shape=None, name=None):
    """An array of the value, or of a shape that its numbers fill; the last of too few is repeated.

    Raises ValueError for more numbers than there are places.

    Example:
        >>> constant([1, 2], shape=(2, 2)).tolist()
        [[1.0, 2.0], [2.0, 2.0]]
    """
    value = jnp.asarray(value, dtypes.standardize_dtype(dtype))
    if shape is None:
        return value
    missing = math.prod(shape) - value.size
    if missing < 0:
        raise ValueError(f"K.constant: {value.size} numbers do not go into the shape {tuple(shape)}")
    return jnp.pad(value.reshape(-1), (0, missing), "edge").reshape(tuple(shape))


# ---- the learning phase ------------------------------------------------------------------------


class _Phase:
    """The operation of the learning phase's node."""

    __name__ = "learning_phase"
    is_input = False

    def __call__(self):
        return jnp.asarray(bool(scope.call.training), "uint8")


@functools.cache
def phase() -> Symbol:
    """The symbol of the learning phase, the same for all graphs."""
    made = Symbol((), "uint8", name="keras_learning_phase")
    graph.Node(_Phase(), (), {}, made)
    return made


@entry
def learning_phase():
    """1 in training and 0 in testing; outside of calls a symbol of that, to be fed to a `K.function`."""
    chosen = config.learning_phase()
    if chosen is not None:
        return chosen
    return int(bool(scope.call.training)) if scope.computing() else phase()


@entry
def set_learning_phase(value):
    """Let models train (1) or test (0) whatever is called."""
    if value not in (0, 1):
        raise ValueError(f"K.set_learning_phase: expected 0 or 1; got {value!r}")
    config.set_learning_phase(int(value))


@op
def by_phase(x, alt):
    """`x` in training, `alt` in testing."""
    return x if scope.call.training else alt


# ---- updates -----------------------------------------------------------------------------------


class Update(NamedTuple):
    """What a variable becomes when a function with this among its `updates` is called, or by a layer's `add_update`."""

    variable: Variable
    value: Any


def _become(cell, value):
    """An update; in era 3 it is carried out at once."""
    if not isinstance(cell, Variable):
        raise TypeError(f"K.update changes variables, made by K.variable or by layers; got {cell!r}")
    return cell.assign(jnp.asarray(value, cell.dtype)) if config.era() == 3 else Update(cell, value)


@entry
def update(x, new_x):
    """The variable `x` becomes `new_x`."""
    return _become(x, new_x)


@entry
def update_add(x, increment):
    """The variable `x` becomes `x + increment`."""
    return _become(x, x + increment)


@entry
def update_sub(x, decrement):
    """The variable `x` becomes `x - decrement`."""
    return _become(x, x - decrement)


@entry
def moving_average_update(x, value, momentum):
    """The variable `x` becomes `momentum * x + (1 - momentum) * value`."""
    return _become(x, x * momentum + value * (1.0 - momentum))


# ---- functions ---------------------------------------------------------------------------------

MEANINGLESS = "allow_input_downcast accept_inplace mode on_unused_input profile rebuild_strict".split()
REFUSED = {
    "feed_dict": "make what is fed an input",
    "fetches": "name them among the outputs",
    "givens": "put the expression in place of what it replaces",
    "no_default_updates": "random numbers move on at every call",
    "options": "leave it out",
    "run_metadata": "leave it out",
}


class Function:
    """What `K.function` makes: called with a list of inputs, it returns the outputs as NumPy arrays.

    Args:
        inputs: symbols, `K.learning_phase()` among them if the phase is to be fed.
        outputs: a symbol, a variable or a list of them.
        updates: pairs `(variable, new value)`, all computed from the old values; the first for a variable counts. A
            variable alone: it keeps what layers write into it, such as moving averages, which is dropped otherwise.
        compiled: whether the graph is compiled at the first call.

    Raises ValueError for what the inputs do not lead to, and TypeError for what is no part of a graph.

    Example:
        >>> x, total = placeholder((None,)), variable(0.0)
        >>> add = Function([x], [x * 2], updates=[(total, total + 1)])
        >>> add([[1.0, 2.0]])[0].tolist(), float(total)
        ([2.0, 4.0], 1.0)
    """

    def __init__(self, inputs, outputs, updates=None, name=None, compiled: bool = True, **kwargs):
        for key in kwargs:
            if key not in MEANINGLESS:
                way_out = f": {REFUSED[key]}" if key in REFUSED else ""
                raise ValueError(f"K.function has no argument `{key}`{way_out}")
        self.name, self.compiled = name or "function", compiled
        self.inputs = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        self.fed = [x for x in self.inputs if not self._is_phase(x)]
        for x in self.fed:
            if not is_symbol(x):
                raise TypeError(
                    f"K.function: inputs are symbols (K.placeholder, Input, model.input); got {x!r}"
                    + (". Change it with K.set_value" if isinstance(x, Variable) else "")
                )
        self.outputs = list(outputs) if type(outputs) is tuple else outputs
        pairs, kept = {}, set()
        for each in [*self._flat(updates or ()), *self._flat([self.outputs], Update)]:
            if isinstance(each, Variable):
                kept.add(each)
                continue
            cell, value = each if isinstance(each, tuple) and len(each) == 2 else (each, None)
            if not isinstance(cell, Variable):
                raise TypeError(f"K.function: updates are pairs (variable, new value); got {each!r}")
            if isinstance(
                value, jax.core.Tracer
            ):  # of a layer's `add_update`, which its call in the graph repeats
                kept.add(cell)
            else:
                pairs.setdefault(cell, value)
        self.updates, self._kept = pairs, kept | pairs.keys()
        wanted = [x for x in jax.tree.leaves((self.outputs, list(pairs.values()))) if is_symbol(x)]
        try:
            self.nodes = graph.order(wanted, self.fed)
        except graph.Disconnected as error:
            raise ValueError(f"K.function: {error}. Put it there, or what it follows from") from None
        self._runs: dict = {}  # learning phase -> (cells, function)

    @staticmethod
    def _is_phase(x) -> bool:
        return x is phase() or isinstance(x, int | np.integer)

    @staticmethod
    def _flat(tree, kind: type | tuple = ()) -> list:
        """The updates in nested lists; of one kind, where one is named."""
        if isinstance(tree, Mapping):
            tree = list(tree.items())
        found = []
        for each in tree:
            if isinstance(each, list):
                found += Function._flat(each, kind)
            elif not kind or isinstance(each, kind):
                found.append(each)
        return found

    def __call__(self, inputs):
        """The outputs for a list of inputs, in the order of `inputs`; a learning phase at the end may be left out."""
        given = len(inputs) if isinstance(inputs, list | tuple) else None
        if given is None or given > len(self.inputs) or not all(map(self._is_phase, self.inputs[given:])):
            got = type(inputs).__name__ if given is None else f"{given} of them"
            raise TypeError(f"K.function: call it with a list of its {len(self.inputs)} inputs; got {got}")
        training, arrays = config.learning_phase(), []
        for x, value in zip(self.inputs, inputs, strict=False):
            if not self._is_phase(x):
                arrays.append(_fit(x, value))
            elif not np.ndim(value) and value in (0, 1):
                training = int(value)
            else:
                raise ValueError(f"K.function: the learning phase is 0 or 1; got {value!r}")
        cells, run = self._run(training, arrays)
        with scope.LOCK:
            results, values = run([cell._value for cell in cells], arrays)
        for cell, value in zip(cells, values, strict=True):
            if cell in self._kept or random.is_seed(cell):
                cell.assign(value)
        return jax.tree.map(settled, _values(self.outputs), results, is_leaf=_is_sizes)

    def _run(self, training: int | None, arrays: Sequence) -> tuple[list, Callable]:
        """The cells that the graph reads and writes, and the computation as a function of their values."""
        if training not in self._runs:
            compute = functools.partial(self._compute, training)
            read: list[Variable] = []
            written: list[Variable] = []
            with scope.LOCK, scope.entered(probing=True, read=read, written=written):
                jax.eval_shape(compute, arrays)
            cells = list(dict.fromkeys([*read, *written]))
            run = pure(compute, cells)
            self._runs[training] = cells, jax.jit(run) if self.compiled else run
        return self._runs[training]

    def _compute(self, training: int | None, arrays: Sequence):
        values = dict(zip(map(id, self.fed), arrays, strict=True))
        try:
            with scope.entered(training=bool(training), values=(values,), kept=None):
                graph.replay(self.nodes, values)
                results, updates = jax.tree.map(
                    _array,
                    graph.fill((_values(self.outputs), [*self.updates.values()]), values),
                    is_leaf=_is_sizes,
                )
        finally:
            for node in self.nodes:
                getattr(node.operation, "clear_losses", lambda: None)()
        for cell, value in zip(self.updates, updates, strict=True):
            cell.assign(jnp.asarray(value, cell.dtype))
        return results


def _values(outputs):
    """Outputs with the new values of variables in place of updates."""
    if isinstance(outputs, list | tuple) and not isinstance(outputs, Update):
        return [_values(each) for each in outputs]
    return outputs.value if isinstance(outputs, Update) else outputs


def _is_sizes(x) -> bool:
    return isinstance(x, Sizes)


def _array(x):
    return x.value if isinstance(x, Variable) else jnp.asarray(x)


def _fit(symbol: Symbol, value) -> jax.Array:
    """What is fed for a symbol, in its type; ValueError where it has another shape."""
    dtype = jax.dtypes.canonicalize_dtype(symbol.dtype)
    value = jnp.asarray(value.toarray() if hasattr(value, "toarray") else value, dtype)
    fits = value.ndim == symbol.ndim and all(
        n in (None, size) for n, size in zip(symbol.shape, value.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"K.function: input {symbol.name!r} has shape {symbol.shape}; it cannot take {value.shape}"
        )
    return value


@entry
def function(inputs, outputs, updates=None, **kwargs):
    """A function from arrays to arrays, of the graph between symbols; arguments as in `Function`."""
    return Function(inputs, outputs, updates, **kwargs)


@entry
def gradients(loss, variables):
    """The derivatives of `sum(loss)` by symbols or variables: a list of symbols.

    Args:
        loss: a symbol.
        variables: a symbol or variable, or a list of them.

    Raises ValueError where the loss does not depend on one of the symbols, TypeError where there is no derivative.

    Example:
        >>> x = placeholder((None,))
        >>> Function([x], gradients(x**2, x))([[1.0, 3.0]])[0].tolist()
        [2.0, 6.0]
    """
    points = list(variables) if isinstance(variables, list | tuple) else [variables]
    loss = _symbol_of(noted(loss))
    if not is_symbol(loss):
        raise NeedsSymbols(
            f"K.gradients: the loss is a symbol, computed by K functions from others; got {type(loss).__name__}. "
            "Inside a layer or a loss there are arrays: derive outside of it, or use jax.grad"
        )
    nodes = graph.ancestors(loss)
    for point in points:
        if not is_symbol(point) and not isinstance(point, Variable):
            raise TypeError(f"K.gradients: derives by symbols and variables; got {type(point).__name__}")
        if is_symbol(point) and point is not loss and id(loss) not in graph.followers([point], nodes):
            raise ValueError(f"K.gradients: {loss!r} does not depend on {point!r}")
    for each in (loss, *points):
        if not dtypes.is_float(each.dtype):
            raise TypeError(f"K.gradients: {each!r} holds {each.dtype}, of which there is no derivative")
    made = [Symbol(point.shape, point.dtype, name="gradient") for point in points]
    graph.Node(graph.gradients, (loss, points), {}, made)
    return made


def _symbol_of(x):
    """The symbol whose value an array is, where a loss gets values of the model's graph."""
    for node in scope.call.nodes or ():
        for symbol in jax.tree.leaves(node.outputs):
            if any(values.get(id(symbol)) is x for values in scope.call.values):
                return symbol
    return x


# ---- values ------------------------------------------------------------------------------------


@entry
def eval_(x):
    """The value of a symbol that no data leads to, of a variable, or of an array, as a NumPy array.

    Raises ValueError for a symbol that waits for data.
    """
    if isinstance(x, Variable):
        return x.numpy()
    if not isinstance(x, Update | Sizes) and not is_symbol(x):
        return jax.tree.map(np.asarray, x)
    return Function([], [x], compiled=False)([])[0]


@entry
def get_value(x):
    """The value of a variable as a NumPy array."""
    return eval_(x)


@entry
def batch_get_value(ops):
    """The values of several variables, as a list of NumPy arrays."""
    return [get_value(x) for x in ops]


@entry
def set_value(x, value):
    """Put an array into a variable."""
    if not isinstance(x, Variable):
        raise TypeError(f"K.set_value changes variables; got {x!r}")
    x.assign(np.asarray(value, x.dtype))


@entry
def batch_set_value(tuples):
    """Put arrays into variables, given pairs `(variable, array)`; nothing changes if one does not fit."""
    tuples = list(tuples)
    for x, value in tuples:
        if isinstance(x, Variable) and x.shape != np.shape(value):
            raise ValueError(
                f"K.batch_set_value: {x.path} has shape {x.shape}; it cannot take {np.shape(value)}"
            )
    for x, value in tuples:
        set_value(x, value)


@entry
def get_variable_shape(x):
    """The shape of a variable."""
    return tuple(x.shape)


@entry
def print_tensor(x, message=""):
    """The same values, printed after a message whenever they are computed."""
    return _printed(noted(x), message)


@op
def _printed(x, message):
    jax.debug.callback(lambda value: print(message, value), x)
    return x


def whenever_computed(function: Callable) -> Callable:
    """A function that gives something else each time: outside of calls it is noted down, to be run in its graph."""
    operation = op(function)

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if config.era() < 3 and not scope.computing():
            return record(operation, args, kwargs)
        return operation(*args, **kwargs)

    return wrapper
