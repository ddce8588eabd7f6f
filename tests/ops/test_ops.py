"""The face of `cornu.ops`, and what all operations share: cells, symbols, operators, lists, types."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ops_oracle import keras

from cornu import config, graph, ops
from cornu.symbol import Symbol
from cornu.variable import Variable, pure

A = np.arange(6, dtype="float32").reshape(2, 3) - 2
V = np.array([1.0, 2.0, 4.0], "float32")


def test_every_operation_of_keras_is_here():
    theirs = {name for name in dir(keras.ops) if not name.startswith("_")}
    assert not theirs - {*ops.__all__}


def test_operations_say_what_they_do_and_pickle():
    for name in ops.__all__:
        each = getattr(ops, name)
        if callable(each):
            assert each.__doc__, name
            assert pickle.loads(pickle.dumps(each)) is each, name


# ---- operators ---------------------------------------------------------------------------------

EXPRESSIONS = {
    "arithmetic": lambda x: -(2 + x * 3 - 1) / 4 + 1 / (x + 10) - (5 - x),
    "whole": lambda x: (x // 2) * (x % 2) + 7 // (x + 10) + 7 % (x + 10),
    "power": lambda x: x**2 + 2**x + abs(x),
    "comparison": lambda x: ((x > 1) | (x < 0)) & ~(x == 3) & (x != 4) & (x >= -1) & (x <= 9) ^ (x > 2),
    "matrix": lambda x: (x @ x.T) + x.dot(x.transpose(1, 0)) + np.ones((2, 2), "float32") @ np.ones((2, 2)),
    "arrays": lambda x: np.ones(3, "float32") + x + jnp.ones(3) * x,
    "index": lambda x: x[:, None, 1:] + x[..., 0, None, None] + x[np.array([0, 1])][:, None, ::2] + x[0][1],
    "shapes": lambda x: x.reshape(3, 2).T + x.reshape((2, 3)) + x.reshape(-1).reshape(2, -1) + x.flatten()[0],
    "methods": lambda x: (
        x.sum(1, keepdims=True) + x.mean() + x.max(0) + x.min() + x.std() + x.astype("int32")
    ),
    "round": lambda x: round(x / 3, 1) + x.clip(0, 1),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_cells_and_symbols_calculate_as_arrays_do(name):
    expression = EXPRESSIONS[name]
    expected = expression(jnp.asarray(A))
    result = expression(Variable(A))
    assert isinstance(result, jax.Array) and result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-6)

    x = Symbol((2, 3))
    y = expression(x)
    assert (y.shape, y.dtype) == (expected.shape, str(expected.dtype))
    replayed = graph.replay(graph.order(y, [x]), {id(x): jnp.asarray(A)})[id(y)]
    np.testing.assert_allclose(replayed, expected, rtol=1e-6)


def test_cells_are_iterated_to_their_end():
    first, *rest = Variable(V)
    assert (float(first), len(rest)) == (1.0, 2)
    assert 4.0 in Variable(V) and 3.0 not in Variable(V)
    with pytest.raises(TypeError, match="scalar"):
        list(Variable(1.0))


def test_nothing_equals_a_cell_that_is_no_number():
    assert (Variable(1.0) == None) is False  # noqa: E711
    assert (Symbol((2,)) != "name") is True


def test_symbols_mix_with_cells_in_one_graph():
    x, weight = Symbol((None, 3)), Variable(V)
    y = weight * x
    weight.assign(V + 1)
    np.testing.assert_allclose(graph.replay(graph.order(y, [x]), {id(x): A})[id(y)], (V + 1) * A)


# ---- what every operation takes ----------------------------------------------------------------


def test_lists_and_double_precision_become_the_default_float_type():
    assert ops.add([1.0, 2.0], np.ones(2)).dtype == "float32"
    assert ops.concatenate([[1, 2], [3]]).tolist() == [1, 2, 3]
    assert ops.sum(np.float64(2)).dtype == "float32"
    assert ops.convert_to_tensor([[1.5]]).dtype == "float32"
    assert ops.convert_to_tensor([1.5], "int32").dtype == "int32"


def test_lists_are_indices_too():
    for x in (Variable(A), Symbol((2, 3))):
        assert x[[0, 1, 1]].shape == (3, 3) and x[:, [0, 2]].shape == (2, 2)
    np.testing.assert_array_equal(ops.get_item(A, ([0, 1], [0, 2])), A[[0, 1], [0, 2]])


def test_weak_numbers_leave_half_precision_alone():
    x = jnp.ones(2, "float16")
    for y in (x * 2.0, ops.add(x, 1), ops.maximum(0.5, x), ops.clip(x, 0.0, 1.0), ops.where(x > 0, x, 0.0)):
        assert y.dtype == "float16"
    assert (Variable(x) / 2).dtype == "float16"


def test_operations_on_cells_are_differentiable():
    weight = Variable(V)
    run = pure(lambda: ops.sum(ops.square(weight) * weight[1]), [weight])
    gradient = jax.grad(lambda values: run(values)[0])([weight.value])[0]
    np.testing.assert_allclose(gradient, 2 * V * V[1] + np.array([0, (V**2).sum(), 0]))


# ---- arrays ------------------------------------------------------------------------------------


def test_shapes_are_tuples_with_none_where_a_size_is_free():
    x = Symbol((None, 3, None))
    assert ops.shape(x) == (None, 3, None)
    assert (ops.ndim(x), ops.dtype(x), ops.is_tensor(x)) == (3, "float32", False)
    assert ops.shape(Variable(A)) == ops.shape(A) == ops.shape(A.tolist()) == (2, 3)
    assert ops.reshape(x, (ops.shape(x)[0], -1)).shape == (None, None)
    assert ops.reshape(Symbol((None, 4, 5)), (None, 20)).shape == (None, 20)


def test_the_size_of_a_symbol_is_a_symbol():
    x = Symbol((None, 3))
    n = ops.size(x)
    assert (n.shape, n.dtype) == ((), "int32")
    assert int(graph.replay(graph.order(n, [x]), {id(x): jnp.zeros((5, 3))})[id(n)]) == 15


@pytest.mark.parametrize(
    ("x", "dtype"),
    [
        ([-3.0, 300.0, 1e10, 3.7], "uint8"),
        ([-3, 300, 7, 0], "int8"),
        ([1e9, -1e9, 2.5, 0.0], "float16"),
        ([True, False], "int8"),
        ([0, 3], "bool"),
    ],
)
def test_saturate_cast_is_that_of_keras(x, dtype):
    ours, theirs = ops.saturate_cast(x, dtype), keras.ops.saturate_cast(np.array(x), dtype)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_converting_back_and_forth():
    assert ops.is_tensor(ops.convert_to_tensor(A)) and not ops.is_tensor(A)
    assert isinstance(ops.convert_to_numpy(Variable(A)), np.ndarray)
    x = Symbol((2,))
    assert ops.convert_to_tensor(x) is x and ops.convert_to_tensor(x, "int32").dtype == "int32"
    with pytest.raises(ValueError, match="dense"):
        ops.convert_to_tensor(A, sparse=True)


def test_no_gradient_flows_through_stop_gradient():
    slope = jax.grad(lambda x: (ops.stop_gradient(x) * x).sum())(V)
    np.testing.assert_array_equal(slope, V)
    assert ops.stop_gradient(Symbol((2,))).shape == (2,)


def test_gradients_given_by_hand_are_used_in_either_signature():
    @ops.custom_gradient
    def triple(x):
        return x * 3, lambda upstream: upstream * 100

    @ops.custom_gradient
    def quadruple(x):
        def grad(*args, upstream=None):
            return (args[0] if upstream is None else upstream) * 1000

        return x * 4, grad

    assert float(triple(Variable(2.0))) == 6
    assert float(jax.grad(triple)(2.0)) == 100
    assert float(jax.grad(quadruple)(2.0)) == 1000
    assert triple(Symbol((None, 2))).shape == (None, 2)


PATTERNS = [
    ("a b c d -> d a b c", {}),
    ("a b c d -> (a b) (c d)", {}),
    ("a (b p) (c q) d -> a b c (p q d)", {"p": 2, "q": 3}),
    ("(a1 a) b c d -> a1 (b a) d c", {"a1": 1}),
]


@pytest.mark.parametrize(("pattern", "lengths"), PATTERNS)
def test_rearrange_is_that_of_keras(pattern, lengths):
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    np.testing.assert_array_equal(
        ops.rearrange(x, pattern, **lengths), keras.ops.rearrange(x, pattern, **lengths)
    )


@pytest.mark.parametrize("pattern", ["a b c", "a -> a", "a b -> a c", "(a p) b -> a p b", "a a -> a a"])
def test_rearrange_says_where_a_pattern_does_not_fit(pattern):
    with pytest.raises(ValueError, match="rearrange"):
        ops.rearrange(A, pattern)


def test_the_default_float_type_is_that_of_what_is_made():
    config.set_floatx("float16")
    try:
        made = (
            ops.zeros(2),
            ops.ones(2),
            ops.eye(2),
            ops.full(2, 1),
            ops.arange(0.0, 1.0, 0.5),
            ops.hanning(3),
        )
        assert {str(each.dtype) for each in made} == {"float16"}
        assert ops.mean(np.ones(2)).dtype == "float16"
    finally:
        config.set_floatx("float32")


def test_functions_of_scalars_become_functions_of_arrays():
    larger = ops.vectorize(lambda x, y: ops.maximum(x, 2 * y))
    np.testing.assert_array_equal(larger(Variable(V), [1, 1, 3]), [2, 2, 6])
    assert larger(Symbol((None, 3)), V).shape == (None, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.where(A > 0, A), "both"),
        (lambda: ops.pad(A, 1, "reflect", 2.0), "constant"),
        (lambda: ops.bincount([1, 2], sparse=True), "dense"),
    ],
)
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_an_operation_on_a_symbol_that_needs_values_says_so():
    with pytest.raises(TypeError, match="no value"):
        bool(ops.any(Symbol((2,))))
