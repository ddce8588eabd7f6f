"""What the tables of this folder are checked with: Keras's numbers, and symbols against arrays."""

import inspect
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu.symbol import Symbol

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras 3 is the oracle of these tests")


def name_of(case) -> str:
    """A case `(name, arguments, options)` as the name of a test."""
    name, args, options = case
    shapes = ",".join(str(np.shape(each)) for each in args if isinstance(each, np.ndarray))
    return f"{name}-{shapes}-{options}" if options else f"{name}-{shapes}"


def oracle(name: str):
    """Keras's function of that name."""
    for module in (keras.ops, keras.ops.numpy, keras.ops.image, keras.ops.linalg, keras.ops.nn):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(name)


def assert_same(ours, theirs, rtol=2e-5, atol=1e-6) -> None:
    """The same structure, shapes, types and numbers."""
    ours, theirs = jax.tree.leaves(ours), jax.tree.leaves(theirs)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert np.shape(mine) == np.shape(other)
        assert getattr(mine, "dtype", type(mine)) == getattr(other, "dtype", type(other))
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=atol)


def assert_like_keras(module, case, **tolerance) -> None:
    """Our function of that name gives what Keras's gives."""
    name, args, options = case
    assert_same(getattr(module, name)(*args, **options), oracle(name)(*args, **options), **tolerance)


def _as_symbol(leaf):
    return Symbol(leaf.shape, leaf.dtype) if isinstance(leaf, np.ndarray) else leaf


def assert_symbols_like_arrays(module, case) -> None:
    """On symbols the operation returns the shapes and types that it returns on arrays."""
    name, args, options = case
    fn = getattr(module, name)
    symbols = fn(*jax.tree.map(_as_symbol, args), **options)
    assert any(isinstance(leaf, Symbol) for leaf in jax.tree.leaves(symbols))
    for symbol, array in zip(jax.tree.leaves(symbols), jax.tree.leaves(fn(*args, **options)), strict=True):
        assert symbol.shape == np.shape(array)
        assert symbol.dtype == str(jnp.asarray(array).dtype)


def assert_same_signatures(module, theirs) -> None:
    """All names of a module of Keras, with its arguments in its order and with its defaults.

    Here an operation may take more, by keyword.
    """
    for name in [name for name in dir(theirs) if not name.startswith("_")]:
        mine, other = (inspect.signature(getattr(each, name)) for each in (module, theirs))
        known = [(p.name, p.default) for p in other.parameters.values()]
        more = [p.name for p in mine.parameters.values() if p.kind is p.KEYWORD_ONLY]
        assert [
            (p.name, p.default)
            for p in mine.parameters.values()
            if p.name in other.parameters or p.name not in more
        ] == known, name
        assert getattr(module, name).__doc__, name
