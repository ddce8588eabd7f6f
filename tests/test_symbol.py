"""Symbols: shapes come from running the code, and values are never pretended."""

import jax.numpy as jnp
import pytest

from cornu import ops
from cornu.symbol import Symbol, infer

CASES = {
    "elementwise": (lambda x: jnp.tanh(x) + 1, (None, 3), (None, 3)),
    "flatten": (lambda x: x.reshape(x.shape[0], -1), (None, 4, 5), (None, 20)),
    "two free": (lambda x: x.reshape(-1, 3), (None, None, 3), (None, 3)),
    "python int of a size": (lambda x: x * int(x.shape[0]), (None, 2), (None, 2)),
    "loop over time": (lambda x: sum(x[:, t] for t in range(x.shape[1])), (None, 4, 2), (None, 2)),
    "fixed": (lambda x: x, (8, 2), (8, 2)),
    "halved": (lambda x: x[:, ::2], (3, None), (3, None)),
    "reduced": (lambda x: x.sum(), (None, 2), ()),
}


@pytest.mark.parametrize("name", CASES)
def test_shapes_are_inferred_by_running(name):
    fn, shape, expected = CASES[name]
    assert infer(fn, Symbol(shape)).shape == expected


def test_structures_and_dtypes_are_kept():
    out = infer(lambda a, b: {"sum": a + b, "max": a.argmax(-1)}, Symbol((None, 3)), Symbol((None, 3)))
    assert out["sum"].shape == (None, 3) and out["max"].dtype == "int32"


def test_operators_record_and_name_shapes():
    x = Symbol((None, 4))
    assert (x @ jnp.ones((4, 2))).shape == (None, 2)
    assert (2 - x)[:, 1:3].shape == (None, 2)
    assert (x > 0).dtype == "bool"
    assert ops.shape(x) == (None, 4)


@pytest.mark.parametrize("use", [bool, float, list, jnp.asarray])
def test_a_symbol_has_no_value(use):
    with pytest.raises((TypeError, ValueError)):
        use(Symbol((None, 2)))
