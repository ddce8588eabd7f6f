"""`keras.dtype_policies`: in which types a layer computes and keeps its weights."""

from . import registry
from .dtypes import DTypePolicy, dtype_policy, set_dtype_policy
from .dtypes import get_policy as get

FloatDTypePolicy = DTypePolicy


def serialize(policy: DTypePolicy) -> dict:
    """A policy as plain data."""
    return registry.serialize(policy)


def deserialize(config: dict, custom_objects: dict | None = None) -> DTypePolicy:
    """The policy that `serialize` described."""
    with registry.custom_object_scope(custom_objects):
        return registry.deserialize(config, "dtype_policies")


__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]
