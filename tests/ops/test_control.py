"""Loops and branches: Keras's numbers on pure bodies, and cells read and written inside, eager and under `jit`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ops_oracle import assert_like_keras, assert_symbols_like_arrays, name_of

from cornu import graph, random
from cornu.ops import control, indexing
from cornu.ops import numpy as ops
from cornu.symbol import Symbol
from cornu.variable import Variable, pure

rng = np.random.default_rng(0)
A = rng.normal(size=(5, 3)).astype("float32")
START = np.zeros(3, "float32")

CASES = [
    ("scan", (lambda c, x: (c + x, c * x), START, A), {}),
    ("scan", (lambda c, x: (c + x, c * x), START, A), {"reverse": True, "unroll": 2}),
    ("scan", (lambda c, x: (c + 1, c), START), {"length": 4}),
    ("map", (lambda x: x.sum(), A), {}),
    ("vectorized_map", (lambda x: x.sum(), A), {}),
    ("fori_loop", (0, 4, lambda i, x: x * 2 + i, A), {}),
    ("while_loop", (lambda x: x.sum() < 50, lambda x: x * x + 1, A), {}),
    ("while_loop", (lambda x, n: n < 3, lambda x, n: (x * 2, n + 1), (A, np.zeros((), "int32"))), {}),
    ("while_loop", (lambda x: x.sum() < 1e9, lambda x: (x + 1,), [A]), {"maximum_iterations": 3}),
    ("associative_scan", (lambda a, b: a + b, A), {}),
    ("associative_scan", (lambda a, b: a * b, A), {"reverse": True, "axis": 1}),
    ("switch", (np.array(1), [lambda x: x, lambda x: x + 1], A), {}),
    ("switch", (np.array(7), [lambda x: x, lambda x: x + 1], A), {}),
]
INDEXING = [
    ("scatter", (np.array([[0, 1], [1, 2], [0, 1]]), A[:3, 0], (2, 3)), {}),
    ("scatter_update", (A, np.array([[0, 1], [4, 2]]), A[:2, 0]), {}),
    ("scatter_update", (A, np.array([[0], [4]]), A[:2]), {}),
    *(
        ("scatter_update", (A, np.array([[0], [0]]), A[:2]), {"reduction": reduction})
        for reduction in ("add", "max", "min", "mul")
    ),
    ("slice", (A, (1, 0), (2, 3)), {}),
    ("slice", (A, np.array([1, 1]), (2, 1)), {}),
    ("slice", (A, (1, 1), (-1, 2)), {}),
    ("slice_update", (A, (1, 1), A[:2, :1]), {}),
    ("unstack", (A,), {}),
    ("unstack", (A,), {"axis": 1, "num": 3}),
]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_loops_and_branches_are_those_of_keras(case):
    assert_like_keras(control, case)
    assert_symbols_like_arrays(control, case) if case[0] != "scan" or len(case[1]) == 3 else None


@pytest.mark.parametrize("case", INDEXING, ids=name_of)
def test_indexing_is_that_of_keras(case):
    assert_like_keras(indexing, case)
    assert_symbols_like_arrays(indexing, case)


# ---- cells -------------------------------------------------------------------------------------


class RunningMean:
    """What BatchNormalization keeps."""

    def __init__(self):
        self.mean = Variable([0.0], trainable=False)

    def __call__(self, x):
        self.mean.assign(self.mean * 0.5 + x * 0.5)
        return x - self.mean


def forms(fn, cells):
    """`fn` as it is, and as one jitted pure function; both write `cells`."""
    compiled = jax.jit(pure(fn, cells))

    def jitted(*args):
        result, values = compiled([cell.value for cell in cells], *args)
        for cell, value in zip(cells, values, strict=True):
            cell.assign(value)
        return result

    return fn, jitted


def both(make):
    """Run what `make` returns (a function and its cells) eagerly and jitted, on fresh cells each time."""
    return [forms(*make())[i]() for i in (0, 1)]


def test_each_turn_of_a_scan_draws_anew():
    def make():
        generator = random.SeedGenerator(3)

        def draw():
            return control.scan(lambda c, _: (c, random.normal((2,), seed=generator)), 0, length=4)[1]

        return draw, [generator.state]

    eager, jitted = both(make)
    generator = random.SeedGenerator(3)
    expected = np.stack([random.normal((2,), seed=generator) for _ in range(4)])
    np.testing.assert_allclose(eager, expected, rtol=1e-6)
    np.testing.assert_allclose(jitted, expected, rtol=1e-6)


def test_draws_go_on_where_the_loop_stopped():
    generator = random.SeedGenerator(3)
    control.fori_loop(0, 5, lambda i, x: x + random.uniform((), seed=generator), 0.0)
    assert generator.state.numpy().tolist() == [3, 5]


LOOPS = {
    "fori_loop": lambda layer, xs: control.fori_loop(
        0, 3, lambda i, total: total + layer(xs[i]), jnp.zeros(1)
    ),
    "scan": lambda layer, xs: control.scan(lambda total, x: (total + layer(x), None), jnp.zeros(1), xs)[0],
    "while_loop": lambda layer, xs: control.while_loop(
        lambda total, i: (i < 3) & (layer.mean[0] < 1e6),
        lambda total, i: (total + layer(xs[i]), i + 1),
        (jnp.zeros(1), 0),
    )[0],
    "map": lambda layer, xs: control.map(layer, xs).sum(0),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_running_mean_ends_as_in_python(name):
    xs = jnp.array([[1.0], [2.0], [4.0]])
    plain = RunningMean()
    total = sum(plain(x) for x in xs)

    for form in (0, 1):
        layer = RunningMean()
        result = forms(lambda layer=layer: LOOPS[name](layer, xs), [layer.mean])[form]()
        np.testing.assert_allclose(result, total)
        np.testing.assert_allclose(layer.mean, plain.mean)


@pytest.mark.parametrize("name", [name for name in LOOPS if name != "while_loop"])
def test_gradients_flow_through_what_a_loop_writes(name):
    xs = jnp.array([[1.0], [2.0], [4.0]])

    def total(xs, loop):
        layer = RunningMean()
        run = pure(lambda: loop(layer, xs), [layer.mean])
        result, (mean,) = run([jnp.zeros(1)])
        return (result**2).sum() + mean.sum()

    expected = jax.grad(lambda xs: total(xs, lambda layer, xs: sum(layer(x) for x in xs)))(xs)
    np.testing.assert_allclose(jax.grad(lambda xs: total(xs, LOOPS[name]))(xs), expected, rtol=1e-6)


def test_loops_within_loops_carry_the_cells_of_both():
    inner, outer = Variable(0), Variable(0)

    def turn(i, x):
        outer.assign_add(1)
        return control.fori_loop(0, 3, lambda j, y: y + inner.assign_add(1), x)

    assert int(control.fori_loop(0, 2, turn, 0)) == sum(range(1, 7))
    assert (int(inner), int(outer)) == (6, 2)


@pytest.mark.parametrize("pred", [True, False])
def test_branches_write_the_cells_that_either_writes(pred):
    def make():
        a, b = Variable(1.0), Variable(2.0)

        def run():
            result = control.cond(pred, lambda: a.assign_add(10), lambda: b.assign_add(20))
            return result, a.value, b.value

        return run, [a, b]

    for result, a, b in both(make):
        assert (float(result), float(a), float(b)) == ((11, 11, 2) if pred else (22, 1, 22))


def test_branches_of_a_switch_return_cells_and_numbers():
    cell = Variable(3.0)
    assert float(control.switch(0, [lambda: cell, lambda: 1.0])) == 3


def test_remat_writes_cells_and_leaves_python_values_alone():
    layer = RunningMean()

    @control.remat
    def f(x, *, training):
        return layer(x).sum() ** 2 if training else x.sum()

    def loss(x):
        result, values = pure(lambda: f(x, training=True), [layer.mean])([jnp.zeros(1)])
        return result, values

    (value, (mean,)), grad = jax.value_and_grad(loss, has_aux=True)(jnp.array([3.0]))
    assert (float(value), float(mean[0]), float(grad[0])) == (2.25, 1.5, 1.5)
    assert "remat" in str(jax.make_jaxpr(jax.grad(lambda x: loss(x)[0]))(jnp.array([3.0])))


# ---- symbols -----------------------------------------------------------------------------------


def test_loops_on_symbols_are_replayed():
    x = Symbol((None, 3))
    total = ops.sum(control.fori_loop(0, 3, lambda i, y: y * 2 + i, x))
    values = graph.replay(graph.order(total, [x]), {id(x): jnp.asarray(A)})
    assert np.allclose(values[id(total)], (A * 8 + 4).sum())


@pytest.mark.parametrize("flag", [True, False])
def test_branches_on_a_symbol_may_use_symbols_around_them(flag):
    x, flag_symbol = Symbol((None, 3)), Symbol((), "bool")
    y = control.cond(flag_symbol, lambda: x * 2, lambda: x - 1)
    values = {id(x): jnp.asarray(A), id(flag_symbol): jnp.asarray(flag)}
    result = graph.replay(graph.order(y, [x, flag_symbol]), values)[id(y)]
    np.testing.assert_allclose(result, A * 2 if flag else A - 1)


# ---- errors ------------------------------------------------------------------------------------


def test_a_condition_that_draws_is_refused():
    generator = random.SeedGenerator(1)
    with pytest.raises(ValueError, match="condition writes seed_generator_state"):
        control.while_loop(lambda x: random.uniform((), seed=generator) < 0.5, lambda x: x + 1, 0)
    assert generator.state.numpy().tolist() == [1, 0]


def test_a_cell_written_in_a_jitted_function_that_was_not_lent_is_refused():
    cell = Variable(0.0, name="count")
    with pytest.raises(RuntimeError, match="count"):
        jax.jit(lambda x: control.fori_loop(0, 3, lambda i, y: cell.assign_add(y), x))(1.0)
    assert float(cell) == 0


def test_errors_say_what_was_wrong():
    with pytest.raises(ValueError, match="'add'.*'most'"):
        indexing.scatter_update(A, [[0]], A[:1], "most")
    with pytest.raises(ValueError, match=r"\(5, 3\) has 5 slices, not 3"):
        indexing.unstack(A, 3)
