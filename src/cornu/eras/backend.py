"""`keras.backend` of eras 1 and 2: each name as the era had it, found when it is asked for."""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping

import jax
import numpy as np

from .. import config, graph, registry, scope
from ..layers import code
from ..ops import numpy as ops
from ..symbol import Symbol
from ..variable import Live, Tensorlike, Variable
from . import (
    backend_ctc,
    backend_first,
    backend_graph,
    backend_images,
    backend_loops,
    backend_maths,
    backend_nn,
    backend_settings,
    past,
)
from .backend_table import FIRST, FUNCTIONS

FOREIGN = "cntk mxnet tensorflow theano torch".split()  # whose objects are no arrays here

CONSTANTS: dict[str, Callable] = {
    "_BACKEND": config.backend,
    "_EPSILON": config.epsilon,
    "_FLOATX": config.floatx,
    "_IMAGE_DATA_FORMAT": config.image_data_format,
    "_IMAGE_DIM_ORDERING": backend_settings.image_dim_ordering,
    "_LEARNING_PHASE": backend_graph.learning_phase,
    "_get_available_gpus": lambda: _available_gpus,
    "_is_tf_1": lambda: lambda: True,
    "py_all": lambda: all,
    "py_any": lambda: any,
    "th_sparse_module": lambda: False,  # Theano had one, or not
    "py_slice": lambda: slice,
    "py_sum": lambda: sum,
    "tf_major_version": lambda: 0,
    "tf_minor_version": lambda: 12,
}
RAW = ("Function", "function", "is_sparse", "variable")  # take sparse matrices as they are
RECKONING = "abs cast clip max maximum min minimum pow prod round sqrt square sum".split()  # with sizes, too

# The modules that fill the tables as they are imported.
PARTS = (
    *(backend_ctc, backend_first, backend_graph, backend_images),
    *(backend_loops, backend_maths, backend_nn, backend_settings),
)

__all__ = sorted({*FUNCTIONS, *FIRST})


def __getattr__(name: str):
    """A function in the signature of the era that holds now."""
    if name in CONSTANTS:
        return CONSTANTS[name]()
    if name not in FUNCTIONS and name not in FIRST:
        raise AttributeError(f"keras.backend has no `{name}`.{registry.nearest(name, __all__)}")
    return _of_era(name, config.era())


@functools.cache
def _of_era(name: str, era: int) -> Callable:
    tables = (FIRST, FUNCTIONS) if era == 1 else (FUNCTIONS, FIRST)
    function = next(table[name] for table in tables if name in table)
    return function if inspect.isclass(function) else _checked(name, function)


def _checked(name: str, function: Callable) -> Callable:
    """The function, with sparse matrices made dense, and a word about what cannot be computed with."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"K.{name}{signature}: {error}") from None
        if name not in RAW:
            args, kwargs = jax.tree.map(functools.partial(_dense, name), (args, kwargs))
        if name in RECKONING and scope.computing() and _plain((args, kwargs)):
            with jax.ensure_compile_time_eval():
                return np.asarray(function(*args, **kwargs))
        return function(*args, **kwargs)

    wrapper.__name__ = wrapper.__qualname__ = name
    wrapper.__signature__ = signature
    return wrapper


def _dense(name: str, x):
    package = type(x).__module__.partition(".")[0]
    if package in FOREIGN:
        raise TypeError(
            f"K.{name} was given {x!r}, which belongs to {package}. Cornu computes with symbols and arrays of its own: "
            f"write that expression with functions of keras.backend"
        )
    return x.toarray() if hasattr(x, "toarray") and not isinstance(x, Tensorlike) else x


def _plain(arguments) -> bool:
    """Whether they are numbers of NumPy, as sizes are inside of a layer: what is reckoned with them stays known."""
    leaves = jax.tree.leaves(arguments)
    return any(isinstance(each, np.generic | np.ndarray) for each in leaves) and not any(
        isinstance(each, jax.Array | Tensorlike) for each in leaves
    )


def _available_gpus() -> list[str]:
    """What programs ask of `K.tensorflow_backend`: the names of the graphics cards, as TensorFlow gave them."""
    return [f"/device:GPU:{each.id}" for each in jax.devices() if each.platform == "gpu"]


code.GLOBALS["K"] = sys.modules[__name__]  # what functions in files call it

# ---- what tensors had in these eras ------------------------------------------------------------


class TensorShape(tuple):
    """A shape as TensorFlow told it."""

    def as_list(self) -> list:
        """The sizes as a list."""
        return list(self)


class TensorType(str):
    """A data type as TensorFlow told it: its name, which has itself as `name` and `base_dtype`."""

    name = property(str)
    base_dtype = property(lambda self: self)
    as_numpy_dtype = property(lambda self: np.dtype(self).type)


def _history(symbol: Symbol):
    """The layer that made a symbol, which call of it that was, and which output."""
    if not backend_maths.is_keras_tensor(symbol):
        raise AttributeError(f"{symbol!r} was not made by a layer: it has no `_keras_history`")
    made = jax.tree.leaves(symbol.node.outputs)
    place = next(i for i, each in enumerate(made) if each is symbol)
    return symbol.node.operation, symbol.node.index, place


def _uses_learning_phase(symbol: Symbol) -> bool:
    """Whether training and testing may make different things of a symbol."""
    return any(map(past.asks_for_phase, graph.ancestors(symbol)))


def _evaluate(x, given: Mapping | None = None):
    """The value of a tensor, given a dict from the symbols that it waits for to arrays."""
    if not given:
        return backend_graph.eval_(x)
    return backend_graph.Function(list(given), x, compiled=False)(list(given.values()))


def _dimshuffle(x, *pattern):
    """Axes in another order; 'x' for a new one of size 1."""
    pattern = pattern[0] if len(pattern) == 1 and isinstance(pattern[0], list | tuple) else pattern
    made = ops.transpose(x, [axis for axis in pattern if axis != "x"])
    return ops.expand_dims(made, tuple(i for i, axis in enumerate(pattern) if axis == "x"))


def _set_shape(self, shape) -> None:
    """What told TensorFlow a shape that it did not know; ValueError where it is another."""
    if len(shape) != len(self.shape) or any(
        None not in (m, n) and m != n for m, n in zip(shape, self.shape, strict=True)
    ):
        raise ValueError(f"set_shape: the shape is {tuple(self.shape)}; got {tuple(shape)}")


def _compared(operator: Callable, same: bool) -> Callable:
    """`==` or `!=` of tensors: of any shapes, and as a condition, as in `x in inputs`, it asks for the same object."""

    def compare(self, other):
        try:
            made = operator(self, other)
        except (TypeError, ValueError):
            if config.era() == 3:
                raise
            return (self is other) is same
        if isinstance(made, Symbol) and config.era() < 3:
            made.compared = (self is other) is same
        return made

    return compare


def _truth(symbol: Symbol) -> bool:
    """Whether the tensors that a symbol compares are the same object; TypeError where it is no comparison."""
    return symbol.compared if hasattr(symbol, "compared") else symbol._no_value()


Tensorlike.__eq__ = _compared(Tensorlike.__eq__, True)
Tensorlike.__ne__ = _compared(Tensorlike.__ne__, False)
Symbol.__bool__ = _truth

# Inside calls there are arrays, of which programs asked the same.
_ARRAYS = (jax.core.Tracer, *jax.Array.__subclasses__())
for _kind in (Symbol, Live, *_ARRAYS):
    _kind.get_shape = lambda self: TensorShape(self.shape)
    _kind.set_shape = _set_shape
    _kind.dimshuffle = _dimshuffle
for _kind in (Symbol, Live):
    _kind.eval = _evaluate
for _kind in (Live, *_ARRAYS):
    _kind._keras_shape = property(lambda self: tuple(self.shape), _set_shape)
Symbol._keras_shape = property(
    lambda self: tuple(self.shape), lambda self, shape: setattr(self, "shape", tuple(shape))
)
Symbol.dtype = property(
    lambda self: TensorType(vars(self)["dtype"]), lambda self, dtype: vars(self).update(dtype=dtype)
)
Live.dtype = property(lambda self: TensorType(Variable.dtype.fget(self)))
Symbol._keras_history = property(_history)
Symbol._uses_learning_phase = property(_uses_learning_phase)
Live._uses_learning_phase = False
Variable.get_value = lambda self, borrow=False: self.numpy()
Variable.set_value = lambda self, value, borrow=False: backend_graph.set_value(self, value)
