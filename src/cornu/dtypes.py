"""Data types by name, and the policies that say in which types a layer computes and keeps its weights."""

import jax
import jax.numpy as jnp
import numpy as np

from . import config

ALIASES = {"float": "float32", "int": "int32", "half": "float16", "double": "float64", "string": "str"}
NAMES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    *("float8_e4m3fn", "float8_e5m2", "str"),
)
_standard: dict = {}  # what was asked before, since the answer is needed at every layer call


def standardize_dtype(dtype) -> str:
    """The name of a data type; None means the default float type.

    Example:
        >>> standardize_dtype(np.float32)
        'float32'

    Raises ValueError for what is no data type.
    """
    if dtype is None:
        return config.floatx()
    try:
        return _standard[dtype]
    except (KeyError, TypeError):
        pass
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    name = ALIASES.get(name, name).removesuffix("_")
    if name not in NAMES:
        raise ValueError(f"{dtype!r} is no data type; expected one of {', '.join(NAMES)}")
    try:
        _standard[dtype] = name
    except TypeError:
        pass
    return name


def is_float(dtype) -> bool:
    """Whether a data type, by name or object, is a real floating-point type."""
    return standardize_dtype(dtype).startswith(("float", "bfloat"))


def is_int(dtype) -> bool:
    """Whether a data type, by name or object, is one of whole numbers."""
    return "int" in standardize_dtype(dtype)


def dtype_of(x) -> str:
    """The name of the data type of an array, a cell, a symbol or a Python value."""
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else jnp.asarray(x).dtype)


def as_array(x):
    """Anything array-like as a JAX array: Python and NumPy floats in the default float type."""
    if isinstance(x, np.ndarray | np.generic):
        dtype = config.floatx() if x.dtype == np.float64 else jax.dtypes.canonicalize_dtype(x.dtype)
        return jnp.asarray(x, dtype)  # said at once, a type costs no compilation
    return jnp.asarray(x)


class DTypePolicy:
    """The types of a layer: `compute_dtype` for what flows, `variable_dtype` for weights.

    Args:
        name: a float type ('float32': both), or 'mixed_float16' / 'mixed_bfloat16'
            (computes in half precision, keeps float32 weights).
    """

    def __init__(self, name: str | None = None):
        self.name = name or config.floatx()
        mixed = str(self.name).startswith("mixed_")
        self.compute_dtype = standardize_dtype(self.name.removeprefix("mixed_") if mixed else self.name)
        self.variable_dtype = "float32" if mixed else self.compute_dtype

    def get_config(self) -> dict:
        return {"name": self.name}

    def serialized_as(self) -> tuple[str, str]:
        return "keras", "DTypePolicy"

    @classmethod
    def from_config(cls, config: dict) -> "DTypePolicy":
        return cls(**config)

    def __eq__(self, other) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<DTypePolicy {self.name}>"


_policy: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none."""
    return _policy or DTypePolicy(config.floatx())


def set_dtype_policy(policy: "DTypePolicy | str | None") -> None:
    """Set the policy of layers that are given none; None goes back to the default float type."""
    global _policy
    _policy = None if policy is None else get_policy(policy)


def get_policy(identifier) -> DTypePolicy:
    """A policy from a policy, a name, a data type or a configuration; None means the global one."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy(identifier["config"]["name"])
    return DTypePolicy(identifier if isinstance(identifier, str) else standardize_dtype(identifier))
