"""What Keras 3's own source tree calls its things: for programs and tests that import from `keras.src`."""

import contextlib
import importlib
import importlib.util
from collections.abc import Callable, Iterator

from .. import dtypes, scope, symbol, variable
from ..layers.arguments import each
from .backend_settings import clear_session, name_scope  # noqa: F401 - among what is looked up here

KerasTensor, Variable = symbol.Symbol, variable.Variable
SUPPORTS_COMPLEX_DTYPES = True
SUPPORTS_SPARSE_TENSORS = SUPPORTS_RAGGED_TENSORS = False
IS_THREAD_SAFE = True

BOOL_TYPES = ("bool",)
INT_TYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")
COMPLEX_TYPES = ("complex64", "complex128")
FLOAT8_TYPES = ("float8_e4m3fn", "float8_e5m2")
ALLOWED_DTYPES = (*FLOAT_TYPES, *INT_TYPES, *BOOL_TYPES, "string", *FLOAT8_TYPES, *COMPLEX_TYPES)

is_float_dtype, is_int_dtype = dtypes.is_float, dtypes.is_int
get_keras_mask, set_keras_mask = scope.mask_of, scope.set_mask
compute_output_spec = symbol.infer


def random_seed_dtype() -> str:
    """The data type of the state of a SeedGenerator."""
    return "uint32"


def in_tf_graph() -> bool:
    """Whether TensorFlow is building a graph, which it never is here."""
    return False


def no_automatic_dependency_tracking(method: Callable) -> Callable:
    """A decorator that has nothing to do here: what a layer holds is found by looking."""
    return method


def standardize_tuple(value, n: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """A whole number, or as many as `n` of them, as a tuple of `n`.

    Raises ValueError for another count, and for numbers below 1, or 0 where `allow_zero`.
    """
    return each(value, n, f"`{name}`", least=0 if allow_zero else 1)


class LazyModule:
    """A package that is imported when it is first asked for something; `available` tells whether it is installed."""

    def __init__(self, name: str, pip_name: str | None = None, import_error_msg: str | None = None):
        self.name, self.pip_name = name, pip_name or name
        self.import_error_msg = import_error_msg

    @property
    def available(self) -> bool:
        spec = importlib.util.find_spec(self.name.partition(".")[0])
        stands_in = spec is not None and type(spec.loader).__module__.startswith("cornu.")
        return spec is not None and not stands_in

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return getattr(importlib.import_module(self.name), name)
        except ImportError as error:
            told = f"This needs the package {self.pip_name}, which is not installed"
            raise ImportError(self.import_error_msg or told) from error


tensorflow = LazyModule("tensorflow")


def is_remote_path(path) -> bool:
    """Whether a path is one of a storage service, such as 'gs://bucket/file'."""
    return "://" in str(path)


def is_traceback_filtering_enabled() -> bool:
    """Whether frames of the library are left out of tracebacks; they never are."""
    return False


def disable_traceback_filtering() -> None:
    """Show all frames of a traceback, as is always done."""


@contextlib.contextmanager
def AutocastScope(dtype) -> Iterator[None]:
    """Cells of a floating-point type are seen in another one for the length of a `with`."""
    with scope.entered(compute_dtype=dtype and dtypes.standardize_dtype(dtype)):
        yield
